//! The broker on the network: it does what the specification demands.

use std::{collections::BTreeMap, time::Duration};

use acme_broker::{provider::Mailboxes, vendor::Acme};
use serde_json::json;
use sutler_broker_server::{
    Config, Server,
    conformance::{self, Authentication, Options, Verdict},
};

use crate::fake::{Fake, TOKEN};

const PASSWORD: &str = "a-password-of-20-characters";

// ANCHOR: conformance
#[tokio::test(flavor = "multi_thread")]
async fn the_broker_does_what_the_specification_demands() {
    let fake = Fake::start().await;
    let acme = Acme::new(&format!("http://{}", fake.address), TOKEN.into(), Duration::from_secs(10)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = Config::on_loopback(folder.path(), "platform", PASSWORD.into());
    let server = Server::builder(config).provider(Mailboxes { acme }).build().unwrap();
    let handle = server.start().await.unwrap();
    let wanted = json!({ "provision": { "region": "eu" }, "update": { "quota": 300 } });
    let options = Options {
        authentication: vec![Authentication::Basic {
            username: "platform".to_owned(),
            password: PASSWORD.into(),
        }],
        poll_interval: Duration::from_millis(20),
        parameters: BTreeMap::from([("standard".to_owned(), wanted)]),
        ..Options::new(format!("http://{}", handle.address()))
    };
    let report = conformance::run(options).await.unwrap();
    assert!(!report.demands_failed(), "{}", report.text());
    assert!(report.count(Verdict::Pass) > 50, "{}", report.text());
    assert!(report.left.is_empty() && fake.state().mailboxes.is_empty(), "nothing is left");
    handle.stop().await.unwrap();
}
// ANCHOR_END: conformance
