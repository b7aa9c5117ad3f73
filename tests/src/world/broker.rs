//! A broker process: started, killed with signal 9, started again on the same port and store.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use super::{ACCOUNT, Binaries, WorldError, port};

/// What a broker is started with.
#[derive(Debug, Clone)]
pub struct BrokerSpec {
    /// Its name in the world.
    pub name: &'static str,
    /// What it offers.
    pub offerings: &'static [&'static str],
    /// Where its configuration, store, keys and log are.
    pub folder: PathBuf,
    /// The platform's password.
    pub password: String,
    /// The vendor's base address.
    pub vendor_url: String,
    /// The vendor's token.
    pub vendor_token: String,
    /// How long it works on a request before it answers that it goes on by itself.
    pub inline_budget: &'static str,
    /// Our extensions of the protocol that it allows.
    pub extensions: &'static str,
    /// Its log level.
    pub log_level: &'static str,
}

/// A broker, running or killed.
#[derive(Debug)]
pub struct BrokerProcess {
    spec: BrokerSpec,
    binary: PathBuf,
    port: u16,
    management: u16,
    child: Option<Child>,
}

impl BrokerProcess {
    /// Writes the configuration, makes keys, starts the process and waits until it is ready.
    pub(super) async fn start(binaries: &Binaries, spec: BrokerSpec) -> Result<Self, WorldError> {
        let mut broker = Self {
            binary: binaries.broker(),
            port: port::free()?,
            management: port::free()?,
            child: None,
            spec,
        };
        broker.write_files()?;
        let made = Command::new(&broker.binary)
            .args(["key", "new", "-c"])
            .arg(broker.config())
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| WorldError::new("making broker keys", error))?;
        if !made.status.success() {
            return Err(WorldError::new("making broker keys", String::from_utf8_lossy(&made.stderr)));
        }
        broker.restart().await?;
        Ok(broker)
    }

    fn write_files(&self) -> Result<(), WorldError> {
        let failed =
            |error| WorldError::new(format!("writing the files of broker {}", self.spec.name), error);
        fs::create_dir_all(&self.spec.folder).map_err(failed)?;
        write_private(&self.spec.folder.join("platform.password"), &self.spec.password).map_err(failed)?;
        write_private(&self.spec.folder.join("cf.token"), &self.spec.vendor_token).map_err(failed)?;
        let config = format!(
            "listen: 127.0.0.1:{port}\n\
             management: 127.0.0.1:{management}\n\
             store: sqlite:broker.db\n\
             keys: broker.keys\n\
             credentials:\n  - {{ id: platform, username: platform, password: {{ file: platform.password }} }}\n\
             vendors:\n  cloudflare: {{ base_url: \"{vendor}\", account_id: {ACCOUNT}, api_token: {{ file: cf.token }}, calls_per_five_minutes: 1000000 }}\n\
             offerings: [{offerings}]\n\
             extensions: [{extensions}]\n\
             tuning: {{ inline_budget: {inline_budget}, lease: 10s, call_timeout: 1s, poll_interval: 50ms, backoff_cap: 500ms }}\n",
            extensions = self.spec.extensions,
            inline_budget = self.spec.inline_budget,
            port = self.port,
            management = self.management,
            vendor = self.spec.vendor_url,
            offerings = self.spec.offerings.join(", "),
        );
        fs::write(self.config(), config).map_err(failed)
    }

    /// Starts it (again) and waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends or is not ready within twenty seconds; the error holds the end of its log.
    pub async fn restart(&mut self) -> Result<(), WorldError> {
        let step = || format!("starting broker {}", self.spec.name);
        let failed = |error: std::io::Error| WorldError::new(step(), error);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log()).map_err(failed)?;
        let child = Command::new(&self.binary)
            .args(["serve", "-c"])
            .arg(self.config())
            .env("SUTLER_LOG", self.spec.log_level)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        self.child = Some(child);
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&mut self) -> Result<(), WorldError> {
        let step = format!("waiting for broker {}", self.spec.name);
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(2))
            .build()
            .map_err(|error| WorldError::new(&step, error))?;
        let url = format!("http://127.0.0.1:{}/health/ready", self.management);
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(15).collect();
                return Err(WorldError::new(
                    step,
                    format!("ended: {ended:?}; log, newest first:\n{}", tail.join("\n")),
                ));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills it with signal 9 and waits until it is dead.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(&mut self) -> Result<(), WorldError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().await.map_err(|error| WorldError::new("killing a broker", error))
    }

    /// Its store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.spec.folder.join("broker.db")
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it does not end, or not with exit code 0.
    pub async fn stop(&mut self) -> Result<(), WorldError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let step = format!("stopping broker {}", self.spec.name);
        let id = child.id().unwrap_or_default().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        sent.map_err(|error| WorldError::new(&step, error))?;
        let status = tokio::time::timeout(Duration::from_secs(30), child.wait())
            .await
            .map_err(|error| WorldError::new(&step, error))?
            .map_err(|error| WorldError::new(&step, error))?;
        if status.success() { Ok(()) } else { Err(WorldError::new(step, status)) }
    }

    pub(super) fn let_go(&mut self) {
        if let Some(child) = self.child.take() {
            // `kill_on_drop` belongs to the value: without the value, the process goes on.
            std::mem::forget(child);
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The platform's password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.spec.password
    }

    /// Its configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.spec.folder.join("broker.yaml")
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.spec.folder.join("broker.log")
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }
}

/// A file that only its owner can read, from the moment it exists.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
