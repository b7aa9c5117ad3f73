//! A certificate authority of one's own: Pebble, started for the test on free loopback ports, gone when dropped.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum PebbleError {
    /// The program is not there.
    #[error("the certificate authority Pebble is needed and not there; install the package `pebble`")]
    Missing,
    /// The system would not let us.
    #[error("could not {0}")]
    System(&'static str, #[source] std::io::Error),
    /// Its own certificate cannot be made.
    #[error("could not make the certificate of the server")]
    Certificate(#[from] rcgen::Error),
    /// It cannot be asked.
    #[error("could not ask the server")]
    Http(#[source] reqwest::Error),
    /// It does not answer.
    #[error("pebble does not answer: {0}")]
    Mute(String),
}

fn system(step: &'static str) -> impl FnOnce(std::io::Error) -> PebbleError {
    move |source| PebbleError::System(step, source)
}

/// How an authority is to behave.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// How many of a hundred good nonces it calls bad ones.
    pub rejected_nonces: u8,
    /// How long its certificates count.
    pub lifetime: Duration,
    /// Whether it wants an account elsewhere: the key `kid-1`, whose value is [`EXTERNAL_KEY`].
    pub external_accounts_only: bool,
}

/// The key of the account elsewhere, in base64url.
pub const EXTERNAL_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

impl Default for Habits {
    fn default() -> Self {
        Self {
            rejected_nonces: 0,
            lifetime: Duration::from_secs(90 * 24 * 60 * 60),
            external_accounts_only: false,
        }
    }
}

/// What an authority knows of the certificates that it has issued, as its operator sees it.
#[derive(Debug, Clone)]
pub struct Register {
    management: SocketAddr,
    client: reqwest::Client,
}

impl Register {
    /// What it knows of a certificate, by its serial number in hexadecimal: `Valid`, `Revoked`; `None` if nothing.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self, serial: &str) -> Result<Option<String>, PebbleError> {
        let url = format!("https://{}/cert-status-by-serial/{serial}", self.management);
        let answer = self.client.get(url).send().await.map_err(PebbleError::Http)?;
        if answer.status().as_u16() == 404 {
            return Ok(None);
        }
        let told: Value = answer.json().await.map_err(PebbleError::Http)?;
        Ok(told["Status"].as_str().map(str::to_owned))
    }
}

/// A running authority.
#[derive(Debug)]
pub struct Pebble {
    folder: TempDir,
    process: Child,
    address: SocketAddr,
    management: SocketAddr,
    root: String,
}

impl Pebble {
    /// Starts an authority that looks up proofs at this name server.
    ///
    /// # Errors
    /// When its program is missing or fails.
    pub async fn start(names: SocketAddr, habits: Habits) -> Result<Self, PebbleError> {
        let program = program()?;
        let mut last = PebbleError::Missing;
        // somebody else may take a port between our finding it and the server's using it
        for _ in 0..5 {
            match Self::run(&program, names, habits).await {
                Ok(server) => return Ok(server),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn run(program: &PathBuf, names: SocketAddr, habits: Habits) -> Result<Self, PebbleError> {
        let folder = TempDir::new().map_err(system("make a folder"))?;
        let [address, management, unused] = free_addresses().map_err(system("find free ports"))?;
        let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        let root = own.cert.pem();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("cert.pem"), &root).map_err(system("write its certificate"))?;
        fs::write(path("key.pem"), own.signing_key.serialize_pem()).map_err(system("write its key"))?;
        let configuration = json!({ "pebble": {
            "listenAddress": address, "managementListenAddress": management,
            "certificate": path("cert.pem"), "privateKey": path("key.pem"),
            // nobody is there: only proofs in the DNS are looked at
            "httpPort": unused.port(), "tlsPort": unused.port(), "ocspResponderURL": "",
            "externalAccountBindingRequired": habits.external_accounts_only,
            "externalAccountMACKeys": { "kid-1": EXTERNAL_KEY },
            "certificateValidityPeriod": habits.lifetime.as_secs(),
        } });
        fs::write(path("pebble.json"), configuration.to_string())
            .map_err(system("write the configuration"))?;
        let log = fs::File::create(path("log")).map_err(system("write its log"))?;
        let errors = log.try_clone().map_err(system("write its log"))?;
        let process = Command::new(program)
            .args(["-strict", "-dnsserver", &names.to_string(), "-config"])
            .arg(path("pebble.json"))
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .env("PEBBLE_WFE_NONCEREJECT", habits.rejected_nonces.to_string())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(system("start pebble"))?;
        let mut server = Self { folder, process, address, management, root };
        server.wait().await?;
        Ok(server)
    }

    /// Waits until both its interfaces answer.
    async fn wait(&mut self) -> Result<(), PebbleError> {
        let client = self.client()?;
        for _ in 0..400 {
            if self.process.try_wait().map_err(system("watch pebble"))?.is_some() {
                break;
            }
            let directory = client.get(self.directory()).send().await;
            let roots = client.get(format!("https://{}/roots/0", self.management)).send().await;
            if directory.is_ok_and(|answer| answer.status().is_success())
                && roots.is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Err(PebbleError::Mute(fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()))
    }

    /// A client that trusts it.
    ///
    /// # Errors
    /// When none can be made.
    pub fn client(&self) -> Result<reqwest::Client, PebbleError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root = reqwest::Certificate::from_pem(self.root.as_bytes()).map_err(PebbleError::Http)?;
        let builder = reqwest::Client::builder().tls_certs_only([root]).timeout(Duration::from_secs(10));
        // with HTTP/2, nobody could stand before it under another address
        builder.http1_only().no_proxy().build().map_err(PebbleError::Http)
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("https://{}/dir", self.address)
    }

    /// What its own TLS stands on, as PEM.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Its register, which can be asked as long as it runs.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn register(&self) -> Result<Register, PebbleError> {
        Ok(Register { management: self.management, client: self.client()? })
    }

    /// What it knows of a certificate: see [`Register::status`].
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self, serial: &str) -> Result<Option<String>, PebbleError> {
        self.register()?.status(serial).await
    }

    /// What it has written, for a test that failed.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        // it has nothing that is worth an orderly end
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> Result<PathBuf, PebbleError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join("pebble"));
    programs.find(|path| path.is_file()).ok_or(PebbleError::Missing)
}

/// Three ports that are free.
fn free_addresses() -> std::io::Result<[SocketAddr; 3]> {
    let taken = [listener()?, listener()?, listener()?];
    Ok([taken[0].local_addr()?, taken[1].local_addr()?, taken[2].local_addr()?])
}

fn listener() -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}
