//! A way to PostgreSQL that breaks when it is told to.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// Where the way breaks, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// What a client sends as its n-th message from now on, counted from 1 over all connections, never arrives.
    Before(u64),
    /// The server gets the client's n-th message, and nobody gets its answer.
    After(u64),
    /// The server never gets the next COMMIT.
    BeforeCommit,
    /// The server gets the next COMMIT, and nobody gets its answer.
    AfterCommit,
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
            cuts: AtomicU64::new(0),
            break_all: Notify::new(),
        });
        let serving = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = serving.clone();
                tokio::spawn(async move {
                    // how it ended is what the tests look at, from the other side
                    let _ = carry(client, &shared).await;
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
        self.shared.messages.store(0, Ordering::SeqCst);
        *self.shared.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
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

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.break_all.notify_waiters();
    }
}

/// What becomes of a message.
#[derive(PartialEq)]
enum Fate {
    Passes,
    IsLost,
    PassesUnanswered,
}

impl Shared {
    fn fate(&self, message: &[u8]) -> Fate {
        let number = self.messages.fetch_add(1, Ordering::SeqCst) + 1;
        let is_commit = message.first() == Some(&b'Q') && message.get(5..11) == Some(b"COMMIT");
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let fate = match *cut {
            Some(Cut::Before(n)) if n == number => Fate::IsLost,
            Some(Cut::After(n)) if n == number => Fate::PassesUnanswered,
            Some(Cut::BeforeCommit) if is_commit => Fate::IsLost,
            Some(Cut::AfterCommit) if is_commit => Fate::PassesUnanswered,
            _ => return Fate::Passes,
        };
        *cut = None;
        self.cuts.fetch_add(1, Ordering::SeqCst);
        fate
    }
}

async fn carry(client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let server = TcpStream::connect(shared.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::io::copy(&mut from_server, &mut to_client);
    let requests = async {
        // the first message has no type: its length comes first
        let start = read_message(&mut from_client, 0).await?;
        to_server.write_all(&start).await?;
        loop {
            let message = read_message(&mut from_client, 1).await?;
            match shared.fate(&message) {
                Fate::Passes => to_server.write_all(&message).await?,
                Fate::IsLost => return Ok(None),
                Fate::PassesUnanswered => return Ok(Some(message)),
            }
        }
    };
    let unanswered: std::io::Result<Option<Vec<u8>>> = tokio::select! {
        _ = answers => return Ok(()),
        ended = requests => ended,
        () = shared.break_all.notified() => return Ok(()),
    };
    // from here on nobody reads what the server says; the client's side is closed before the server is asked
    if let Some(message) = unanswered? {
        drop((from_client, to_client));
        to_server.write_all(&message).await?;
        // it has done it once it says anything, or ends; only these two are answered at once
        if matches!(message.first(), Some(b'Q' | b'S')) {
            let _ = from_server.read_u8().await;
        }
    }
    Ok(())
}

async fn read_message(from: &mut (impl AsyncReadExt + Unpin), kind: usize) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; kind + 4];
    from.read_exact(&mut message).await?;
    let length = message[kind..].iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    let mut body = vec![0; length.saturating_sub(4)];
    from.read_exact(&mut body).await?;
    message.append(&mut body);
    Ok(message)
}
