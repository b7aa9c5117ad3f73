//! `sutler-broker check` asks everybody else: DNSimple, Stripe, a name server and a certificate authority.

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sutler_broker_server::operation::OperationId;
use sutler_broker_server::providers::acme::{AcmeConfig, Certificate, Client};
use sutler_broker_server::providers::rfc2136::{Rfc2136Config, Server};
use sutler_broker_server::providers::{
    Attempt, Checkpoint, IdempotencyKey, InstanceFacts, Marker, Progress, Provider, Step,
};
use sutler_broker_server::testing::bind::{Bind, STRANGER, WRITER};
use sutler_broker_server::testing::pebble::{Habits, Pebble};
use sutler_catalog::domain::certificate::Zones;
use sutler_spec::{InstanceId, Parameters};
use sutler_tests::dnsimple::{self, DnsimpleFake};
use sutler_tests::stripe::{self, StripeFake};
use sutler_tests::world::Binaries;
use tempfile::TempDir;

const ZONE: &str = "example.org";

/// Somebody who has a configuration and wants to know whether it will do.
struct Operator {
    folder: TempDir,
    binaries: Binaries,
}

/// What was told, and the exit code.
struct Told(Output);

impl Operator {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let operator = Self { folder, binaries: Binaries::build().expect("built") };
        operator.write("platform.password", "a-password-of-20-characters");
        operator.write("broker.yaml", &configuration("{ probe: {} }", "probe"));
        assert_eq!(operator.run(&["key", "new"]).code(), 0);
        operator
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("writable");
    }

    fn check(&self, vendors: &str, offerings: &str) -> Told {
        self.write("broker.yaml", &configuration(vendors, offerings));
        self.run(&["check"])
    }

    fn run(&self, verb: &[&str]) -> Told {
        let config = self.folder.path().join("broker.yaml");
        let run = Command::new(self.binaries.broker()).args(verb).arg("-c").arg(config).output();
        Told(run.expect("it runs"))
    }
}

fn configuration(vendors: &str, offerings: &str) -> String {
    format!(
        "listen: 127.0.0.1:0\nstore: sqlite:broker.db\nkeys: broker.keys\n\
         credentials: [{{ id: me, username: platform, password: {{ file: platform.password }} }}]\n\
         tuning: {{ call_timeout: 5s }}\nofferings: [{offerings}]\nvendors: {vendors}\n"
    )
}

impl Told {
    fn code(&self) -> i32 {
        self.0.status.code().expect("an exit code")
    }

    fn text(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        text(&self.0.stdout) + &text(&self.0.stderr)
    }

    /// Ended so, and said all of this.
    fn says(&self, code: i32, lines: &[&str]) {
        let text = self.text();
        assert_eq!(self.code(), code, "{text}");
        for line in lines {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_dnsimple_is_told_with_its_account_and_what_it_may_do_is_not_known() {
    let mut options = dnsimple::Options::new(1010, "token-of-dnsimple");
    options.table = dnsimple::Table::of_dnsimple();
    let fake = DnsimpleFake::start(options).await.expect("the fake starts");
    let operator = Operator::new();
    let check = |account: u64, token: &str| {
        let base_url = fake.base_url();
        let vendor =
            format!("{{ dnsimple: {{ base_url: \"{base_url}\", account_id: {account}, token: {token} }} }}");
        operator.check(&vendor, "domain-zone, domain-record")
    };
    check(1010, "token-of-dnsimple").says(
        0,
        &[
            "dnsimple: token is accepted: it is of account 1010\n",
            "domain-zone, DNSimple: needs access to the account; whether it has that is not known: DNSimple does not tell",
            "domain-record, DNSimple: needs access to the account; whether",
            "The configuration can be served.",
        ],
    );
    check(7, "token-of-dnsimple")
        .says(2, &["dnsimple: token is REFUSED: it is of account 1010, and account_id says 7"]);
    let wrong = check(1010, "another-token");
    wrong.says(
        2,
        &[
            "dnsimple: token is REFUSED: DNSimple does not accept it",
            "dnsimple: what its services and plans need is not asked",
        ],
    );
    assert!(!wrong.text().contains("another-token"), "{}", wrong.text());
    let ledger = fake.control().ledger();
    assert!(ledger.iter().all(|entry| entry.path.ends_with("/whoami")), "{ledger:#?}");
    assert!(ledger.iter().all(|entry| entry.contract_violations.is_empty()), "{ledger:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_stripe_is_told_and_its_rights_are_asked_by_reading_only() {
    let mut options = stripe::Options::new("acct_1Sutler", "sk_test_0123456789abcdefghij");
    options.table = stripe::Table::of_stripe();
    let fake = StripeFake::start(options).await.expect("the fake starts");
    let operator = Operator::new();
    let check = |account: &str, key: &str| {
        let base_url = fake.base_url();
        let vendor =
            format!("{{ stripe: {{ base_url: \"{base_url}\", account_id: {account}, test_key: {key} }} }}");
        operator.check(&vendor, "stripe-product, stripe-meter")
    };
    check("acct_1Sutler", "sk_test_0123456789abcdefghij").says(
        0,
        &[
            "stripe: test_key is accepted\n",
            "stripe-product, test mode: has what it needs",
            "stripe-meter, test mode: has",
        ],
    );
    check("acct_2Other", "sk_test_0123456789abcdefghij")
        .says(2, &["stripe: test_key is REFUSED: it is the key of another"]);
    let wrong = check("acct_1Sutler", "sk_test_a_key_that_nobody_has");
    wrong.says(2, &["stripe: test_key is REFUSED", "stripe: what its services and plans need is not asked"]);
    assert!(!wrong.text().contains("stripe-product, test mode"), "{}", wrong.text());
    let ledger = fake.control().ledger();
    assert!(ledger.iter().all(|entry| entry.method == "GET" && entry.outcome.is_empty()), "{ledger:#?}");
    assert!(ledger.iter().all(|entry| entry.contract_violations.is_empty()), "{ledger:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_name_server_is_told_and_whether_it_may_change_the_zone() {
    let bind = Bind::start(&[ZONE]).await.expect("BIND starts");
    let operator = Operator::new();
    operator.write("tsig.secret", bind.secret().expose());
    operator.write("wrong.secret", "bm90LXRoZS1zZWNyZXQtb2YtdGhlLXNlcnZlcg==");
    let check = |zone: &str, key: &str, file: &str| {
        let server = bind.address();
        let vendor = format!(
            "{{ rfc2136: {{ server: \"{server}\", zone: {zone}, key_name: {key}, secret: {{ file: {file} }} }} }}"
        );
        operator.check(&vendor, "domain-record")
    };
    check(ZONE, WRITER, "tsig.secret").says(
        0,
        &[
            "rfc2136: secret is accepted: the name server answers signed questions for the zone example.org\n",
            "domain-record, rfc2136: has what it needs (update of the zone)",
        ],
    );
    check(ZONE, STRANGER, "tsig.secret")
        .says(2, &["rfc2136: secret is accepted", "domain-record, rfc2136: LACKS update of the zone"]);
    check(ZONE, WRITER, "wrong.secret").says(
        2,
        &[
            "rfc2136: secret is REFUSED: the name server of the zone does not accept the broker's key",
            "rfc2136: what its services",
        ],
    );
    check("example.net", WRITER, "tsig.secret").says(2, &["rfc2136: secret is REFUSED"]);
    assert_eq!(bind.changes(ZONE).await.expect("it answers"), 1, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_at_an_authority_is_told_and_none_is_made() {
    let bind = Bind::start(&[ZONE]).await.expect("BIND starts");
    let pebble = Pebble::start(bind.address(), Habits::default()).await.expect("Pebble starts");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key").serialize_pem();
    let operator = Operator::new();
    operator.write("tsig.secret", bind.secret().expose());
    operator.write("acme.key", &key);
    operator.write("authority.pem", pebble.root());
    let directory = pebble.directory();
    let check = |agreed: bool| {
        let vendors = format!(
            "{{ acme: {{ directory: \"{}\", account_key: {{ file: acme.key }}, roots: authority.pem, \
             terms_of_service_agreed: {agreed} }}, rfc2136: {{ server: \"{}\", zone: {ZONE}, key_name: {WRITER}, \
             secret: {{ file: tsig.secret }} }} }}",
            directory,
            bind.address(),
        );
        operator.check(&vendors, "domain-certificate")
    };
    check(true).says(0, &["acme: account_key cannot be tried yet: there is no account of it yet"]);
    check(false).says(2, &["acme: account_key is REFUSED: there is no account of it, and none may be made"]);
    // asking twice has made none
    check(true).says(0, &["cannot be tried yet"]);
    make_account(&pebble, &bind, &key).await;
    for agreed in [true, false] {
        check(agreed).says(
            0,
            &["acme: account_key is accepted: there is an account of it, so the terms of service were"],
        );
    }
    drop(pebble);
    check(true).says(0, &["acme: account_key is not known to be accepted: "]);
}

/// Goes through a certificate's first steps, of which one makes the account.
async fn make_account(pebble: &Pebble, bind: &Bind, key: &str) {
    let client = Client::new(&AcmeConfig {
        directory: pebble.directory(),
        account_key: key.into(),
        contact: Vec::new(),
        terms_of_service_agreed: true,
        external_account: None,
        roots: Some(pebble.root().as_bytes().to_vec()),
        call_timeout: Duration::from_secs(5),
        calls_per_minute: AcmeConfig::DEFAULT_CALLS,
    });
    let server = Server::new(&Rfc2136Config {
        server: bind.address().to_string(),
        zone: ZONE.to_owned(),
        key_name: WRITER.to_owned(),
        algorithm: "hmac-sha256".to_owned(),
        secret: bind.secret(),
        name_servers: vec![bind.address()],
        call_timeout: Duration::from_secs(5),
    });
    let challenges = Arc::new(server.expect("usable"));
    let provider = Certificate::new(&client.expect("usable"), Zones::Rfc2136, challenges);
    let id = InstanceId::new("instance").expect("an id");
    let (offered, marker) = (provider.offering(), Marker::for_instance("installation", &id));
    let parameters = json!({ "names": [ZONE] }).as_object().expect("an object").clone();
    let instance = InstanceFacts {
        id,
        service_id: offered.id().clone(),
        plan_id: offered.plans()[0].id().clone(),
        name: None,
        parameters: Parameters::new(parameters),
        record: None,
    };
    let mut checkpoint = Checkpoint::begin();
    for next in ["register", "order"] {
        let key = IdempotencyKey::new(&OperationId::new(), &checkpoint.step, (0, Duration::ZERO));
        let (checkpoint_now, attempt) = (checkpoint.clone(), Attempt::First);
        let step =
            Step { instance: &instance, checkpoint: &checkpoint_now, attempt, marker: &marker, key: &key };
        match provider.provision(step).await.expect("the authority answers") {
            Progress::Next(reached) => checkpoint = reached,
            other => panic!("{other:?}"),
        }
        assert_eq!(checkpoint.step, next);
    }
}
