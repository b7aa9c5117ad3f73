//! The simplest durable writes there are: one row, one transaction, as many at a time as there are clients.

use std::path::{Path, PathBuf};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
    mpsc,
};
use std::time::Instant;

use rusqlite::Connection;
use sutler_broker_server::testing::postgres::Cluster;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_postgres::{Client, NoTls};

use crate::bench::{Failure, load::Load};

/// About the size of what a provision leaves.
const BODY: &str = "{\"service_id\":\"4f6e6cf6-ffdd-425f-a2c7-3c9258ad246a\",\"plan_id\":\"86064792-7ea2-467b-af93-ac9694d96d5b\",\"sealed\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn8\"}";

/// Where the rows go.
pub(crate) enum Rows {
    /// One writer, which commits whatever waits for it at once.
    Sqlite(mpsc::Sender<(u64, oneshot::Sender<()>)>),
    /// One connection for each client, one transaction for each row: what `pgbench` does.
    Postgres(String),
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Rows {
    /// A file with one table.
    pub(crate) fn sqlite(file: &Path) -> Result<Self, Failure> {
        let (sender, waiting) = mpsc::channel();
        let file: PathBuf = file.to_owned();
        let connection = Connection::open(file)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE one (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
        )?;
        std::thread::spawn(move || write(connection, &waiting));
        Ok(Self::Sqlite(sender))
    }

    /// A database whose role may make tables.
    pub(crate) fn postgres(cluster: &Cluster) -> Self {
        let (port, password) = (cluster.port(), cluster.password());
        Self::Postgres(format!("host=127.0.0.1 port={port} user=broker password={password} dbname=postgres"))
    }

    /// How many a second.
    pub(crate) fn commits(&self, runtime: &Runtime, load: Load) -> Result<f64, Failure> {
        let (count, seconds) = match self {
            Self::Sqlite(writer) => runtime.block_on(through(writer, load))?,
            Self::Postgres(address) => runtime.block_on(over_connections(address, load))?,
        };
        #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
        let count = count as f64;
        Ok(count / seconds)
    }
}

/// Commits everything that waits, then tells whoever waited.
fn write(
    mut connection: Connection,
    waiting: &mpsc::Receiver<(u64, oneshot::Sender<()>)>,
) -> Result<(), rusqlite::Error> {
    while let Ok(first) = waiting.recv() {
        let group: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
        let transaction = connection.transaction()?;
        for (number, _) in &group {
            transaction
                .prepare_cached("INSERT INTO one (id, body) VALUES (?1, ?2)")?
                .execute((format!("row-{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)), BODY))?;
        }
        transaction.commit()?;
        for (_, done) in group {
            // whoever asked may have ended
            let _told = done.send(());
        }
    }
    Ok(())
}

async fn through(
    writer: &mpsc::Sender<(u64, oneshot::Sender<()>)>,
    load: Load,
) -> Result<(u64, f64), Failure> {
    let (started, count) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let deadline = started + load.span;
    let tasks: Vec<_> = (0..load.connections)
        .map(|_| {
            let (writer, count) = (writer.clone(), count.clone());
            tokio::spawn(async move {
                while Instant::now() < deadline {
                    let (done, told) = oneshot::channel();
                    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                    if writer.send((number, done)).is_err() || told.await.is_err() {
                        return Err("the writer ended");
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok((count.load(Ordering::Relaxed), started.elapsed().as_secs_f64()))
}

async fn over_connections(address: &str, load: Load) -> Result<(u64, f64), Failure> {
    let mut clients = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        let (client, connection) = tokio_postgres::connect(address, NoTls).await?;
        tokio::spawn(connection);
        clients.push(client);
    }
    if let Some(client) = clients.first() {
        client
            .batch_execute("CREATE TABLE IF NOT EXISTS one (id text PRIMARY KEY, body jsonb NOT NULL)")
            .await?;
    }
    let (started, count) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let deadline = started + load.span;
    let tasks: Vec<_> =
        clients.into_iter().map(|client| tokio::spawn(insert(client, count.clone(), deadline))).collect();
    for task in tasks {
        task.await??;
    }
    Ok((count.load(Ordering::Relaxed), started.elapsed().as_secs_f64()))
}

async fn insert(
    client: Client,
    count: Arc<AtomicU64>,
    deadline: Instant,
) -> Result<(), tokio_postgres::Error> {
    let statement = client.prepare("INSERT INTO one (id, body) VALUES ($1, $2::text::jsonb)").await?;
    while Instant::now() < deadline {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let id = format!("row-{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        client.execute(&statement, &[&id, &BODY]).await?;
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
