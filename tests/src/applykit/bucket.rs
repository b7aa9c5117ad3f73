//! A real S3 server: a process of its own on a free loopback port, gone when dropped.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::world::{Binaries, WorldError, free_port};

/// The bucket there is.
pub(super) const BUCKET: &str = "states";
/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running server with a bucket in it.
#[derive(Debug)]
pub struct BucketServer {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl BucketServer {
    /// Starts it and makes the bucket.
    ///
    /// # Errors
    /// When its program is missing, or it does not come up.
    pub async fn start() -> Result<Self, WorldError> {
        let step = "starting the S3 server";
        let failed = |error: std::io::Error| WorldError::new(step, error);
        let program = program().ok_or_else(|| {
            WorldError::new(step, "there is no moto_server; `scripts/test install` installs it")
        })?;
        let folder = tempfile::tempdir().map_err(failed)?;
        let port = free_port()?;
        let log = std::fs::File::create(folder.path().join("log")).map_err(failed)?;
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        let server = Self { process, port, _folder: folder };
        server.make_bucket().await?;
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    async fn make_bucket(&self) -> Result<(), WorldError> {
        // the first client of a process installs it; the next ones find it there
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let url = format!("http://127.0.0.1:{}/{BUCKET}", self.port);
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build();
        let client = client.map_err(|error| WorldError::new("asking the S3 server", error))?;
        // it looks at who asks, not at the signature
        let signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, \
                      Signature=0";
        let deadline = Instant::now() + PATIENCE;
        loop {
            let made = client.put(&url).header("Authorization", signed).send().await;
            if made.is_ok_and(|made| made.status().is_success()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(WorldError::new("making a bucket", "the S3 server did not come up"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for BucketServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where `scripts/test install` puts it, or the path has it.
fn program() -> Option<PathBuf> {
    let installed = Binaries::workspace().join("target/tools/moto/bin/moto_server");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::iter::once(installed)
        .chain(std::env::split_paths(&path).map(|folder| folder.join("moto_server")));
    all.find(|program| program.is_file())
}
