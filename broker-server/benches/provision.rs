//! Durable provisions per second over HTTP, beside what the same store commits when it is written to directly
//! (perf P4, P5). One provision is two transactions; the control writes the same rows in the same two.
//!
//! `cargo bench -p sutler-broker-server --bench provision`; `-- --pairs N` for more interleaved pairs. Starts a
//! PostgreSQL of its own; its programs have to be installed.

mod bench;

use std::path::Path;
use std::process::ExitCode;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, Instant};

use bench::{
    Failure, ended,
    load::{Burst, Load, Requests, burst, median},
    number, print,
    server::{self, Server, Setting},
};
use serde_json::Value;
use sutler_broker_server::{
    store::{BrokerStore, contract::provision_at_once, postgres::PostgresStore, sqlite::SqliteStore},
    testing::postgres::Cluster,
};
use sutler_secrets::KeyRing;
use tokio::runtime::Runtime;

const SPAN: Duration = Duration::from_millis(1000);
const PROBE: &str = "{ probe: {} }";

fn main() -> ExitCode {
    ended(measure(number("--pairs", 5)))
}

fn measure(pairs: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let beside = tempfile::tempdir()?;
    let setting = Setting { store: "sqlite:broker.db", vendors: PROBE };
    let broker = server::broker(folder.path(), &setting)?;
    let control = sqlite(folder.path(), beside.path())?;
    print("SQLite, each commit on disk (WAL, synchronous=FULL); goal P4: 0.80 at 64");
    compare(&broker, &control, pairs)?;
    drop((broker, control));
    on_postgres(pairs)
}

fn on_postgres(pairs: usize) -> Result<(), Failure> {
    let cluster = Cluster::start()?;
    let folder = tempfile::tempdir()?;
    server::private(folder.path(), "database.password", cluster.password())?;
    let store = format!("{{ url: \"{}\", password: {{ file: database.password }} }}", cluster.url());
    let broker = server::broker(folder.path(), &Setting { store: &store, vendors: PROBE })?;
    let ring = Arc::new(KeyRing::load(server::keys(folder.path()))?);
    let control: Arc<dyn BrokerStore> = Arc::new(PostgresStore::open(&cluster.fresh(), ring)?);
    print(
        "PostgreSQL on this machine, which does not wait for the disk (fsync=off) on either side; goal P5: 0.80",
    );
    compare(&broker, &control, pairs)
}

fn sqlite(keys: &Path, folder: &Path) -> Result<Arc<dyn BrokerStore>, Failure> {
    let ring = Arc::new(KeyRing::load(server::keys(keys))?);
    Ok(Arc::new(SqliteStore::open(&folder.join("control.db"), ring)?))
}

fn compare(broker: &Server, control: &Arc<dyn BrokerStore>, pairs: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let requests = provisions(&server::once(broker, &server::get("/v2/catalog"))?)?;
    let (counter, written) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for connections in [1, 8, 64] {
        let load = Load { connections, span: SPAN };
        let mut bursts: Vec<(Burst, f64)> = Vec::with_capacity(pairs);
        for _ in 0..pairs {
            let served = runtime.block_on(burst(broker, load, &requests, &counter))?;
            bursts.push((served, commits(&runtime, control, &written, load)?));
        }
        let of = |number: fn(&(Burst, f64)) -> f64| median(bursts.iter().map(number).collect());
        print(&format!(
            "{connections:>3} clients: {:>7.0} provisions/s, half under {:.2} ms, {:>5.0} µs CPU each; store alone \
             {:>7.0}/s; ratio {:.2}",
            of(|b| b.0.rate),
            of(|b| b.0.half),
            of(|b| b.0.cpu),
            of(|b| b.1),
            of(|b| b.0.rate / b.1),
        ));
    }
    Ok(())
}

/// What the store does when as many tasks write to it directly.
fn commits(
    runtime: &Runtime,
    store: &Arc<dyn BrokerStore>,
    written: &Arc<AtomicU64>,
    load: Load,
) -> Result<f64, Failure> {
    let (before, started) = (written.load(Ordering::Relaxed), Instant::now());
    let deadline = started + load.span;
    runtime.block_on(async {
        let tasks: Vec<_> = (0..load.connections)
            .map(|_| {
                let (store, written) = (store.clone(), written.clone());
                tokio::spawn(async move {
                    while Instant::now() < deadline {
                        let number = written.fetch_add(1, Ordering::Relaxed);
                        provision_at_once(store.as_ref(), &format!("control-{number}")).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await?;
        }
        Ok::<(), Failure>(())
    })?;
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let count = (written.load(Ordering::Relaxed) - before) as f64;
    Ok(count / started.elapsed().as_secs_f64())
}

/// Provisions of the probe's instant plan, each with an id of its own.
fn provisions(catalog: &[u8]) -> Result<Requests, Failure> {
    let catalog: Value = serde_json::from_slice(catalog)?;
    let (service, plan) = instant(&catalog).ok_or("the catalog has no plan 'instant'")?;
    let body = format!(
        "{{\"service_id\":\"{service}\",\"plan_id\":\"{plan}\",\"organization_guid\":\"o\",\"space_guid\":\"s\"}}"
    );
    Ok(Arc::new(move |number| {
        server::put(&format!("/v2/service_instances/bench-{number}?accepts_incomplete=true"), &body)
    }))
}

fn instant(catalog: &Value) -> Option<(&str, &str)> {
    catalog["services"].as_array()?.iter().find_map(|service| {
        let plans = service["plans"].as_array()?;
        let plan = plans.iter().find(|plan| plan["name"] == "instant")?;
        Some((service["id"].as_str()?, plan["id"].as_str()?))
    })
}
