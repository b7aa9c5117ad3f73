//! A way to the store that misbehaves: it drops the conditions of writes, or the answers to them.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How it misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing: it only counts.
    None,
    /// This header does not arrive.
    Drops(&'static str),
    /// A write of an object whose name ends like this arrives, and its answer does not.
    LosesAnswer(&'static str),
    /// Such a write does not arrive.
    LosesRequest(&'static str),
}

/// A proxy on a port of its own.
pub(super) struct Proxy {
    pub(super) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: u16,
    fault: Mutex<Fault>,
    /// How many faults are still to come; many for those that never end.
    left: AtomicUsize,
    sent: AtomicUsize,
    writes: AtomicUsize,
}

impl Proxy {
    pub(super) async fn start(server: u16, fault: Fault) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = AtomicUsize::new(if matches!(fault, Fault::Drops(_)) { usize::MAX } else { 0 });
        let (sent, writes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Arc::new(Shared { server, fault: Mutex::new(fault), left, sent, writes });
        let theirs = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, Arc::clone(&theirs)));
            }
        });
        Self { port, shared }
    }

    /// The next write that fits goes wrong.
    pub(super) fn fail_next(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
        self.shared.left.store(1, Ordering::SeqCst);
    }

    /// Whether it did.
    pub(super) fn has_failed(&self) -> bool {
        self.shared.left.load(Ordering::SeqCst) == 0
    }

    /// Bytes and requests of all writes so far.
    pub(super) fn written(&self) -> (usize, usize) {
        (self.shared.sent.load(Ordering::SeqCst), self.shared.writes.load(Ordering::SeqCst))
    }
}

/// One request for each connection.
async fn serve(mut client: TcpStream, shared: Arc<Shared>) -> Option<()> {
    let (head, body) = request(&mut client).await?;
    let mut lines = head.lines();
    let first = lines.next()?.to_owned();
    let is_write = first.starts_with("PUT");
    let fault = *shared.fault.lock().unwrap();
    if is_write {
        shared.sent.fetch_add(body.len(), Ordering::SeqCst);
        shared.writes.fetch_add(1, Ordering::SeqCst);
    }
    let fits = |name: &str| {
        let path = first.split(' ').nth(1).unwrap_or_default();
        let fits = is_write && path.split('?').next().unwrap_or_default().ends_with(name);
        let take = |left: usize| left.checked_sub(1);
        fits && shared.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
    };
    if matches!(fault, Fault::LosesRequest(name) if fits(name)) {
        return None;
    }
    let dropped = match fault {
        Fault::Drops(header) => header,
        _ => "",
    };
    let mut forwarded = first.clone() + "\r\n";
    for line in lines.filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if name != "connection" && name != dropped {
            forwarded.push_str(line);
            forwarded.push_str("\r\n");
        }
    }
    forwarded.push_str("connection: close\r\n\r\n");
    let mut server = TcpStream::connect(("127.0.0.1", shared.server)).await.ok()?;
    server.write_all(forwarded.as_bytes()).await.ok()?;
    server.write_all(&body).await.ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.ok()?;
    if matches!(fault, Fault::LosesAnswer(name) if fits(name)) {
        return None;
    }
    client.write_all(&answer).await.ok()
}

async fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut part) = (Vec::new(), vec![0; 65536]);
    let end = loop {
        let size = client.read(&mut part).await.ok().filter(|size| *size > 0)?;
        bytes.extend_from_slice(&part[..size]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut body = bytes[end + 4..].to_vec();
    let length =
        |line: &str| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok();
    let length = head.lines().find_map(length).unwrap_or(0);
    while body.len() < length {
        let size = client.read(&mut part).await.ok().filter(|size| *size > 0)?;
        body.extend_from_slice(&part[..size]);
    }
    Some((head, body))
}
