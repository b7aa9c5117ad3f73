//! `sutler-broker check` asks the vendors, and changes nothing there.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;
use sutler_tests::cloudflare::{CloudflareFake, Control, Options, Table};
use sutler_tests::world::Binaries;
use tempfile::TempDir;

const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
const MASTER: &str = "master-token-of-the-rights";

struct Operator {
    fake: CloudflareFake,
    folder: TempDir,
    binaries: Binaries,
}

impl Operator {
    async fn new() -> Self {
        let mut options = Options::new(ACCOUNT, MASTER);
        options.table = Table::of_cloudflare();
        let fake = CloudflareFake::start(options).await.expect("the fake starts");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("platform.password"), "a-password-of-20-characters")
            .expect("writable");
        Self { fake, folder, binaries: Binaries::build().expect("built") }
    }

    fn control(&self) -> Control {
        self.fake.control()
    }

    /// Writes a configuration with that token, and runs a verb.
    fn run(&self, token: &str, verb: &[&str]) -> Output {
        let config = self.folder.path().join("broker.yaml");
        let text = format!(
            "listen: 127.0.0.1:0\nstore: sqlite:broker.db\nkeys: broker.keys\n\
             credentials: [{{ id: me, username: platform, password: {{ file: platform.password }} }}]\n\
             offerings: [cloudflare-d1, cloudflare-kv, cloudflare-r2, cloudflare-secrets, cloudflare-zone, domain-zone, \
             domain-record, domain-registration]\n\
             vendors: {{ cloudflare: {{ base_url: \"{}\", account_id: {ACCOUNT}, api_token: \"{token}\" }} }}\n",
            self.fake.base_url()
        );
        std::fs::write(&config, text).expect("writable");
        run(&self.binaries.broker(), verb, &config)
    }

    /// A token that somebody made with one permission group, until next year.
    fn token(&self, group: &str) -> String {
        let control = self.control();
        let groups = control.somebody("tokens.permission_groups", &[], json!(null)).expect("listed");
        let found =
            groups.as_array().expect("a list").iter().find(|one| one["name"] == group).expect("known");
        let resource = format!("com.cloudflare.api.account.{ACCOUNT}");
        let policy = json!({
            "effect": "allow", "resources": { resource: "*" }, "permission_groups": [{ "id": found["id"] }],
        });
        let asked = json!({ "name": "reader", "policies": [policy], "expires_on": "2099-01-01T00:00:00Z" });
        let made = control.somebody("tokens.create", &[], asked).expect("made");
        made["value"].as_str().expect("a value").to_owned()
    }
}

fn run(broker: &Path, verb: &[&str], config: &Path) -> Output {
    Command::new(broker).args(verb).arg("-c").arg(config).output().expect("it runs")
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_which_rights_a_token_has_and_lacks_and_changes_nothing() {
    let operator = Operator::new().await;
    assert!(operator.run(MASTER, &["key", "new"]).status.success());

    let whole = operator.run(MASTER, &["check"]);
    assert_eq!(whole.status.code(), Some(0), "{}", told(&whole));
    assert!(told(&whole).contains("cloudflare: api_token is accepted\n"), "{}", told(&whole));
    assert!(
        told(&whole).contains("cloudflare-secrets: has what it needs (Workers Scripts Write)"),
        "{}",
        told(&whole)
    );
    // an account without a zone cannot tell
    assert!(
        told(&whole)
            .contains("cloudflare-zone: needs Zone Write, DNS Read; whether it has that is not known")
    );

    let reader = operator.token("D1 Read");
    let some = operator.run(&reader, &["check"]);
    assert_eq!(some.status.code(), Some(2), "{}", told(&some));
    for line in [
        "cloudflare: api_token is accepted, and ends on 2099-01-01T00:00:00Z",
        "cloudflare-d1: has what it needs (D1 Write)",
        "cloudflare-kv: LACKS Workers KV Storage Write: give the credential that",
        "cloudflare-r2: LACKS Workers R2 Storage Write",
        "cloudflare-r2: LACKS Account API Tokens Write",
        "cloudflare-secrets: LACKS Workers Scripts Write",
    ] {
        assert!(told(&some).contains(line), "{line}: {}", told(&some));
    }
    assert!(!told(&some).contains(&reader) && !told(&some).contains("can be served"), "{}", told(&some));

    let before = operator.control().ledger().len();
    let wrong = operator.run("a-token-that-nobody-has", &["check"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", told(&wrong));
    assert!(told(&wrong).contains("cloudflare: api_token is REFUSED"), "{}", told(&wrong));
    assert!(!told(&wrong).contains("LACKS"), "who is not let in is told nothing else: {}", told(&wrong));
    for told_of in ["has what it needs", "is not known", "needs Zone Write"] {
        assert!(!told(&wrong).contains(told_of), "nor of services that others have, too: {}", told(&wrong));
    }
    assert!(
        told(&wrong).contains("cloudflare: what its services and plans need is not asked"),
        "{}",
        told(&wrong)
    );
    assert_eq!(operator.control().ledger().len(), before + 1, "Cloudflare was asked once");

    let ledger = operator.control().ledger();
    assert!(ledger.iter().all(|entry| entry.method == "GET" && entry.outcome.is_empty()));
    assert!(ledger.iter().all(|entry| entry.contract_violations.is_empty()), "{ledger:?}");
    let offline = operator.run("a-token-that-nobody-has", &["check", "--offline"]);
    assert_eq!(offline.status.code(), Some(0), "{}", told(&offline));
    assert_eq!(operator.control().ledger().len(), ledger.len(), "nobody was asked");
}
