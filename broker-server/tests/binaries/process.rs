//! A program that serves: started, asked where, ended.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;

pub(crate) const PASSWORD: &str = "a-long-enough-password-1234";

/// A running broker.
pub(crate) struct Process {
    child: Child,
    /// `127.0.0.1:PORT`, as the log told.
    pub(crate) address: String,
    /// The same for health and metrics, where they are served.
    pub(crate) management: Option<String>,
    lines: Arc<Mutex<Vec<String>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Process {
    /// Starts the program and reads its log until it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let (address, management) = loop {
            let line = log.next().expect("it listens before it ends").unwrap();
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            if line["message"] == "listening" {
                let management = line["management"].as_str().map(str::to_owned);
                break (line["address"].as_str().unwrap().to_owned(), management);
            }
        };
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = lines.clone();
        let reader = std::thread::spawn(move || {
            for line in log.map_while(Result::ok) {
                written.lock().unwrap().push(line);
            }
        });
        Self { child, address, management, lines, reader }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Whether it has logged this by now.
    pub(crate) fn has_logged(&self, text: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(text))
    }

    /// Asks it to end. How it did, what it printed, and what it logged since it listened.
    pub(crate) fn end(self) -> (ExitStatus, String, Vec<String>) {
        self.signal("TERM");
        self.ended()
    }

    /// The same of one that was asked already.
    pub(crate) fn ended(mut self) -> (ExitStatus, String, Vec<String>) {
        let status = self.child.wait().unwrap();
        let printed = std::io::read_to_string(self.child.stdout.take().unwrap()).unwrap();
        self.reader.join().unwrap();
        let lines = std::mem::take(&mut *self.lines.lock().unwrap());
        (status, printed, lines)
    }
}

/// Writes a configuration into the folder.
pub(crate) fn configure(folder: &Path, more: &str) -> std::path::PathBuf {
    std::fs::write(folder.join("platform.password"), format!("{PASSWORD}\n")).unwrap();
    let path = folder.join("broker.yaml");
    let text = format!(
        "listen: 127.0.0.1:0\nstore: sqlite:broker.db\nkeys: broker.keys\n\
         credentials: [{{ id: me, username: platform, password: {{ file: platform.password }} }}]\n{more}"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// A client, and a request with credentials and version.
pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build().unwrap()
}

pub(crate) async fn call(request: reqwest::RequestBuilder) -> (u16, Value) {
    let request = request.basic_auth("platform", Some(PASSWORD)).header("X-Broker-API-Version", "2.17");
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}
