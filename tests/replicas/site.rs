//! The site of the recipe in `deploy/replicas`: PostgreSQL, the vendor's fake, and three broker processes.

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use sutler_broker_server::testing::postgres::Cluster;
use sutler_tests::world::{ACCOUNT, Binaries, FakeProcess, Given, free_port};
use tokio::process::{Child, Command};

pub(crate) const REPLICAS: usize = 3;
/// As in the configuration of the replicas.
pub(crate) const LEASE: Duration = Duration::from_secs(2);
pub(crate) const PASSWORD: &str = "a-password-of-more-than-twenty-characters";

/// Everything but the replicas.
pub(crate) struct Site {
    pub(crate) vendor: FakeProcess,
    pub(crate) cluster: Cluster,
    folder: tempfile::TempDir,
}

/// One broker process.
pub(crate) struct Replica {
    pub(crate) port: u16,
    management: u16,
    config: PathBuf,
    log: PathBuf,
    binary: PathBuf,
    environment: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl Site {
    pub(crate) async fn start() -> (Self, Vec<Replica>) {
        // the first of a process installs it; later ones find it there
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let binaries = Binaries::build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap();
        let token = "a-vendor-token-of-some-length";
        let vendor = FakeProcess::start(
            &binaries,
            folder.path(),
            token,
            Given::for_the_shop(Duration::from_millis(1)),
        )
        .await
        .unwrap();
        let site = Self { vendor, cluster, folder };
        let secrets = [
            ("platform.password", PASSWORD),
            ("cf.token", token),
            ("database.password", site.cluster.password()),
        ];
        for (name, secret) in secrets {
            write_private(&site.folder.path().join(name), secret);
        }
        let mut replicas: Vec<Replica> = (0..REPLICAS).map(|_| site.replica(&binaries)).collect();
        let made = Command::new(binaries.broker())
            .args(["key", "new", "-c"])
            .arg(&replicas[0].config)
            .output()
            .await;
        assert!(made.unwrap().status.success());
        // all at once, on an empty database
        for replica in &mut replicas {
            replica.start();
        }
        for replica in &mut replicas {
            replica.wait_until_ready().await;
        }
        (site, replicas)
    }

    /// The recipe's own configuration, with the addresses of this machine and short times.
    fn replica(&self, binaries: &Binaries) -> Replica {
        let (port, management) = (free_port().unwrap(), free_port().unwrap());
        let recipe = Binaries::workspace().join("deploy/replicas/broker.yaml");
        let mut text = fs::read_to_string(recipe).unwrap();
        let vendor =
            format!("cloudflare: {{ base_url: \"{}\", account_id: {ACCOUNT},", self.vendor.base_url());
        for (written, here) in [
            ("127.0.0.1:8080", format!("127.0.0.1:{port}")),
            ("127.0.0.1:8081", format!("127.0.0.1:{management}")),
            ("postgres://broker@127.0.0.1:5432/broker", self.cluster.url()),
            ("cloudflare: { account_id: ACCOUNT,", format!("probe: {{ slow: 300ms }}\n  {vendor}")),
            (
                "lease: 30s, call_timeout: 30s",
                format!(
                    "lease: {}s, call_timeout: 1s, poll_interval: 50ms, backoff_cap: 500ms, inline_budget: 1s",
                    LEASE.as_secs()
                ),
            ),
        ] {
            assert!(text.contains(written), "the recipe has no '{written}'");
            text = text.replace(written, &here);
        }
        let config = self.folder.path().join(format!("{port}.yaml"));
        fs::write(&config, text).unwrap();
        let log = self.folder.path().join(format!("{port}.log"));
        Replica {
            port,
            management,
            config,
            log,
            binary: binaries.broker(),
            environment: Vec::new(),
            child: None,
        }
    }

    /// What a query of one number gives.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let config = format!(
            "host=127.0.0.1 port={} user=broker dbname=postgres password={} options='-c search_path=sutler_broker'",
            self.cluster.port(),
            self.cluster.password()
        );
        let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let count = client.query_one(sql, &[]).await.unwrap().get(0);
        drop(client);
        connection.await.unwrap().unwrap();
        count
    }
}

impl Replica {
    fn start(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let child = Command::new(&self.binary)
            .args(["serve", "-c"])
            .arg(&self.config)
            .env("SUTLER_LOG", "info")
            .envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// Kills it with signal 9 and starts it again.
    pub(crate) async fn crash(&mut self) {
        self.child.take().unwrap().kill().await.unwrap();
        self.start();
        self.wait_until_ready().await;
    }

    /// Kills it with signal 9.
    pub(crate) async fn down(&mut self) {
        self.child.take().unwrap().kill().await.unwrap();
    }

    /// Starts it.
    pub(crate) async fn up(&mut self) {
        self.start();
        self.wait_until_ready().await;
    }

    /// Changes its configuration, for its next start.
    pub(crate) fn replace(&self, written: &str, instead: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(written), "no '{written}' in {text}");
        fs::write(&self.config, text.replace(written, instead)).unwrap();
    }

    /// From its next start on it is alone, with a store of its own.
    pub(crate) fn on_sqlite(&self) {
        let text = fs::read_to_string(&self.config).unwrap();
        let (before, rest) = text.split_once("store:\n").unwrap();
        let (_postgres, after) = rest.split_once("\n\n").unwrap();
        fs::write(&self.config, format!("{before}store: sqlite:alone.db\n\n{after}")).unwrap();
    }

    /// From its next start on its wall clock is wrong by as many seconds as this file says.
    pub(crate) fn wrong_by(&mut self, library: &Path, seconds: &Path) {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        self.environment = vec![("LD_PRELOAD", text(library)), ("CLOCK_WRONG_BY", text(seconds))];
    }

    /// Holds it for so long; it notices nothing.
    pub(crate) async fn pause(&self, time: Duration) {
        self.signal("-STOP").await;
        tokio::time::sleep(time).await;
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.as_ref().and_then(Child::id).unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    }

    async fn wait_until_ready(&mut self) {
        let url = format!("http://127.0.0.1:{}/health/ready", self.management);
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{ended:?}: {}", self.said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Its log.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

fn write_private(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
