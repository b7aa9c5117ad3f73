//! A project in a folder of its own, and the program run in it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use wiremock::MockServer;

use crate::broker::{self, SECRET};
use crate::state::Place;

/// A project, its broker, and where its state is.
pub(crate) struct Project {
    pub(crate) folder: TempDir,
    pub(crate) broker: MockServer,
    place: Place,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// What is declared at first: `web` uses `db`.
pub(crate) const INSTANCES: &str = "
  db: { service: database, name: shop-db, params: { size: 1 }, bind: { password: DB_PASSWORD } }
  web: { service: database, name: shop-web, params: { url: '@db.url' } }
  spare: { service: database, name: shop-spare }
";

impl Project {
    pub(crate) async fn sqlite() -> Self {
        Self::at(TempDir::new().unwrap(), Place::sqlite()).await
    }

    pub(crate) async fn postgres() -> Self {
        let folder = TempDir::new().unwrap();
        let place = Place::postgres(&folder);
        Self::at(folder, place).await
    }

    pub(crate) async fn bucket() -> Self {
        Self::at(TempDir::new().unwrap(), Place::bucket().await).await
    }

    async fn at(folder: TempDir, place: Place) -> Self {
        let project = Self { folder, broker: broker::start().await, place };
        project.declare(INSTANCES);
        project
    }

    /// Writes the configuration anew, with somebody who is told of every change.
    pub(crate) fn declare_with_listener(&self, instances: &str, listener: &str) {
        self.declare(instances);
        let path = self.folder.path().join("sutler.yaml");
        let hook = format!("{{ url: \"{listener}\", secret: {{ env: PASSWORD }} }}");
        let text = format!(
            "{}\nevents: {{ webhooks: {{ audit: {hook} }} }}\n",
            std::fs::read_to_string(&path).unwrap().trim_end()
        );
        std::fs::write(path, text).unwrap();
    }

    /// Writes the configuration anew, with another address under `state`.
    pub(crate) fn live_at(&mut self, url: &str) {
        self.place.url = url.to_owned();
        self.declare(INSTANCES);
    }

    /// The address under `state`.
    pub(crate) fn url(&self) -> &str {
        &self.place.url
    }

    /// Starts the program with more in its environment.
    pub(crate) fn start_with_all(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Child {
        self.command(arguments).envs(variables.iter().copied()).spawn().unwrap()
    }

    /// Runs the program where no file can become larger than this: every write beyond fails, as on a disk that is full.
    pub(crate) async fn run_confined(&self, kibibytes: u64, arguments: &[&str]) -> Finished {
        let mut command = self.command(&[]);
        let program = command.as_std().get_program().to_owned();
        let variables: Vec<_> = command
            .as_std()
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        command = Command::new("bash");
        command
            .args([
                "-c",
                "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"",
                "bash",
                &kibibytes.to_string(),
            ])
            .arg(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        finished(command.spawn().unwrap()).await
    }

    /// Runs the program with more in its environment.
    pub(crate) async fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
        finished(self.start_with_all(variables, arguments)).await
    }

    /// Writes the configuration anew.
    pub(crate) fn declare(&self, instances: &str) {
        let text = format!(
            "stack: shop\nstate: {}\nbrokers:\n  edge: {{ url: {}, auth: {{ basic: {{ username: u, password: {{ env: PASSWORD }} }} }} }}\n\
             sinks: {{ env: {{ dotenv: .env }} }}\ninstances:{instances}",
            self.place.url,
            self.broker.uri()
        );
        std::fs::write(self.folder.path().join("sutler.yaml"), text).unwrap();
    }

    /// Starts the program.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Starts the program with one more variable.
    pub(crate) fn start_with(&self, (name, value): (&str, &str), arguments: &[&str]) -> Child {
        self.command(arguments).env(name, value).spawn().unwrap()
    }

    /// Runs the program without these variables, and expects an exit code.
    pub(crate) async fn run_without(&self, variables: &[&str], arguments: &[&str], code: i32) -> Finished {
        let mut command = self.command(arguments);
        for variable in variables {
            command.env_remove(variable);
        }
        let finished = finished(command.spawn().unwrap()).await;
        assert_eq!(finished.code, Some(code), "sutler {arguments:?}: {finished:#?}");
        finished
    }

    fn command(&self, arguments: &[&str]) -> Command {
        command(self.folder.path(), arguments)
    }

    /// The same project on another machine: a folder of its own with the same configuration, keys and variables, and
    /// another place for its state, if one is given.
    pub(crate) fn elsewhere(&self, place: impl FnOnce(&str) -> String) -> TempDir {
        let folder = TempDir::new().unwrap();
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap();
        let config = read("sutler.yaml").replace(&self.place.url, &place(&self.place.url));
        std::fs::write(folder.path().join("sutler.yaml"), config).unwrap();
        std::fs::write(folder.path().join(".env"), read(".env")).unwrap();
        std::fs::create_dir(folder.path().join(".sutler")).unwrap();
        let keys = folder.path().join(".sutler/keys");
        std::fs::write(&keys, read(".sutler/keys")).unwrap();
        std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        folder
    }

    /// Where its state is, as the configuration has it.
    pub(crate) fn place(&self) -> &str {
        &self.place.url
    }
}

/// The program in a folder.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sutler"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PASSWORD", "secret")
        .env("USER", "ada")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("SUTLER_LEASE", "60s")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Project {
    /// Runs the program and expects an exit code. No output shows a secret.
    pub(crate) async fn run(&self, arguments: &[&str], code: i32) -> Finished {
        let finished = finished(self.start(arguments)).await;
        assert_eq!(finished.code, Some(code), "sutler {arguments:?}: {finished:#?}");
        assert!(!finished.stdout.contains(SECRET) && !finished.stderr.contains(SECRET), "{finished:#?}");
        finished
    }

    /// The refs that are recorded.
    pub(crate) async fn refs(&self) -> Vec<String> {
        let listed = self.run(&["state", "list", "--json"], 0).await.json();
        let name = |record: &Value| record["ref"].as_str().unwrap().to_owned();
        let mut refs: Vec<String> = listed["records"].as_array().unwrap().iter().map(name).collect();
        refs.sort();
        refs
    }
}

/// Waits for the end of a run.
pub(crate) async fn finished(child: Child) -> Finished {
    let output = tokio::time::timeout(Duration::from_secs(120), child.wait_with_output());
    let output = output.await.expect("it ends").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
