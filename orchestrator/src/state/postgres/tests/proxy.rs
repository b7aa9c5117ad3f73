//! A way to the database that breaks: the connection is cut just before, or just after, a COMMIT.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// When the way breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The COMMIT never arrives.
    BeforeCommit,
    /// It arrives and is done; its answer is lost.
    AfterCommit,
}

/// A proxy on a port of its own.
pub(super) struct Proxy {
    pub(super) port: u16,
    /// So many COMMITs pass before the next one is cut.
    left: Arc<AtomicUsize>,
}

impl Proxy {
    pub(super) async fn start(server: u16, cut: Cut) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let shared = Arc::clone(&left);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server, (cut, Arc::clone(&shared))));
            }
        });
        Self { port, left }
    }

    /// The next COMMIT is cut.
    pub(super) fn cut_next(&self) {
        self.left.store(0, Ordering::SeqCst);
    }

    /// Whether it was.
    pub(super) fn has_cut(&self) -> bool {
        self.left.load(Ordering::SeqCst) == usize::MAX
    }
}

async fn serve(mut client: TcpStream, server: u16, (cut, left): (Cut, Arc<AtomicUsize>)) {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut asked, mut told) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Some(size) = read.ok().filter(|size| *size > 0) else { return };
                let message = &asked[..size];
                let commits = message.windows(7).any(|window| window == b"COMMIT\0");
                if commits && left.compare_exchange(0, usize::MAX, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                    if cut == Cut::AfterCommit {
                        server.write_all(message).await.unwrap();
                        // its answer: the commit is done
                        let _ = server.read(&mut told).await;
                    }
                    return;
                }
                if server.write_all(message).await.is_err() { return }
            }
            read = server.read(&mut told) => {
                let Some(size) = read.ok().filter(|size| *size > 0) else { return };
                if client.write_all(&told[..size]).await.is_err() { return }
            }
        }
    }
}
