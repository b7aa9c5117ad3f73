//! A proxy that understands requests and answers, and does to them what networks do.
//!
//! ```text
//! client ──▶ request ──(rule?)──▶ server ──▶ answer ──(rule?)──▶ client
//! ```

mod http;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

use self::http::{Message, read_answer, read_request};
use crate::world::WorldError;

/// How long a stalled peer is kept waiting; longer than anybody waits.
const STALL: Duration = Duration::from_secs(60);

/// What is done to a request or its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The request never arrives, the connection ends.
    DropRequest,
    /// The request is carried out, the answer never arrives (F12).
    DropResponse,
    /// The request arrives later.
    Delay(Duration),
    /// The answer arrives later.
    DelayResponse(Duration),
    /// The request is carried out, and nothing more happens for a long time.
    Stall,
    /// The request is carried out, then the connection is reset.
    Reset,
    /// So many bytes of the answer arrive, then the connection ends.
    Truncate(usize),
    /// The answer's last bytes are others.
    Garble,
    /// The request arrives so many times more, one after the other, before the first answer is given (F13).
    Duplicate(u32),
    /// The request arrives once more after a while, when others may have come between (F13).
    Echo(Duration),
    /// Nothing is answered, and the request arrives after a while, when nobody waits for it any more (F12).
    Late(Duration),
    /// Nothing is answered, and the request arrives right after the next one, which was sent later (F13).
    Behind,
    /// An answer that does not end; the request never arrives.
    Endless,
    /// These bytes are the answer; the request never arrives.
    Answer(Vec<u8>),
    /// The request is carried out, and these bytes are the answer.
    AnswerAfter(Vec<u8>),
}

/// Which requests it is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The method; `*` for any.
    pub method: String,
    /// A part of the target.
    pub path: String,
    /// The first matching request, from 1.
    pub nth: u64,
    /// How many in a row.
    pub times: u64,
    /// What is done.
    pub act: Act,
}

impl Rule {
    /// The nth request of this method, whatever it is about.
    #[must_use]
    pub fn nth(method: &str, nth: u64, act: Act) -> Self {
        Self { method: method.to_owned(), path: String::new(), nth, times: 1, act }
    }

    /// So many in a row.
    #[must_use]
    pub fn for_requests(self, times: u64) -> Self {
        Self { times, ..self }
    }

    fn matches(&self, message: &Message) -> bool {
        (self.method == "*" || self.method == message.method()) && message.target().contains(&self.path)
    }
}

/// A request that came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Its target.
    pub target: String,
    /// When it came.
    pub from: Instant,
    /// When its connection had nothing more to do with it.
    pub until: Option<Instant>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<(Rule, u64)>,
    struck: Vec<Act>,
    seen: Vec<Seen>,
    /// Requests that wait until a later one has arrived.
    held: Vec<Message>,
}

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port for the server at this address.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(server: SocketAddr) -> Result<Self, WorldError> {
        let failed = |error| WorldError::new("starting a proxy", error);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    // whatever ends a connection, both sides see its end
                    let _ = serve(client, server, &shared).await;
                });
            }
        });
        Ok(Self { address, state, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is done from now on; counts anew.
    pub fn set(&self, rules: impl IntoIterator<Item = Rule>) {
        let mut state = lock(&self.state);
        state.rules = rules.into_iter().map(|rule| (rule, 0)).collect();
        state.struck.clear();
        // what nothing came after is lost
        state.held.clear();
    }

    /// What was done since the rules were set.
    #[must_use]
    pub fn struck(&self) -> Vec<Act> {
        lock(&self.state).struck.clone()
    }

    /// The requests that came by since the last time somebody asked.
    #[must_use]
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.state).seen)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a request and says what is done to it.
fn strike(state: &Mutex<State>, request: &Message) -> Option<Act> {
    let mut state = lock(state);
    let mut act = None;
    for (rule, count) in state.rules.iter_mut().filter(|(rule, _)| rule.matches(request)) {
        *count += 1;
        if act.is_none() && *count >= rule.nth && *count - rule.nth < rule.times {
            act = Some(rule.act.clone());
        }
    }
    state.struck.extend(act.clone());
    act
}

async fn serve(client: TcpStream, server: SocketAddr, state: &Mutex<State>) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let (mut asking, mut told) = client.into_split();
    let mut upstream = None;
    loop {
        let Some(request) = read_request(&mut asking).await? else { return Ok(()) };
        let number = note(state, &request);
        let going_on = tokio::select! {
            going_on = carry(&mut told, &mut upstream, (server, state), &request) => going_on,
            // who asked does not want to know any more
            () = gone(&mut asking) => Ok(false),
        };
        if let Some(seen) = lock(state).seen.get_mut(number) {
            seen.until = Some(Instant::now());
        }
        if !going_on? {
            return Ok(());
        }
    }
}

/// Ready when the other side has closed the connection.
async fn gone(asking: &mut OwnedReadHalf) {
    let mut byte = [0; 1];
    loop {
        match asking.peek(&mut byte).await {
            Ok(0) | Err(_) => return,
            // it asks for more already; that has to wait
            Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

fn note(state: &Mutex<State>, request: &Message) -> usize {
    let mut state = lock(state);
    let (method, target) = (request.method().to_owned(), request.target().to_owned());
    state.seen.push(Seen { method, target, from: Instant::now(), until: None });
    state.seen.len() - 1
}

/// Carries one request and its answer. Whether the connection can carry another one.
async fn carry(
    told: &mut OwnedWriteHalf,
    upstream: &mut Option<TcpStream>,
    (server, state): (SocketAddr, &Mutex<State>),
    request: &Message,
) -> std::io::Result<bool> {
    let act = strike(state, request);
    match &act {
        Some(Act::DropRequest) => return Ok(false),
        Some(Act::Answer(bytes)) => return last(told, bytes).await,
        Some(Act::Endless) => return endless(told).await,
        Some(Act::Late(after)) => {
            later(*after, server, request);
            return Ok(false);
        }
        Some(Act::Behind) => {
            lock(state).held.push(request.clone());
            return Ok(false);
        }
        Some(Act::Delay(delay)) => tokio::time::sleep(*delay).await,
        _ => {}
    }
    let answer = forward(upstream, server, request).await?;
    let held = std::mem::take(&mut lock(state).held);
    for older in &held {
        // who sent it does not listen any more
        let _ = forward(&mut None, server, older).await;
    }
    match act {
        Some(Act::DropResponse) => return Ok(false),
        Some(Act::DelayResponse(delay)) => tokio::time::sleep(delay).await,
        Some(Act::Stall) => tokio::time::sleep(STALL).await,
        Some(Act::Reset) => return told.as_ref().set_zero_linger().map(|()| false),
        Some(Act::Truncate(length)) => {
            return last(told, &answer.bytes[..length.min(answer.bytes.len())]).await;
        }
        Some(Act::Garble) => return last(told, &garbled(&answer)).await,
        Some(Act::AnswerAfter(bytes)) => return last(told, &bytes).await,
        Some(Act::Duplicate(times)) => {
            for _ in 0..times {
                // what becomes of the copies is told to nobody
                let _ = forward(&mut None, server, request).await;
            }
        }
        Some(Act::Echo(after)) => later(after, server, request),
        _ => {}
    }
    told.write_all(&answer.bytes).await?;
    Ok(!answer.is_last)
}

/// The last bytes of a connection.
async fn last(told: &mut OwnedWriteHalf, bytes: &[u8]) -> std::io::Result<bool> {
    told.write_all(bytes).await?;
    told.shutdown().await?;
    Ok(false)
}

/// Goes on until nobody listens any more.
async fn endless(told: &mut OwnedWriteHalf) -> std::io::Result<bool> {
    told.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
    loop {
        told.write_all(b"8\r\n{\"a\":[1,\r\n").await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn garbled(answer: &Message) -> Vec<u8> {
    let mut bytes = answer.bytes.clone();
    let from = bytes.len() - (bytes.len() - answer.head).min(12);
    bytes[from..].iter_mut().for_each(|byte| *byte ^= 0x55);
    bytes
}

/// Sends a request once more after a while; what becomes of it is told to nobody.
fn later(after: Duration, server: SocketAddr, request: &Message) {
    let request = request.clone();
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        let _ = forward(&mut None, server, &request).await;
    });
}

/// Sends a request on and reads its answer.
async fn forward(
    upstream: &mut Option<TcpStream>,
    server: SocketAddr,
    request: &Message,
) -> std::io::Result<Message> {
    let mut connection = match upstream.take() {
        Some(connection) => connection,
        None => TcpStream::connect(server).await?,
    };
    connection.set_nodelay(true)?;
    connection.write_all(&request.bytes).await?;
    let answer = read_answer(&mut connection, request).await?;
    if !answer.is_last {
        *upstream = Some(connection);
    }
    Ok(answer)
}
