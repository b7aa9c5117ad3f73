//! `sutler-broker`: its verbs, exit codes and messages.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::process::{PASSWORD, Process, call, client, configure};

const VENDOR: &str = "vendors: { cloudflare: { base_url: \"http://127.0.0.1:9\", account_id: 0123456789abcdef0123456789abcdef, \
     api_token: a-token-that-nobody-has } }\n";

fn run(arguments: &[&str], config: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sutler-broker")).args(arguments).arg("-c").arg(config).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_teaches_the_first_steps() {
    let help = Command::new(env!("CARGO_BIN_EXE_sutler-broker")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for taught in ["key new", "check", "serve", "broker.yaml", "SUTLER_LOG", "Exit codes"] {
        assert!(help.contains(taught), "{taught}: {help}");
    }
}

#[test]
fn keys_are_made_listed_and_rotated_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = configure(folder.path(), VENDOR);
    let missing = run(&["check"], &config);
    assert_eq!(missing.status.code(), Some(1), "{}", errors(&missing));
    assert!(run(&["key", "new"], &config).status.success());
    let again = run(&["key", "new"], &config);
    assert_eq!(again.status.code(), Some(1), "{}", errors(&again));
    assert!(run(&["key", "rotate"], &config).status.success());
    let listed = run(&["key", "list"], &config);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("retired") && listed.contains("current"), "{listed}");
    let checked = run(&["check"], &config);
    assert!(checked.status.success(), "{}", errors(&checked));
    let printed = String::from_utf8(checked.stdout).unwrap();
    assert!(printed.contains("cloudflare-d1") && printed.contains("warning: "), "{printed}");
    assert!(!printed.contains("a-token-that-nobody-has"));
}

#[test]
fn the_catalog_is_printed_and_can_be_selected_from() {
    let folder = tempfile::tempdir().unwrap();
    let names = |more: &str| {
        let output = run(&["catalog"], &configure(folder.path(), &format!("{VENDOR}{more}")));
        assert!(output.status.success(), "{}", errors(&output));
        let catalog: Value = serde_json::from_slice(&output.stdout).unwrap();
        let services = catalog["services"].as_array().unwrap().clone();
        services.iter().map(|service| service["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut all: Vec<String> =
        sutler_catalog::cloudflare::offerings().iter().map(|offering| offering.name().to_owned()).collect();
    // those that several vendors can do come behind
    all.push(sutler_catalog::domain::record::NAME.to_owned());
    all.push(sutler_catalog::domain::registration::NAME.to_owned());
    all.push(sutler_catalog::domain::zone::NAME.to_owned());
    assert_eq!(names(""), all);
    assert_eq!(names("offerings: [cloudflare-token]\n"), ["cloudflare-token"]);
}

#[test]
fn live_plans_of_stripe_are_there_only_with_a_live_key() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = |keys: &str| {
        format!("vendors: {{ stripe: {{ base_url: \"http://127.0.0.1:9\", account_id: acct_1, {keys} }} }}\n")
    };
    for (keys, expected) in [
        ("test_key: sk_test_nobodyHasThis", "stripe-webhook-endpoint: test\n"),
        ("live_key: rk_live_nobodyHasThis", "stripe-webhook-endpoint: live\n"),
        (
            "test_key: sk_test_nobodyHasThis, live_key: sk_live_nobodyHasThis",
            "stripe-webhook-endpoint: test, live\n",
        ),
    ] {
        let config = configure(folder.path(), &vendor(keys));
        // the second time there is one already
        run(&["key", "new"], &config);
        let checked = run(&["check"], &config);
        assert!(checked.status.success(), "{}", errors(&checked));
        let printed = String::from_utf8(checked.stdout).unwrap();
        assert!(printed.contains(expected) && !printed.contains("nobodyHasThis"), "{printed}");
    }
    for (keys, expected) in [
        ("test_key: sk_live_nobodyHasThis", "the test key of Stripe must begin with sk_test_ or rk_test_"),
        ("live_key: pk_live_nobodyHasThis", "the live key of Stripe must begin with sk_live_ or rk_live_"),
        ("calls_per_second: 5", "Stripe needs a `test_key`, a `live_key`, or both"),
    ] {
        let refused = run(&["check"], &configure(folder.path(), &vendor(keys)));
        let said = errors(&refused);
        assert!(
            !refused.status.success() && said.contains(expected) && !said.contains("nobodyHasThis"),
            "{said}"
        );
    }
}

#[test]
fn the_plans_of_a_domains_zone_are_those_of_the_vendors_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let plans = |vendors: &str| {
        let output = run(&["catalog"], &configure(folder.path(), vendors));
        assert!(output.status.success(), "{}", errors(&output));
        let catalog: Value = serde_json::from_slice(&output.stdout).unwrap();
        let services = catalog["services"].as_array().unwrap().clone();
        let zone = services.into_iter().find(|service| service["name"] == "domain-zone").unwrap();
        let plans = zone["plans"].as_array().unwrap().clone();
        plans.iter().map(|plan| plan["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let dnsimple = "dnsimple: { base_url: \"http://127.0.0.1:9\", account_id: 1010, token: nobodyHasThis }";
    assert_eq!(plans(VENDOR), ["cloudflare"]);
    assert_eq!(plans(&format!("vendors: {{ {dnsimple} }}\n")), ["dnsimple"]);
    let both = VENDOR.replace(" } }\n", &format!(" }}, {dnsimple} }}\n"));
    assert_eq!(plans(&both), ["cloudflare", "dnsimple"], "{both}");
    let clear =
        "vendors: { dnsimple: { base_url: \"http://example.com\", account_id: 1, token: nobodyHasThis } }\n";
    let refused = run(&["check"], &configure(folder.path(), clear));
    assert!(!refused.status.success() && errors(&refused).contains("in the clear"), "{}", errors(&refused));
}

#[test]
fn records_are_offered_in_the_zones_of_those_who_are_configured() {
    let folder = tempfile::tempdir().unwrap();
    let server = |more: &str| {
        format!(
            "vendors: {{ rfc2136: {{ server: \"127.0.0.1:9\", zone: example.com, key_name: writer, \
             secret: bm9ib2R5SGFzVGhpcy1ub2JvZHlIYXNUaGlz{more} }} }}\n"
        )
    };
    let config = configure(folder.path(), &server(", name_servers: [\"127.0.0.1:9\"]"));
    run(&["key", "new"], &config);
    let checked = run(&["check"], &config);
    assert!(checked.status.success(), "{}", errors(&checked));
    let printed = String::from_utf8(checked.stdout).unwrap();
    assert!(printed.contains("domain-record: rfc2136\n") && !printed.contains("bm9ib2R5"), "{printed}");
    for (more, expected) in [
        (", algorithm: hmac-md5", "the key of rfc2136 cannot be used"),
        (", name_servers: [ns1]", "invalid socket address"),
        (", zones: 1", "zones"),
    ] {
        let refused = run(&["check"], &configure(folder.path(), &server(more)));
        let said = errors(&refused);
        assert!(!refused.status.success() && said.contains(expected) && !said.contains("bm9ib2R5"), "{said}");
    }
}

#[test]
fn domains_are_bought_only_where_the_operator_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = |more: &str| {
        let account = "0123456789abcdef0123456789abcdef";
        format!(
            "vendors: {{ cloudflare: {{ base_url: \"http://127.0.0.1:9\", account_id: {account}, api_token: nobodyHasThis{more} }} }}\n"
        )
    };
    for (more, expected) in [
        ("", "domain-registration: cloudflare-sandbox\n"),
        (
            ", registration: { extensions: [com], at_most: { amount: \"20\", currency: USD } }",
            "domain-registration: cloudflare, cloudflare-sandbox\n",
        ),
    ] {
        let config = configure(folder.path(), &vendor(more));
        // the second time there is one already
        run(&["key", "new"], &config);
        let checked = run(&["check"], &config);
        assert!(checked.status.success(), "{}", errors(&checked));
        let printed = String::from_utf8(checked.stdout).unwrap();
        assert!(printed.contains(expected), "{printed}");
    }
    let dnsimple = "vendors: { dnsimple: { base_url: \"http://127.0.0.1:9\", account_id: 1010, token: nobodyHasThis, \
                    registration: { extensions: [io] } } }\n";
    let checked = run(&["check"], &configure(folder.path(), dnsimple));
    let printed = String::from_utf8(checked.stdout).unwrap();
    assert!(printed.contains("domain-registration: dnsimple\n"), "{printed}");
    for (more, expected) in [
        ("{ extensions: [] }", "`registration` needs `extensions`"),
        ("{ extensions: [.com] }", "'.com' is no extension"),
        ("{ extensions: [com], at_most: { amount: \"20\", currency: usd } }", "'usd' is no currency"),
        (
            "{ extensions: [com], at_most: { amount: \"-20\", currency: USD } }",
            "an amount is up to nine digits",
        ),
    ] {
        let config = configure(folder.path(), &vendor(&format!(", registration: {more}")));
        let refused = run(&["check"], &config);
        let said = errors(&refused);
        assert!(!refused.status.success() && said.contains(expected), "{said}");
    }
}

#[test]
fn each_offering_has_a_page_for_people() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["docs"], &configure(folder.path(), VENDOR));
    assert!(output.status.success(), "{}", errors(&output));
    let pages = String::from_utf8(output.stdout).unwrap();
    let offered = sutler_catalog::cloudflare::offerings().len() + 3;
    assert_eq!(pages.lines().filter(|line| line.starts_with("# ")).count(), offered, "{pages}");
    for row in [
        "| `jurisdiction` | `eu`, `fedramp`, `us` | no | no |",
        "| `read_replication` | `auto`, `disabled` | no | yes |",
        "| `token` | yes | The token, for the header Authorization: Bearer |",
    ] {
        assert!(pages.contains(row), "{row}\n{pages}");
    }
}

/// What `serve` says about a configuration that it refuses.
fn refusal(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.yaml");
    std::fs::write(&path, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sutler-broker"))
        .args(["serve", "-c"])
        .arg(&path)
        .env("SHORT", "short")
        .env("LONG", PASSWORD)
        .output()
        .unwrap();
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(2), "{text}: {said}");
    assert!(output.stdout.is_empty() && !said.contains(PASSWORD), "{said}");
    said
}

#[test]
fn a_configuration_of_the_wrong_form_is_told_with_its_place() {
    let rest = "store: sqlite:b\nkeys: k\ncredentials:\n  - { id: a, bearer: { env: LONG } }\n";
    for (text, expected) in [
        ("listen: [".to_owned(), "broker.yaml:"),
        ("listen: 127.0.0.1:0\nlissten: x\n".to_owned(), "broker.yaml:2:1: "),
        (format!("listen: localhost\n{rest}"), "broker.yaml:1:9: 'localhost' is no address"),
        (
            format!("listen: 127.0.0.1:0\n{}", rest.replace("sqlite", "mysql")),
            "broker.yaml:2:8: this is no store",
        ),
        (
            format!("listen: 127.0.0.1:0\n{}", rest.replace("{ env: LONG }", "{ file: nowhere }")),
            "broker.yaml:5:5: could not read the secret from the file nowhere",
        ),
        (
            format!("listen: 127.0.0.1:0\n{}", rest.replace("bearer: { env: LONG }", "username: u")),
            "broker.yaml:5:5: a credential has either",
        ),
        (
            "listen: 127.0.0.1:0\nstore: sqlite:b\nkeys: k\ncredentials: []\n".to_owned(),
            "broker.yaml:4:14: no credential",
        ),
        (
            format!("listen: 127.0.0.1:0\n{rest}tuning: {{ lease: 5 parsecs }}\n"),
            "'5 parsecs' is no duration",
        ),
    ] {
        let said = refusal(&text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn a_configuration_that_is_not_safe_or_complete_is_refused() {
    let rest = "store: sqlite:b\nkeys: k\ncredentials:\n  - { id: a, bearer: { env: LONG } }\n";
    let local = format!("listen: 127.0.0.1:0\n{rest}");
    let exposed = format!("listen: 0.0.0.0:0\nbehind_tls_proxy: true\n{rest}");
    let vendor = VENDOR.replace("a-token-that-nobody-has", "{ env: LONG }");
    for (text, expected) in [
        (format!("listen: 0.0.0.0:0\n{rest}"), "broker.yaml:1:9: plain HTTP"),
        (exposed.replace("{ env: LONG }", PASSWORD), "a secret stands in the configuration"),
        (
            format!("{vendor}{}", exposed.replace("LONG", "SHORT")),
            "the credential 'a' is shorter than 20 characters",
        ),
        (format!("{vendor}{local}offerings: [unknown]\n"), "the offering 'unknown' is not known"),
        (local.clone(), "there is no offering to serve"),
        (format!("{}{local}", vendor.replace("127.0.0.1:9", "example.com")), "travel in the clear"),
    ] {
        let said = refusal(&text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_reloads_and_drains() {
    let folder = tempfile::tempdir().unwrap();
    let config = configure(folder.path(), VENDOR);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sutler-broker"));
    command.args(["serve", "-c"]).arg(&config).env("SUTLER_LOG", "debug");
    let process = Process::start(command);
    let (client, url) = (client(), format!("http://{}/v2/catalog", process.address));
    assert_eq!(call(client.get(&url)).await.0, 200);
    let used = run(&["check"], &config);
    assert!(errors(&used).contains("in use by another process"), "{}", errors(&used));
    std::fs::write(folder.path().join("platform.password"), "another-password-of-some-length").unwrap();
    process.signal("HUP");
    while call(client.get(&url)).await.0 == 200 {
        tokio::task::yield_now().await;
    }
    let (status, printed, log) = process.end();
    assert!(status.success());
    assert_eq!(printed, "", "nothing on standard output");
    let lines: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["endpoint"] == "catalog" && line["request_id"].is_string()));
    assert_eq!(lines.last().unwrap()["message"], "stopped");
    assert!(!log.concat().contains(PASSWORD));
}
