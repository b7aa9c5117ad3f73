//! A real S3 server: a process of its own on a free loopback port, gone with the last test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::BucketPlace;

const BUCKET: &str = "states";

/// A running server with a bucket in it.
pub(in crate::state) struct Server {
    process: Child,
    pub(in crate::state) port: u16,
    prefixes: AtomicU32,
    _folder: TempDir,
}

impl Server {
    /// The server that the tests of this process share.
    pub(in crate::state) async fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let server = {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let server = Arc::new(Self::start());
                *shared = Arc::downgrade(&server);
                server
            })
        };
        server.make_bucket().await;
        server
    }

    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new(program())
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { process, port, prefixes: AtomicU32::new(0), _folder: folder }
    }

    /// Waits until the server is up, and makes the bucket unless it is there.
    async fn make_bucket(&self) {
        let deadline = Instant::now() + Duration::from_secs(90);
        let request = format!(
            "PUT /{BUCKET} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n"
        );
        loop {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await {
                let mut answer = Vec::new();
                let asked = stream.write_all(request.as_bytes()).await;
                let told = stream.read_to_end(&mut answer).await;
                let text = String::from_utf8_lossy(&answer);
                if asked.is_ok()
                    && told.is_ok()
                    && (text.contains(" 200 ") || text.contains("BucketAlreadyOwnedByYou"))
                {
                    return;
                }
            }
            assert!(Instant::now() < deadline, "the S3 server did not come up");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A prefix that nobody has used.
    pub(in crate::state) fn fresh(&self) -> BucketPlace {
        let number = self.prefixes.fetch_add(1, Ordering::Relaxed);
        place(self.port, &format!("test/{number}"))
    }
}

/// A prefix behind a port of this machine.
pub(in crate::state) fn place(port: u16, prefix: &str) -> BucketPlace {
    BucketPlace {
        bucket: BUCKET.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: Some(format!("http://127.0.0.1:{port}").parse().unwrap()),
        region: Some("us-east-1".to_owned()),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where `scripts/test install` puts it.
fn program() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/moto/bin/moto_server");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::iter::once(installed)
        .chain(std::env::split_paths(&path).map(|folder| folder.join("moto_server")));
    all.find(|program| program.is_file())
        .expect("these tests need the S3 server of `moto[server]`; run `scripts/test install`")
}
