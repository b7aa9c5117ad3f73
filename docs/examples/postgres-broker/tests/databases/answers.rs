//! What PostgreSQL's own refusals mean, which nobody can make up on its way: each is had from a real server.

use postgres_broker::{provider::Databases, server::Server};
use sutler_broker_server::{
    providers::{Provider, ProviderError, Refusal, Sent},
    testing::postgres::Cluster,
};

use crate::catalog::{self, ROOT};

const PASSWORD: &str = "a-password-that-nobody-may-read";

/// What the broker makes of a question to the server.
async fn asked(cluster: &Cluster, user: &str, password: &str) -> Result<(), ProviderError> {
    let address = [127, 0, 0, 1].into();
    let (user, password) = (user.to_owned(), password.into());
    let server =
        Server { address, port: cluster.port(), user, password, public_host: "db.example".to_owned() };
    Databases { server }.marked().await.map(drop)
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
