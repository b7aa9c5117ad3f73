//! One run of a binary: its output kept, its end awaited or forced.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use super::WorldError;

/// A run that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said to people.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Finished {
    /// Standard output and standard error, for a failing test.
    #[must_use]
    pub fn everything(&self) -> String {
        format!("exit code {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }

    /// Standard output as one JSON document.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<serde_json::Value, WorldError> {
        serde_json::from_str(&self.stdout).map_err(|error| {
            WorldError::new("reading JSON output", format!("{error}\n{}", self.everything()))
        })
    }
}

/// A run in progress. It is killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    started: Instant,
}

impl Running {
    /// Starts a program with an environment of its own; output goes to files in `logs`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        program: PathBuf,
        arguments: &[&str],
        folder: &Path,
        environment: &[(String, String)],
        logs: &Path,
    ) -> Result<Self, WorldError> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let step = || format!("starting {} {}", program.display(), arguments.join(" "));
        let failed = |error: std::io::Error| WorldError::new(step(), error);
        std::fs::create_dir_all(logs).map_err(failed)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (stdout, stderr) = (logs.join(format!("{number}.out")), logs.join(format!("{number}.err")));
        let file = |path: &Path| std::fs::File::create(path).map(Stdio::from);
        let child = Command::new(&program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(file(&stdout).map_err(failed)?)
            .stderr(file(&stderr).map_err(failed)?)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        Ok(Self { child, stdout, stderr, started: Instant::now() })
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When it does not end within three minutes, or its output cannot be read.
    pub async fn wait(mut self) -> Result<Finished, WorldError> {
        let limit = Duration::from_secs(180);
        let status = tokio::time::timeout(limit, self.child.wait())
            .await
            .map_err(|_| WorldError::new("waiting for a command", format!("not done after {limit:?}")))?
            .map_err(|error| WorldError::new("waiting for a command", error))?;
        self.finish(status.code())
    }

    /// Where what it says to people is written while it runs.
    #[must_use]
    pub fn stderr_file(&self) -> &Path {
        &self.stderr
    }

    /// Kills it with signal 9 unless it has ended by itself, and says what it had printed.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(mut self) -> Result<Finished, WorldError> {
        let ended = self.child.try_wait().map_err(|error| WorldError::new("looking at a command", error))?;
        if let Some(status) = ended {
            return self.finish(status.code());
        }
        self.child.kill().await.map_err(|error| WorldError::new("killing a command", error))?;
        self.finish(None)
    }

    /// Sends it a signal by its name, such as `INT`.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn signal(&self, name: &str) -> Result<(), WorldError> {
        let Some(id) = self.child.id() else { return Ok(()) };
        let sent = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status().await;
        sent.map(|_| ()).map_err(|error| WorldError::new("sending a signal", error))
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    fn finish(&self, code: Option<i32>) -> Result<Finished, WorldError> {
        let read = |path: &Path| {
            std::fs::read(path)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .map_err(|error| WorldError::new("reading output", error))
        };
        Ok(Finished {
            code,
            stdout: read(&self.stdout)?,
            stderr: read(&self.stderr)?,
            took: self.started.elapsed(),
        })
    }
}
