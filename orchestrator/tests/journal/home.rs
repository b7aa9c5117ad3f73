//! A project with a state of some records, made as an apply would have made it.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sutler::name::{BrokerName, InstanceRef, StackName, VariableName};
use sutler::sink::{Edits, SinkSet};
use sutler::state::record::{Asked, Few, InstanceRecord, Named};
use sutler::state::status::Status;
use sutler::state::{self, Begin, Change, Holder, Secrecy, Session, SqliteBackend, StateBackend};
use sutler_secrets::{KeyRing, SecretString};
use sutler_spec::{InstanceId, PlanId, ServiceId};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "c4n4ry-of-an-output";

pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// A project with this many records and a sealed dotenv file.
    pub(crate) async fn new(records: usize, more: &str) -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        let config = format!(
            "stack: shop\nbrokers: {{ edge: {{ url: \"http://127.0.0.1:1\" }} }}\nsinks: {{ env: {{ dotenv: .env }} }}\n{more}"
        );
        std::fs::write(home.path("sutler.yaml"), config).unwrap();
        let session = home.session().await;
        let changes =
            (0..records).map(|number| Change::put(home.record(&session, number), "created")).collect();
        session.backend.commit(&session.lock, changes).await.unwrap();
        let config = sutler::config::load(&home.path("sutler.yaml")).unwrap();
        let sinks = SinkSet::new(&config, session.vault.ring());
        let variable = |number| VariableName::new(&format!("TOKEN_{number}")).unwrap();
        let put = (0..records).map(|number| (variable(number), SecretString::from(SECRET)));
        sinks.write(Edits { put: put.collect(), remove: Vec::new() }).await.unwrap();
        session.end().await.unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn backend(&self) -> Arc<SqliteBackend> {
        Arc::new(SqliteBackend::new(self.path(".sutler/state.db"), StackName::new("shop").unwrap()))
    }

    pub(crate) fn ring(&self) -> KeyRing {
        KeyRing::load(self.path(".sutler/keys")).unwrap()
    }

    pub(crate) async fn session(&self) -> Session {
        let begin = Begin {
            keys: self.path(".sutler/keys"),
            holder: Holder::this_process("ada".to_owned(), "test"),
            lease: Duration::from_secs(60),
            patience: Duration::from_secs(60),
            notice: sutler::state::Notice::none(),
        };
        state::begin(self.backend(), begin).await.unwrap()
    }

    pub(crate) fn record(&self, session: &Session, number: usize) -> InstanceRecord {
        let reference = InstanceRef::new(&format!("db-{number}")).unwrap();
        let plan = Named { id: PlanId::new("plan-1").unwrap(), name: "standard".to_owned() };
        let vault = &session.vault;
        let digest = vault.ring().digest("output", format!("{SECRET}{number}").as_bytes());
        let token = vault.output((&reference, "token"), (json!(SECRET), digest), Secrecy::Secret);
        InstanceRecord {
            reference: reference.clone(),
            broker: BrokerName::new("edge").unwrap(),
            service: Named { id: ServiceId::new("service-1").unwrap(), name: "database".to_owned() },
            service_plan: plan.clone(),
            instance_id: InstanceId::new(format!("instance-{number}")).unwrap(),
            name: format!("shop-{number}"),
            status: Status::Ready,
            protected: false,
            needs: Vec::new(),
            asked: Asked {
                service_plan: plan,
                inputs: digest,
                parameter_digests: Few::new(),
                parameters: vault.seal_parameters(&reference, &json!({ "password": SECRET })),
                maintenance_version: None,
            },
            pending: None,
            outputs: [("token".to_owned(), token)].into(),
            binding: None,
            variables: Default::default(),
            sink_digest: None,
            orphans: Vec::new(),
            adopted: None,
            drift: Vec::new(),
            previous: None,
            retired: Vec::new(),
            created_at: "2026-11-21T10:00:00Z".to_owned(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sutler"));
        command.args(arguments).current_dir(self.folder.path()).env("SUTLER_POLL_INTERVAL", "50ms");
        command
            .env("SUTLER_BACKOFF_CAP", "200ms")
            .env("SUTLER_LEASE", "2s")
            .env("SECRET_OF_HOOK", "whsec_c2VjcmV0");
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs `sutler`, expects an exit code, and returns what it said.
    pub(crate) fn run(&self, arguments: &[&str], code: i32) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(code), "sutler {arguments:?}\n{stdout}{stderr}");
        format!("{stdout}{stderr}")
    }

    /// Everything opens with the ring that is there.
    pub(crate) async fn everything_opens(&self, records: usize) {
        let outputs = self.run(&["outputs", "--reveal"], 0);
        assert_eq!(outputs.matches(SECRET).count(), records, "{outputs}");
        let env = self.run(&["env"], 0);
        assert_eq!(env.matches(SECRET).count(), records, "{env}");
        let backend = self.backend();
        let state = backend.load().await.unwrap();
        let vault = state::Vault::with_ring(Arc::new(self.ring()), &state, "test").unwrap();
        for record in &state.records {
            vault.reseal(record).unwrap();
        }
    }
}
