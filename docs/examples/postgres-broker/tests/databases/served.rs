//! The broker on the network: it does what the specification demands.

use std::{collections::BTreeMap, time::Duration};

use postgres_broker::{provider::Databases, server::Server as Postgres};
use serde_json::json;
use sutler_broker_server::{
    Config, Server,
    conformance::{self, Authentication, Options, Verdict},
    testing::postgres::Cluster,
};

use crate::catalog::{self, ROOT};

const PASSWORD: &str = "a-password-of-20-characters";

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_does_what_the_specification_demands() {
    let cluster = Cluster::start().unwrap();
    let postgres = Postgres {
        address: [127, 0, 0, 1].into(),
        port: cluster.port(),
        user: ROOT.to_owned(),
        password: cluster.password().into(),
        public_host: "db.example".to_owned(),
    };
    let folder = tempfile::tempdir().unwrap();
    let config = Config::on_loopback(folder.path(), "platform", PASSWORD.into());
    let server = Server::builder(config).provider(Databases { server: postgres }).build().unwrap();
    let handle = server.start().await.unwrap();
    let wanted = json!({ "provision": { "connection_limit": 5 }, "update": { "connection_limit": 7 } });
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
    let left = catalog::objects(&catalog::operator(&cluster).await).await;
    assert!(report.left.is_empty() && left.is_empty(), "nothing is left: {left:?}");
    handle.stop().await.unwrap();
}
