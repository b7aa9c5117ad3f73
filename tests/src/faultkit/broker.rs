//! A broker process of the campaign: small times, faults on command, killed and started again on the same store.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::process::{Child, Command};

use crate::world::{ACCOUNT, Binaries, WorldError, free_port, write_private};

/// What a broker is started with.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Where its files are.
    pub folder: PathBuf,
    /// Its store, as in a configuration file.
    pub store: String,
    /// The password of the store, where it has one: the file `database.password`.
    pub store_password: String,
    /// The vendor, or what stands between.
    pub vendor_url: String,
    /// The vendor's token.
    pub vendor_token: String,
    /// The platform's password.
    pub password: String,
    /// The mistake it makes.
    pub mutant: Option<String>,
    /// Its times, as in a configuration file.
    pub tuning: String,
}

/// Times that make a case short, and still leave room on a busy machine.
pub(super) const TUNING: &str = "inline_budget: 1ms, sync_limit: 20s, lease: 1s, call_timeout: 500ms, poll_interval: 20ms, \
                          backoff_cap: 60ms, fetch_cache: 0s";

/// A broker, running or dead.
#[derive(Debug)]
pub struct Broker {
    options: BrokerOptions,
    binary: PathBuf,
    port: u16,
    management: u16,
    child: Option<Child>,
}

impl Broker {
    /// Writes its files and makes its keys; it does not run yet.
    ///
    /// # Errors
    /// When a file cannot be written, or the keys cannot be made.
    pub async fn prepare(binaries: &Binaries, options: BrokerOptions) -> Result<Self, WorldError> {
        let broker = Self {
            binary: binaries.broker(),
            port: free_port()?,
            management: free_port()?,
            child: None,
            options,
        };
        broker.write_files().map_err(|error| WorldError::new("writing a broker's files", error))?;
        broker.verb(&["key", "new"], &[]).await?;
        Ok(broker)
    }

    fn write_files(&self) -> std::io::Result<()> {
        let folder = &self.options.folder;
        std::fs::create_dir_all(folder)?;
        write_private(&folder.join("platform.password"), &self.options.password)?;
        write_private(&folder.join("cf.token"), &self.options.vendor_token)?;
        write_private(&folder.join("database.password"), &self.options.store_password)?;
        self.arm("")?;
        let config = format!(
            "listen: 127.0.0.1:{port}\nmanagement: 127.0.0.1:{management}\nstore: {store}\nkeys: broker.keys\n\
             credentials:\n  - {{ id: platform, username: platform, password: {{ file: platform.password }} }}\n\
             vendors:\n  cloudflare: {{ base_url: \"{vendor}\", account_id: {ACCOUNT}, api_token: {{ file: cf.token }}, \
             calls_per_five_minutes: 10000000 }}\n\
             offerings: [cloudflare-d1, cloudflare-token, cloudflare-secrets, cloudflare-pages-domain, sutler-probe]\n\
             tuning: {{ {tuning} }}\n",
            port = self.port,
            management = self.management,
            store = self.options.store,
            vendor = self.options.vendor_url,
            tuning = self.options.tuning,
        );
        std::fs::write(self.config(), config)
    }

    /// Says what happens where from now on; nothing with an empty plan. Forgets what happened.
    ///
    /// # Errors
    /// When the plan cannot be written.
    pub fn arm(&self, plan: &str) -> std::io::Result<()> {
        let path = self.options.folder.join("faults.plan");
        // in one go: the broker reads it at any time
        let fresh = self.options.folder.join("faults.new");
        std::fs::write(&fresh, plan)?;
        std::fs::rename(fresh, path)?;
        match std::fs::remove_file(self.options.folder.join("faults.struck")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The points at which something happened since the plan was written.
    #[must_use]
    pub fn struck(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.options.folder.join("faults.struck")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Starts the process; it may die at once, as the plan says.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&mut self) -> Result<(), WorldError> {
        let failed = |error: std::io::Error| WorldError::new("starting a broker", error);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).map_err(failed)?;
        // a file that cannot grow is an error to it, not a signal that ends it (F05)
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(&self.binary)
            .args(["serve", "-c"])
            .arg(self.config())
            .current_dir(&self.options.folder)
            .env("SUTLER_LOG", "debug")
            .env("SUTLER_FAULTS", format!("@{}", self.options.folder.join("faults.plan").display()))
            .env_remove("SUTLER_MUTANT")
            .envs(self.options.mutant.as_ref().map(|name| ("SUTLER_MUTANT", name)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .kill_on_drop(true);
        self.child = Some(command.spawn().map_err(failed)?);
        Ok(())
    }

    /// Waits until it is ready: true; or dead: false.
    ///
    /// # Errors
    /// When it is neither within twenty seconds.
    pub async fn is_ready(&mut self, client: &reqwest::Client) -> Result<bool, WorldError> {
        let url = format!("http://127.0.0.1:{}/health/ready", self.management);
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(true);
            }
            if self.is_dead() {
                return Ok(false);
            }
            if Instant::now() > deadline {
                return Err(WorldError::new("waiting for a broker", self.end_of_log()));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether the process has ended, or was never started.
    pub fn is_dead(&mut self) -> bool {
        match self.child.as_mut().map(Child::try_wait) {
            Some(Ok(None)) => false,
            _ => {
                self.child = None;
                true
            }
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

    /// Sends a signal by its name, such as `TERM` or `STOP`.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub async fn signal(&self, name: &str) -> Result<(), WorldError> {
        let Some(id) = self.child.as_ref().and_then(Child::id) else { return Ok(()) };
        let sent = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status().await;
        sent.map(|_| ()).map_err(|error| WorldError::new("sending a signal", error))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end within the time.
    pub async fn wait(&mut self, limit: Duration) -> Result<(), WorldError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let ended = tokio::time::timeout(limit, child.wait()).await;
        ended.map(|_| ()).map_err(|_| WorldError::new("waiting for the end of a broker", self.end_of_log()))
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// What it was started with.
    #[must_use]
    pub fn options(&self) -> &BrokerOptions {
        &self.options
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.options.folder.join("broker.log")
    }

    /// Runs a verb of the program on its configuration, past the process that serves. What it printed.
    ///
    /// # Errors
    /// When it fails.
    pub async fn verb(&self, verb: &[&str], more: &[&str]) -> Result<String, WorldError> {
        let mut command = Command::new(&self.binary);
        command.args(verb).arg("-c").arg(self.config()).args(more).stdin(Stdio::null());
        command.current_dir(&self.options.folder).env_remove("SUTLER_FAULTS").env_remove("SUTLER_MUTANT");
        let failed =
            |why: &dyn std::fmt::Display| WorldError::new(format!("sutler-broker {}", verb.join(" ")), why);
        let ended = command.output().await.map_err(|error| failed(&error))?;
        if ended.status.success() {
            Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
        } else {
            Err(failed(&String::from_utf8_lossy(&ended.stderr)))
        }
    }

    /// Makes a copy of its store while the given faults strike whoever makes it. How that ended.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn back_up(&self, to: &Path, faults: &str) -> Result<std::process::ExitStatus, WorldError> {
        let mut command = Command::new(&self.binary);
        command.args(["backup", "-c"]).arg(self.config()).arg("--to").arg(to).env("SUTLER_FAULTS", faults);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().await.map_err(|error| WorldError::new("starting a backup", error))
    }

    fn config(&self) -> PathBuf {
        self.options.folder.join("broker.yaml")
    }

    /// The last lines of its log, newest first.
    #[must_use]
    pub fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().rev().take(15).collect::<Vec<_>>().join("\n")
    }
}
