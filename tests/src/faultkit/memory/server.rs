//! A database on a PostgreSQL server, with a proxy before it and an observer beside it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use sutler_broker_server::testing::{postgres::Cluster, proxy::Proxy};
use tokio::sync::Mutex;
use tokio_postgres::{Client, Error, NoTls};

use super::Captured;
use crate::{faultkit::dump::StoreDump, world::WorldError};

/// How long the server may be away before an observer gives up.
const PATIENCE: Duration = Duration::from_secs(20);
/// The schema of the broker.
const SCHEMA: &str = "sutler_broker";
/// How many files of the write-ahead log are searched for secrets: the latest.
const LOG_FILES: usize = 2;

/// See the module.
pub(crate) struct Server {
    cluster: Arc<Cluster>,
    database: String,
    pub(super) proxy: Proxy,
    observer: Mutex<Option<Client>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.database)
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl Server {
    /// A database that nobody used.
    pub(super) async fn new(cluster: Arc<Cluster>) -> Result<Self, WorldError> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let proxy = Proxy::before(cluster.port()).await;
        let proxy = proxy.map_err(|error| WorldError::new("starting a proxy before PostgreSQL", error))?;
        let server = Self { cluster, database: format!("lane_{number}"), proxy, observer: Mutex::default() };
        let failed = |error: Error| WorldError::new("making a database", describe(&error));
        let founder = server.connect("postgres").await.map_err(failed)?;
        founder.batch_execute(&format!("CREATE DATABASE {}", server.database)).await.map_err(failed)?;
        Ok(server)
    }

    pub(super) fn setting(&self) -> (String, String) {
        let (port, database) = (self.proxy.port(), &self.database);
        let store = format!(
            "{{ url: \"postgres://broker@127.0.0.1:{port}/{database}\", connections: 4, \
             password: {{ file: database.password }} }}"
        );
        (store, self.cluster.password().to_owned())
    }

    async fn connect(&self, database: &str) -> Result<Client, Error> {
        let (port, password) = (self.cluster.port(), self.cluster.password());
        let url = format!("host=127.0.0.1 port={port} user=broker dbname={database} password={password}");
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        // it ends with the client, or with the server, which the client tells
        tokio::spawn(connection);
        // a database that takes no more writes still lets us undo that
        client
            .batch_execute(&format!("SET search_path = {SCHEMA}; SET default_transaction_read_only = off"))
            .await?;
        Ok(client)
    }

    /// Asks the server past the proxy, again while it is away.
    async fn ask<T>(
        &self,
        work: impl for<'a> Fn(&'a Client) -> Answer<'a, T> + Send + Sync,
    ) -> Result<T, WorldError> {
        let mut observer = self.observer.lock().await;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.try_to(&mut observer, &work).await {
                Ok(found) => return Ok(found),
                Err(error) if Instant::now() > deadline || !passes(&error) => {
                    return Err(WorldError::new("reading the broker's store", describe(&error)));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// A connection on which something failed is not used again.
    async fn try_to<T>(
        &self,
        observer: &mut Option<Client>,
        work: &(impl for<'a> Fn(&'a Client) -> Answer<'a, T> + Send + Sync),
    ) -> Result<T, Error> {
        let client = match observer.take() {
            Some(client) => client,
            None => self.connect(&self.database).await?,
        };
        let found = work(&client).await?;
        *observer = Some(client);
        Ok(found)
    }

    pub(super) async fn dump(&self, instances: &[String]) -> Result<StoreDump, WorldError> {
        self.ask(|client| {
            let instances = instances.to_owned();
            Box::pin(async move { StoreDump::of_postgres(client, &instances).await })
        })
        .await
    }

    /// Runs a statement; whether it changed anything.
    pub(super) async fn change(&self, statement: &'static str) -> bool {
        let changed = self.ask(|client| Box::pin(async move { client.execute(statement, &[]).await })).await;
        changed.is_ok_and(|changed| changed > 0)
    }

    /// The database takes no more writes for so long, and everybody has to connect again: a disk that is full, or a copy
    /// that is not the primary yet.
    pub(crate) async fn refuse_writes(&self, length: Duration) -> bool {
        let refuse = format!(
            "ALTER DATABASE {database} SET default_transaction_read_only = on;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = '{database}' AND pid <> pg_backend_pid()",
            database = self.database
        );
        let resume = format!("ALTER DATABASE {} RESET default_transaction_read_only", self.database);
        let refuses = self.run(refuse).await;
        tokio::time::sleep(length).await;
        self.run(resume).await && refuses
    }

    async fn run(&self, script: String) -> bool {
        let done = self.ask(|client| {
            let script = script.clone();
            Box::pin(async move { client.batch_execute(&script).await })
        });
        done.await.is_ok()
    }

    /// The server ends at once, as in a crash, and starts again.
    pub(crate) async fn restart(&self) -> bool {
        let cluster = self.cluster.clone();
        let crash = move || cluster.stop().and_then(|()| cluster.resume());
        tokio::task::spawn_blocking(crash).await.is_ok_and(|crashed| crashed.is_ok())
    }

    /// Every row as text, and the latest files of the server's write-ahead log.
    pub(super) async fn written(&self) -> Result<Vec<Captured>, WorldError> {
        let mut captured = self
            .ask(|client| {
                Box::pin(async move {
                    let list = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()";
                    let mut captured = Vec::new();
                    for table in client.query(list, &[]).await? {
                        let table: String = table.try_get(0)?;
                        let sql = format!("SELECT string_agg(t::text, '\n') FROM \"{table}\" AS t");
                        let text: Option<String> = client.query_one(&sql, &[]).await?.try_get(0)?;
                        let bytes = text.unwrap_or_default().into_bytes();
                        captured.push(Captured { place: format!("table {table}").into(), bytes });
                    }
                    Ok(captured)
                })
            })
            .await?;
        captured.extend(self.log().map_err(|error| WorldError::new("reading the log of PostgreSQL", error))?);
        Ok(captured)
    }

    fn log(&self) -> std::io::Result<Vec<Captured>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.cluster.data().join("pg_wal"))? {
            let (path, data) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            if data.is_file() {
                files.push((data.modified()?, path));
            }
        }
        files.sort();
        let latest = files.into_iter().rev().take(LOG_FILES);
        latest.map(|(_, place)| Ok(Captured { bytes: std::fs::read(&place)?, place })).collect()
    }
}

/// Whether the server may be back soon.
fn passes(error: &Error) -> bool {
    match error.code() {
        Some(code) => ["57", "08", "53"].iter().any(|class| code.code().starts_with(class)),
        None => true,
    }
}

fn describe(error: &Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}
