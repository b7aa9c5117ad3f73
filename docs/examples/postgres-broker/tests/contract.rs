//! The contract of providers, on a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

use std::{net::Ipv4Addr, sync::Arc};

use async_trait::async_trait;
use postgres_broker::{provider::Databases, server::Server};
use serde_json::json;
use sutler_broker_server::{
    providers::{
        Provider, Work,
        contract::{self, Object, Staged, Target, Wishes},
    },
    testing::postgres::Cluster,
};
use sutler_spec::Credentials;
use tokio_postgres::{Client, Config, NoTls};

/// The objects of one run are told from those of others by when they came.
struct Stage {
    cluster: Arc<Cluster>,
    before: Vec<String>,
}

impl Stage {
    async fn client(&self) -> Client {
        login(self.cluster.port(), "broker", self.cluster.password(), "postgres").await.unwrap()
    }

    async fn names(&self, query: &str) -> Vec<String> {
        let rows = self.client().await.query(query, &[]).await.unwrap();
        let names = rows.iter().map(|row| row.get::<_, String>(0));
        names.filter(|name| !self.before.contains(name)).collect()
    }
}

const DATABASES: &str =
    "SELECT datname::text FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'";
const ROLES: &str = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'sutler\\_%'";

async fn login(
    port: u16,
    user: &str,
    password: &str,
    database: &str,
) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user(user).password(password).dbname(database);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[async_trait]
impl Staged for Stage {
    async fn set() -> Self {
        let cluster = tokio::task::spawn_blocking(Cluster::shared).await.unwrap().unwrap();
        let mut stage = Self { cluster, before: Vec::new() };
        let mut before = stage.names(DATABASES).await;
        before.extend(stage.names(ROLES).await);
        stage.before = before;
        stage
    }

    fn provider(&self) -> Arc<dyn Provider> {
        let server = Server {
            address: Ipv4Addr::LOCALHOST.into(),
            port: self.cluster.port(),
            user: "broker".to_owned(),
            password: self.cluster.password().to_owned().into(),
            public_host: "db.example.com".to_owned(),
        };
        Arc::new(Databases { server })
    }

    fn wishes(&self) -> Wishes {
        Wishes::new(json!({ "connection_limit": 5 }))
            .update(json!({ "connection_limit": 7 }))
            .refused(json!({ "connection_limit": 0 }))
            .refused(json!({ "colour": "red" }))
            .secret(self.cluster.password())
    }

    async fn objects(&self) -> Vec<Object> {
        let limits = "SELECT datname::text || ' ' || datconnlimit FROM pg_database";
        let limits = self.names(limits).await;
        let databases = self.names(DATABASES).await.into_iter().map(|name| {
            let limit =
                limits.iter().find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_owned));
            Object::new("database", name, limit.unwrap_or_default())
        });
        let roles = self.names(ROLES).await.into_iter().map(|name| Object::new("role", name, ""));
        databases.chain(roles).collect()
    }

    async fn occupy(&self, target: &Target<'_>) -> Option<Work> {
        let name = format!("sutler_{}", target.marker.hex(32));
        self.client().await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        Some(Work::Provision)
    }

    async fn vanish(&self) -> bool {
        for name in self.names(DATABASES).await {
            self.client().await.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        }
        true
    }

    async fn accepts(&self, credentials: &Credentials) -> Option<bool> {
        let text = |name: &str| credentials.expose()[name].as_str().unwrap_or_default().to_owned();
        let client = login(self.cluster.port(), &text("user"), &text("password"), &text("database")).await;
        let Ok(client) = client else { return Some(false) };
        Some(
            client
                .batch_execute("CREATE TABLE IF NOT EXISTS a(x int); INSERT INTO a VALUES (1)")
                .await
                .is_ok(),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_keep_the_contract_on_a_real_server() {
    contract::run::<Stage>().await;
}
