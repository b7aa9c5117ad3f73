//! A way to PostgreSQL that breaks when it is told to.
//!
//! ```text
//! client ──▶ message ──(cut?)──▶ server
//!        ◀── bytes ────(cut?)──◀
//! ```
//! A message cannot be delivered twice, or after a later one: the protocol has one conversation for each connection, and
//! what is out of turn in it is no message. So a way is cut, held up or broken, and never repeats anything.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
    task::JoinHandle,
    time::sleep,
};

/// Where the way breaks, once, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// At which message of the clients.
    pub at: Place,
    /// What becomes of it.
    pub fate: Fate,
}

/// A message of the clients, counted from 1 over all connections since the cut was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Any.
    Message(u64),
    /// One that the server answers at once: a simple query, or the last of those that a statement with parameters is sent
    /// as.
    Question(u64),
    /// A COMMIT.
    Commit(u64),
}

/// What becomes of a message, and of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It never arrives; the connection ends.
    Lost,
    /// The server does what it says, and nobody gets its answer; the connection ends.
    Unanswered,
    /// Half of it arrives, then both sides are reset.
    Halved,
    /// It never arrives, and the client's connection is reset.
    Reset,
    /// It arrives, and so many bytes of the next that the server says; then the connection ends.
    Truncated(usize),
    /// It arrives later.
    Late(Duration),
    /// It arrives, and what the server says next comes later.
    LateAnswer(Duration),
    /// Neither it nor anything else arrives any more, on this connection, in either direction; it does not end.
    Stalled,
    /// The server is told that the client has nothing more to say, before it; what the server says to that still
    /// arrives.
    HalfClosed,
}

impl Cut {
    /// What a client sends as its n-th message from now on never arrives.
    #[must_use]
    pub const fn before(message: u64) -> Self {
        Self { at: Place::Message(message), fate: Fate::Lost }
    }

    /// The server gets the client's n-th message, and nobody gets its answer.
    #[must_use]
    pub const fn after(message: u64) -> Self {
        Self { at: Place::Message(message), fate: Fate::Unanswered }
    }

    /// The server never gets the next COMMIT.
    pub const BEFORE_COMMIT: Self = Self { at: Place::Commit(1), fate: Fate::Lost };

    /// The server gets the next COMMIT, and nobody gets its answer.
    pub const AFTER_COMMIT: Self = Self { at: Place::Commit(1), fate: Fate::Unanswered };
}

/// A proxy on loopback that understands where the client's messages end.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    server: SocketAddr,
    cut: Mutex<Option<Cut>>,
    messages: AtomicU64,
    questions: AtomicU64,
    commits: AtomicU64,
    cuts: AtomicU64,
    break_all: Notify,
}

impl Proxy {
    /// Starts a proxy in front of a port of this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn before(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let ours = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            server: SocketAddr::from(([127, 0, 0, 1], port)),
            cut: Mutex::new(None),
            messages: AtomicU64::new(0),
            questions: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            break_all: Notify::new(),
        });
        let serving = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = serving.clone();
                tokio::spawn(async move {
                    // how it ended is what the tests look at, from the other side
                    let _ = serve(client, &shared).await;
                });
            }
        });
        Ok(Self { port: ours, shared, task })
    }

    /// Where to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Breaks the way there. Counting starts over.
    pub fn cut(&self, cut: Cut) {
        let mut next = self.shared.cut.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.messages.store(0, Ordering::SeqCst);
        self.shared.questions.store(0, Ordering::SeqCst);
        self.shared.commits.store(0, Ordering::SeqCst);
        *next = Some(cut);
    }

    /// Breaks nothing any more; whether a cut was still to come.
    pub fn mend(&self) -> bool {
        self.shared.cut.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// How often the way was broken.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// Breaks every connection there is.
    pub fn break_all(&self) {
        self.shared.break_all.notify_waiters();
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.break_all.notify_waiters();
    }
}

impl Shared {
    /// Counts a message, and says what becomes of it; nothing but its delivery for nearly all.
    fn fate(&self, message: &[u8]) -> Option<Fate> {
        let is_commit = message.first() == Some(&b'Q') && message.get(5..11) == Some(b"COMMIT");
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let is_question = is_question(message);
        let count = |of: &AtomicU64, is: bool| of.fetch_add(u64::from(is), Ordering::SeqCst) + u64::from(is);
        let number = count(&self.messages, true);
        let question = count(&self.questions, is_question);
        let commit = count(&self.commits, is_commit);
        let is_here = match cut.as_ref()?.at {
            Place::Message(at) => at == number,
            Place::Question(at) => is_question && at == question,
            Place::Commit(at) => is_commit && at == commit,
        };
        let struck = cut.take_if(|_| is_here)?;
        self.cuts.fetch_add(1, Ordering::SeqCst);
        Some(struck.fate)
    }
}

/// One connection.
struct Way {
    from_client: OwnedReadHalf,
    to_client: OwnedWriteHalf,
    from_server: OwnedReadHalf,
    to_server: OwnedWriteHalf,
}

async fn serve(client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let server = TcpStream::connect(shared.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let way = Way { from_client, to_client, from_server, to_server };
    tokio::select! {
        ended = way.carry(shared) => ended,
        () = shared.break_all.notified() => Ok(()),
    }
}

impl Way {
    async fn carry(mut self, shared: &Shared) -> std::io::Result<()> {
        let (mut asked, mut told) = (Vec::new(), Vec::new());
        // the first message has no type: its length comes first
        let mut kind = 0;
        let mut left = usize::MAX;
        loop {
            tokio::select! {
                read = self.from_client.read_buf(&mut asked) => if read? == 0 { return Ok(()) },
                read = self.from_server.read_buf(&mut told) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    self.to_client.write_all(&told[..told.len().min(left)]).await?;
                    if left < usize::MAX {
                        return Ok(());
                    }
                    told.clear();
                }
            }
            while let Some(message) = take_message(&mut asked, kind) {
                let fate = if kind == 0 { None } else { shared.fate(&message) };
                kind = 1;
                match fate {
                    None => self.to_server.write_all(&message).await?,
                    Some(Fate::Late(delay)) => {
                        sleep(delay).await;
                        self.to_server.write_all(&message).await?;
                    }
                    Some(Fate::LateAnswer(delay)) => {
                        self.to_server.write_all(&message).await?;
                        sleep(delay).await;
                    }
                    Some(Fate::Truncated(length)) => {
                        // a message need not be answered before others have come
                        left = length;
                        self.to_server.write_all(&message).await?;
                    }
                    Some(fate) => return self.end(&message, fate).await,
                }
            }
        }
    }

    /// The last that happens on a connection.
    async fn end(mut self, message: &[u8], fate: Fate) -> std::io::Result<()> {
        match fate {
            Fate::Unanswered => {
                // from here on nobody reads what the server says; the client's side is closed before it is asked
                drop((self.from_client, self.to_client));
                self.to_server.write_all(message).await?;
                // it has done it once it says anything, or ends
                if is_question(message) {
                    let _ = self.from_server.read_u8().await;
                }
            }
            Fate::Halved => {
                self.to_server.write_all(&message[..message.len() / 2]).await?;
                self.to_server.as_ref().set_zero_linger()?;
                self.to_client.as_ref().set_zero_linger()?;
            }
            Fate::Reset => self.to_client.as_ref().set_zero_linger()?,
            Fate::Stalled => {
                // for as long as the client has patience
                let mut unheard = Vec::new();
                while self.from_client.read_buf(&mut unheard).await? > 0 {
                    unheard.clear();
                }
            }
            Fate::HalfClosed => {
                self.to_server.shutdown().await?;
                tokio::io::copy(&mut self.from_server, &mut self.to_client).await?;
            }
            // these do not end a connection, or there is nothing more to do
            Fate::Lost | Fate::Late(_) | Fate::LateAnswer(_) | Fate::Truncated(_) => {}
        }
        Ok(())
    }
}

/// Only these two are answered at once.
fn is_question(message: &[u8]) -> bool {
    matches!(message.first(), Some(b'Q' | b'S'))
}

/// Takes the first whole message away from what has come.
fn take_message(asked: &mut Vec<u8>, kind: usize) -> Option<Vec<u8>> {
    let length = asked.get(kind..kind + 4)?;
    let length = length.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    let rest = (asked.len() >= kind + length).then(|| asked.split_off(kind + length))?;
    Some(std::mem::replace(asked, rest))
}
