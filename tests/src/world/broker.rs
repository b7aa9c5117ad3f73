//! A broker process: started, killed with signal 9, started again on the same port and store.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use super::{WorldError, port};

/// What a broker is started with.
#[derive(Debug, Clone)]
pub struct BrokerSpec {
    /// Its name in the world.
    pub name: String,
    /// What runs.
    pub program: Program,
    /// Where its configuration, store, keys and log are.
    pub folder: PathBuf,
    /// Its configuration, with the words `<listen>` and `<management>` where its addresses go.
    pub config: String,
    /// Files beside the configuration that hold secrets: name and secret.
    pub files: Vec<(String, String)>,
    /// The platform's password; it is in one of the files.
    pub password: String,
    /// Its log level.
    pub log_level: &'static str,
}

/// The program of a broker.
#[derive(Debug, Clone)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is ours, with `serve` and `key new`, or one that takes its configuration and nothing else.
    pub kind: ProgramKind,
    /// What it finds in its environment.
    pub environment: Vec<(String, String)>,
}

/// How a program is told to be a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramKind {
    /// `sutler-broker serve -c broker.yaml`, with keys made before.
    SutlerBroker,
    /// `program broker.yaml`, which makes its keys itself.
    OnTheFramework,
}

/// A broker, running or killed.
#[derive(Debug)]
pub struct BrokerProcess {
    spec: BrokerSpec,
    port: u16,
    management: u16,
    child: Option<Child>,
}

impl BrokerProcess {
    /// Writes the configuration, makes keys, starts the process and waits until it is ready.
    pub(super) async fn start(spec: BrokerSpec) -> Result<Self, WorldError> {
        let mut broker = Self { port: port::free()?, management: port::free()?, child: None, spec };
        broker.write_files()?;
        if broker.spec.program.kind == ProgramKind::SutlerBroker {
            broker.make_keys().await?;
        }
        broker.restart().await?;
        Ok(broker)
    }

    async fn make_keys(&self) -> Result<(), WorldError> {
        let made = Command::new(&self.spec.program.path)
            .args(["key", "new", "-c"])
            .arg(self.config())
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| WorldError::new("making broker keys", error))?;
        if made.status.success() {
            return Ok(());
        }
        Err(WorldError::new("making broker keys", String::from_utf8_lossy(&made.stderr)))
    }

    fn write_files(&self) -> Result<(), WorldError> {
        let failed =
            |error| WorldError::new(format!("writing the files of broker {}", self.spec.name), error);
        fs::create_dir_all(&self.spec.folder).map_err(failed)?;
        for (file, secret) in &self.spec.files {
            write_private(&self.spec.folder.join(file), secret).map_err(failed)?;
        }
        let address = |port: u16| format!("127.0.0.1:{port}");
        let config = self.spec.config.replace("<listen>", &address(self.port));
        let config = config.replace("<management>", &address(self.management));
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
        let before: &[&str] = match self.spec.program.kind {
            ProgramKind::SutlerBroker => &["serve", "-c"],
            ProgramKind::OnTheFramework => &[],
        };
        let child = Command::new(&self.spec.program.path)
            .args(before)
            .arg(self.config())
            .envs(self.spec.program.environment.iter().map(|(name, value)| (name, value)))
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

    /// Its name in the world.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
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

    /// The files that hold its secrets, and its keys.
    pub(super) fn secret_files(&self) -> impl Iterator<Item = PathBuf> {
        let files = self.spec.files.iter().map(|(file, _)| file.as_str()).chain(["broker.keys"]);
        files.map(|file| self.spec.folder.join(file))
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
