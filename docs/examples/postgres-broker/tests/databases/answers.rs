//! What PostgreSQL's own refusals mean, which nobody can make up on its way: each is had from a real server.

use std::{sync::Arc, time::Duration};

use postgres_broker::{provider::Databases, server::Server};
use serde_json::json;
use sutler_broker_server::{
    operation::OperationId,
    providers::{
        Attempt, Checkpoint, IdempotencyKey, InstanceFacts, Marker, Progress, Provider, ProviderError,
        ProvisionedInstance, Refusal, Sent, Step,
    },
    testing::postgres::Cluster,
};
use sutler_spec::{InstanceId, Parameters};
use tokio_postgres::Client;

use crate::catalog::{self, ROOT};

const PASSWORD: &str = "a-password-that-nobody-may-read";

fn provider(cluster: &Cluster, user: &str, password: &str) -> Databases {
    let address = [127, 0, 0, 1].into();
    let (user, password) = (user.to_owned(), password.into());
    let server =
        Server { address, port: cluster.port(), user, password, public_host: "db.example".to_owned() };
    Databases { server }
}

/// What the broker makes of a question to the server.
async fn asked(cluster: &Cluster, user: &str, password: &str) -> Result<(), ProviderError> {
    provider(cluster, user, password).marked().await.map(drop)
}

fn is_later(answer: &Result<(), ProviderError>) -> bool {
    matches!(answer, Err(ProviderError::Unavailable { sent: Sent::No, .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_the_operators_and_no_room_or_no_server_is_for_later() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap();
    asked(&cluster, ROOT, cluster.password()).await.unwrap();
    let refused = asked(&cluster, ROOT, PASSWORD).await.unwrap_err();
    assert!(matches!(refused, ProviderError::Refused { refusal: Refusal::Credentials, .. }), "{refused:?}");
    assert!(!format!("{refused:?}{refused}").contains(PASSWORD), "{refused:?}");

    let operator = catalog::operator(&cluster).await;
    let narrow = format!("CREATE ROLE narrow LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 1");
    operator.batch_execute(&narrow).await.unwrap();
    let taken = catalog::login(cluster.port(), ("narrow", PASSWORD), "postgres").await.unwrap();
    let crowded = asked(&cluster, "narrow", PASSWORD).await;
    assert!(is_later(&crowded), "{crowded:?}");
    drop(taken);

    cluster.stop().unwrap();
    let down = asked(&cluster, ROOT, cluster.password()).await;
    assert!(is_later(&down), "{down:?}");
}

/// A creation without an engine.
struct Creation {
    provider: Databases,
    facts: InstanceFacts,
    marker: Marker,
}

impl Creation {
    fn of(provider: Databases) -> Self {
        let id = InstanceId::new("instance").unwrap();
        let (offered, marker) = (provider.offering(), Marker::for_instance("installation", &id));
        let facts = InstanceFacts {
            service_id: offered.id().clone(),
            plan_id: offered.plans()[0].id().clone(),
            name: None,
            parameters: Parameters::new(json!({}).as_object().unwrap().clone()),
            record: None,
            id,
        };
        Self { provider, facts, marker }
    }

    async fn step(&self, checkpoint: &Checkpoint) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let key = IdempotencyKey::new(&OperationId::new(), &checkpoint.step, (0, Duration::ZERO));
        let (instance, marker) = (&self.facts, &self.marker);
        let step = Step { instance, checkpoint, attempt: Attempt::First, marker, key: &key };
        self.provider.provision(step).await
    }

    async fn next(&self, checkpoint: &Checkpoint) -> Checkpoint {
        match self.step(checkpoint).await.unwrap() {
            Progress::Next(next) => next,
            _ => panic!("it does not go on"),
        }
    }
}

/// Waits until somebody waits for somebody else in the server.
async fn somebody_waits(operator: &Client) {
    let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted";
    let seen = async { while operator.query(waiting, &[]).await.unwrap().is_empty() {} };
    tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_meets_an_earlier_attempt_that_the_server_is_still_at_is_tried_again_and_finds_its_work() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap();
    let creation = Arc::new(Creation::of(provider(&cluster, ROOT, cluster.password())));
    let role = creation.next(&Checkpoint::begin()).await;
    let earlier = catalog::operator(&cluster).await;
    let name = format!("{}{}", catalog::PREFIX, creation.marker.hex(32));
    earlier.batch_execute(&format!("BEGIN; CREATE ROLE {name} NOLOGIN")).await.unwrap();
    let later = tokio::spawn({
        let (creation, role) = (creation.clone(), role.clone());
        async move { creation.step(&role).await.map(drop) }
    });
    somebody_waits(&catalog::operator(&cluster).await).await;
    earlier.batch_execute("COMMIT").await.unwrap();
    let crossed = later.await.unwrap();
    assert!(is_later(&crossed), "{crossed:?}");
    assert_eq!(creation.next(&role).await.step, "database");
}
