//! A broker of our own, as a process: started, restarted by its own script, ended.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sutler_broker_server::conformance::{Authentication, Options};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sutler-broker");
pub(crate) const PASSWORD: &str = "a-long-enough-password-1234";
pub(crate) const TOKEN: &str = "a-long-enough-token-1234567";

/// A running broker with the probe's offerings.
pub(crate) struct Broker {
    folder: tempfile::TempDir,
    pub(crate) url: String,
}

impl Broker {
    /// Starts it with this in its configuration.
    pub(crate) fn start(scheme: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "listen: 127.0.0.1:{port}\nstore: sqlite:broker.db\nkeys: broker.keys\n\
             credentials:\n  - {{ id: one, username: platform, password: {{ file: password }} }}\n  \
             - {{ id: two, bearer: {{ file: token }} }}\nvendors: {{ probe: {{ slow: 2s }} }}\n{more}"
        );
        let restart = format!(
            "cd '{}' || exit 1\n[ -e pid ] && kill -KILL \"$(cat pid)\" 2>/dev/null\n\
             '{PROGRAM}' serve -c broker.yaml >>log 2>&1 </dev/null &\necho $! > pid\n",
            folder.path().display()
        );
        for (name, text) in
            [("password", PASSWORD), ("token", TOKEN), ("broker.yaml", &config), ("restart", &restart)]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder, url: format!("{scheme}://127.0.0.1:{port}") }
    }

    /// Where its files are.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command that ends it at once and starts it again.
    pub(crate) fn restart_command(&self) -> String {
        format!("sh '{}'", self.path("restart").display())
    }

    /// Makes its keys, starts it and waits until it listens.
    pub(crate) fn up(self) -> Self {
        let config = self.path("broker.yaml");
        let made = Command::new(PROGRAM).args(["key", "new", "-c"]).arg(&config).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let started = Command::new("sh").arg(self.path("restart")).stdout(Stdio::null()).status().unwrap();
        assert!(started.success());
        let address = self.url.split("//").nth(1).unwrap().to_owned();
        let deadline = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(
                Instant::now() < deadline,
                "{}",
                fs::read_to_string(self.path("log")).unwrap_or_default()
            );
            std::thread::yield_now();
        }
        self
    }

    /// To check it with, in short time.
    pub(crate) fn options(&self, url: &str) -> Options {
        Options {
            authentication: vec![Authentication::Basic {
                username: "platform".to_owned(),
                password: PASSWORD.into(),
            }],
            timeout: Duration::from_secs(120),
            poll_interval: Duration::from_millis(100),
            parallel: 12,
            ..Options::new(url)
        }
    }

    /// The command that checks it.
    pub(crate) fn conformance(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["conformance", &self.url, "--username", "platform", "--password-file"]);
        command.arg(self.path("password")).args([
            "--poll-interval",
            "100",
            "--parallel",
            "12",
            "--timeout",
            "120",
        ]);
        command.args(arguments);
        command
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.path("pid")).unwrap_or_default();
        if !pid.trim().is_empty() {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
        }
    }
}
