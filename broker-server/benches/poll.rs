//! `last_operation` beside a server that does nothing but one read of one row (perf P6), beside a bare actix-web handler
//! that returns the same bytes, and with a million instances in the store beside an empty one.
//!
//! `cargo bench -p sutler-broker-server --bench poll`; `-- --pairs N --instances N`.

mod bench;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bench::{
    Failure, ended,
    load::{Burst, Load, Requests, burst, median, resident},
    number, print,
    server::{self, Server, Setting},
};
use sutler_broker_server::store::{BrokerStore, contract::provision_at_once, sqlite::SqliteStore};
use sutler_secrets::KeyRing;

const LOAD: Load = Load { connections: 64, span: Duration::from_millis(1000) };
const SETTING: Setting<'_> =
    Setting { store: "sqlite:broker.db", vendors: "{ probe: {} }", certificate: None };
/// Writers at a time while a store is filled: they share commits.
const WRITERS: usize = 512;

fn main() -> ExitCode {
    ended(
        server::serve_control()
            .unwrap_or_else(|| compare(number("--pairs", 12), number("--instances", 1_000_000))),
    )
}

fn compare(pairs: usize, instances: usize) -> Result<(), Failure> {
    let (few, many, table) = (filled(1)?, filled(instances)?, table(instances)?);
    let few = (server::broker(few.path(), &SETTING)?, few);
    let many = (server::broker(many.path(), &SETTING)?, many);
    let bytes = server::once(&few.0, &poll(0))?;
    let file = few.1.path().join("answer.json");
    std::fs::write(&file, &bytes)?;
    let raw = server::raw(&file, None)?;
    let point = server::point_reads(&table.path().join("polled.db"))?;
    if server::once(&point, &poll(0))?.len() != bytes.len() {
        return Err("the control answers otherwise than the broker".into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let counter = Arc::default();
    let run =
        |server: &Server, requests: &Requests| runtime.block_on(burst(server, LOAD, requests, &counter));
    let (same, spread) = (polls(1), polls(instances));
    run(&few.0, &same)?;
    run(&many.0, &spread)?;
    run(&point, &spread)?;
    let mut bursts = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        let (raw, point) = (run(&raw, &same)?, run(&point, &spread)?);
        bursts.push((raw, run(&few.0, &same)?, run(&many.0, &spread)?, point));
    }
    let of = |number: fn(&(Burst, Burst, Burst, Burst)) -> f64| median(bursts.iter().map(number).collect());
    print(&format!("last_operation {} bytes, {LOAD:?}, {pairs} interleaved rounds", bytes.len()));
    print(&format!(
        "raw                 {:>8.0} answers/s  {:>6.1} µs CPU",
        of(|b| b.0.rate),
        of(|b| b.0.cpu)
    ));
    print(&format!(
        "one read, {instances:>7}   {:>8.0} answers/s  {:>6.1} µs CPU",
        of(|b| b.3.rate),
        of(|b| b.3.cpu)
    ));
    print(&format!(
        "broker, 1 instance  {:>8.0} answers/s  {:>6.1} µs CPU",
        of(|b| b.1.rate),
        of(|b| b.1.cpu)
    ));
    print(&format!(
        "broker, {instances:>9}  {:>8.0} answers/s  {:>6.1} µs CPU",
        of(|b| b.2.rate),
        of(|b| b.2.cpu)
    ));
    print(&format!("one instance / raw         rate {:.3}", of(|b| b.1.rate / b.0.rate)));
    print(&format!(
        "broker / one read, both {instances}  rate {:.3}   (goal P6: 0.80)",
        of(|b| b.2.rate / b.3.rate)
    ));
    print(&format!("{instances} / one instance   rate {:.3}", of(|b| b.2.rate / b.1.rate)));
    print(&format!(
        "memory after the load: {:.1} MiB with 1, {:.1} MiB with {instances}   (goal P14: flat)",
        resident(few.0.process)?,
        resident(many.0.process)?
    ));
    Ok(())
}

/// A folder with a store that holds so many provisioned instances.
fn filled(instances: usize) -> Result<tempfile::TempDir, Failure> {
    let folder = tempfile::tempdir()?;
    drop(server::broker(folder.path(), &SETTING)?);
    let ring = Arc::new(KeyRing::load(server::keys(folder.path()))?);
    let store: Arc<dyn BrokerStore> = Arc::new(SqliteStore::open(&folder.path().join("broker.db"), ring)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for number in (writer..instances).step_by(WRITERS) {
                        provision_at_once(store.as_ref(), &format!("bench-{number}")).await;
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await?;
        }
        Ok::<(), Failure>(())
    })?;
    Ok(folder)
}

/// A folder with a database whose only table has a row for each instance.
fn table(instances: usize) -> Result<tempfile::TempDir, Failure> {
    let folder = tempfile::tempdir()?;
    let mut connection = rusqlite::Connection::open(folder.path().join("polled.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE polled (id TEXT PRIMARY KEY, state TEXT NOT NULL, description TEXT NOT NULL) WITHOUT ROWID;",
    )?;
    let rows = connection.transaction()?;
    for number in 0..instances {
        rows.prepare_cached("INSERT INTO polled VALUES (?1, 'succeeded', 'provision: done')")?
            .execute([format!("bench-{number}")])?;
    }
    rows.commit()?;
    Ok(folder)
}

/// Polls spread over all instances, in an order without a pattern.
fn polls(instances: usize) -> Requests {
    Arc::new(move |number| poll(number.wrapping_mul(2_654_435_761) % instances as u64))
}

fn poll(number: u64) -> Vec<u8> {
    server::get(&format!("/v2/service_instances/bench-{number}/last_operation"))
}
