//! The contract of providers. What stands in the way is a proxy that loses messages; PostgreSQL has no other bad answers
//! that anybody could send in its name.

use std::sync::Arc;

use async_trait::async_trait;
use postgres_broker::{provider::Databases, server::Server};
use serde_json::json;
use sutler_broker_server::{
    providers::{
        Provider, Work,
        contract::{self, Fault, Object, Staged, Target, Wishes},
    },
    testing::{
        postgres::Cluster,
        proxy::{Cut, Fate, Place, Proxy},
    },
};
use sutler_spec::Credentials;
use tokio_postgres::Client;

use crate::catalog::{self, PREFIX, ROOT};

/// A server of its own, as cases run beside each other and count what is written; the broker's way to it, and its
/// operator's own.
struct Stage {
    cluster: Cluster,
    proxy: Proxy,
    operator: Client,
}

#[async_trait]
impl Staged for Stage {
    async fn set() -> Self {
        let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap();
        let operator = catalog::operator(&cluster).await;
        catalog::keep_still(&operator).await;
        Self { proxy: Proxy::before(cluster.port()).await.unwrap(), cluster, operator }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Databases {
            server: Server {
                address: [127, 0, 0, 1].into(),
                port: self.proxy.port(),
                user: ROOT.to_owned(),
                password: self.cluster.password().into(),
                public_host: "db.example".to_owned(),
            },
        })
    }

    fn wishes(&self) -> Wishes {
        Wishes::new(json!({ "connection_limit": 5 }))
            .update(json!({ "connection_limit": 7 }))
            .refused(json!({ "connection_limit": 0 }))
            .refused(json!({ "connection_limit": "5; DROP TABLE users" }))
            .refused(json!({ "owner": "postgres" }))
            .secret(self.cluster.password())
    }

    async fn objects(&self) -> Vec<Object> {
        catalog::objects(&self.operator).await
    }

    async fn strike(&self, nth: u64, fault: &Fault) -> bool {
        let fate = match fault {
            Fault::DropRequest => Fate::Lost,
            Fault::DropAnswer => Fate::Unanswered,
            Fault::Answer(_) | Fault::AnswerAfterwards(_) => return false,
        };
        self.proxy.cut(Cut { at: Place::Question(nth), fate });
        true
    }

    async fn heal(&self) -> bool {
        !self.proxy.mend()
    }

    async fn changes(&self) -> Option<u64> {
        Some(catalog::writes(&self.operator).await)
    }

    async fn occupy(&self, target: &Target<'_>) -> Option<Work> {
        let role = format!("CREATE ROLE {PREFIX}{} NOLOGIN", target.marker.hex(32));
        self.operator.batch_execute(&role).await.unwrap();
        Some(Work::Provision)
    }

    async fn vanish(&self) -> bool {
        catalog::clear(&self.operator).await;
        true
    }

    async fn accepts(&self, credentials: &Credentials) -> Option<bool> {
        let text = |name: &str| credentials.expose()[name].as_str().unwrap();
        let who = (text("user"), text("password"));
        Some(catalog::login(self.cluster.port(), who, text("database")).await.is_ok())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_keep_the_contract() {
    let report = contract::run::<Stage>().await;
    // the catalog has no pages and no states, and nobody answers in the name of PostgreSQL
    let expected = [
        "second_page",
        "too_many_requests_with_and_without_retry_after",
        "server_errors_and_html_are_unknown_not_absent",
        "errors_after_the_work_was_done",
        "rejected_credentials",
        "no_secret_in_errors",
        "a_state_that_nobody_knows_has_an_end",
    ];
    assert_eq!(report.not_tried(), expected, "{report}");
}
