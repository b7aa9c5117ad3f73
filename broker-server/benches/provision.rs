//! Durable provisions per second over HTTP, beside what the same store commits when it is written to directly, and
//! beside commits of a single row (perf P4, P5); and with a store in memory beside a handler that only remembers (P3).
//! One provision is two transactions; the store alone writes the same rows in the same two.
//!
//! `cargo bench -p sutler-broker-server --bench provision`; `-- --pairs N` for more interleaved pairs. Starts a
//! PostgreSQL of its own; its programs have to be installed. With `--beside HOST:PORT,PROCESS` another broker that keeps
//! everything in memory is measured in the run of P3, with the same credential and catalog.

mod bench;
mod rows;

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
    text,
};
use rows::Rows;
use serde_json::Value;
use sutler_broker_server::{
    store::{BrokerStore, contract::provision_at_once, postgres::PostgresStore, sqlite::SqliteStore},
    testing::postgres::{Cluster, Flush},
};
use sutler_secrets::KeyRing;
use tokio::runtime::Runtime;

const SPAN: Duration = Duration::from_millis(1000);
const PROBE: &str = "{ probe: {} }";

fn main() -> ExitCode {
    ended(server::serve_control().unwrap_or_else(|| measure(number("--pairs", 5))))
}

fn measure(pairs: usize) -> Result<(), Failure> {
    in_memory(pairs.max(20))?;
    on_sqlite(pairs)?;
    on_postgres(pairs)
}

/// The rules of the specification, JSON Schema and the engine, without a disk.
fn in_memory(pairs: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir_in("/dev/shm")?;
    let setting = Setting { store: "sqlite:broker.db", vendors: PROBE, certificate: None };
    let broker = server::broker(folder.path(), &setting)?;
    let (raw, control) = (server::memory()?, server::memory()?);
    let beside = text("--beside").as_deref().map(Server::beside).transpose()?;
    let requests = provisions(&server::once(&broker, &server::get("/v2/catalog"))?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (load, counter) = (Load { connections: 64, span: SPAN }, Arc::default());
    let servers: Vec<&Server> = [&raw, &broker, &control].into_iter().chain(&beside).collect();
    let mut rounds: Vec<Vec<Burst>> = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        let run = |server: &&Server| runtime.block_on(burst(server, load, &requests, &counter));
        rounds.push(servers.iter().map(run).collect::<Result<_, _>>()?);
    }
    let of = |number: fn(&[Burst]) -> f64| median(rounds.iter().map(|round| number(round)).collect());
    print(&format!(
        "In memory, 64 clients: {:.0} provisions/s, {:.0} µs CPU each; a handler that only remembers {:.0}/s, {:.0} µs; \
         ratio {:.2}, A/A {:.2}   (goal P3: 0.75)",
        of(|b| b[1].rate),
        of(|b| b[1].cpu),
        of(|b| b[0].rate),
        of(|b| b[0].cpu),
        of(|b| b[1].rate / b[0].rate),
        of(|b| b[2].rate / b[0].rate),
    ));
    if beside.is_some() {
        print(&format!(
            "beside: {:.0} provisions/s, {:.0} µs CPU each; ratio {:.2}   (goal P2: 2.5)",
            of(|b| b[3].rate),
            of(|b| b[3].cpu),
            of(|b| b[1].rate / b[3].rate)
        ));
    }
    Ok(())
}

fn on_sqlite(pairs: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let beside = tempfile::tempdir()?;
    let setting = Setting { store: "sqlite:broker.db", vendors: PROBE, certificate: None };
    let broker = server::broker(folder.path(), &setting)?;
    let control = sqlite(folder.path(), beside.path())?;
    let rows = Rows::sqlite(&beside.path().join("rows.db"))?;
    print("SQLite, each commit on disk (WAL, synchronous=FULL); goal P4: 0.80 of the store alone at 64");
    compare(&broker, (&control, &rows), pairs)
}

fn on_postgres(pairs: usize) -> Result<(), Failure> {
    let cluster = Cluster::with(Flush::EachCommit)?;
    let folder = tempfile::tempdir()?;
    server::private(folder.path(), "database.password", cluster.password())?;
    let store = format!("{{ url: \"{}\", password: {{ file: database.password }} }}", cluster.url());
    let setting = Setting { store: &store, vendors: PROBE, certificate: None };
    let broker = server::broker(folder.path(), &setting)?;
    let ring = Arc::new(KeyRing::load(server::keys(folder.path()))?);
    let control: Arc<dyn BrokerStore> = Arc::new(PostgresStore::open(&cluster.fresh(), ring)?);
    let rows = Rows::postgres(&cluster);
    print("PostgreSQL, each commit on disk; goal P5: 1.0 of single rows");
    compare(&broker, (&control, &rows), pairs)
}

fn sqlite(keys: &Path, folder: &Path) -> Result<Arc<dyn BrokerStore>, Failure> {
    let ring = Arc::new(KeyRing::load(server::keys(keys))?);
    Ok(Arc::new(SqliteStore::open(&folder.join("control.db"), ring)?))
}

fn compare(
    broker: &Server,
    (control, rows): (&Arc<dyn BrokerStore>, &Rows),
    pairs: usize,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let requests = provisions(&server::once(broker, &server::get("/v2/catalog"))?)?;
    let (counter, written) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for connections in [1, 8, 64] {
        let load = Load { connections, span: SPAN };
        let mut bursts: Vec<(Burst, f64, f64)> = Vec::with_capacity(pairs);
        for _ in 0..pairs {
            let served = runtime.block_on(burst(broker, load, &requests, &counter))?;
            let alone = commits(&runtime, control, &written, load)?;
            bursts.push((served, alone, rows.commits(&runtime, load)?));
        }
        let of = |number: fn(&(Burst, f64, f64)) -> f64| median(bursts.iter().map(number).collect());
        print(&format!(
            "{connections:>3} clients: {:>6.0} provisions/s, half under {:.2} ms, {:>4.0} µs CPU each; store alone \
             {:>6.0}/s, ratio {:.2}; single rows {:>6.0}/s, ratio {:.2}",
            of(|b| b.0.rate),
            of(|b| b.0.half),
            of(|b| b.0.cpu),
            of(|b| b.1),
            of(|b| b.0.rate / b.1),
            of(|b| b.2),
            of(|b| b.0.rate / b.2),
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
    let (organization, space) =
        ("6f1a2c1e-88d4-4f0b-9c53-6a4f3f0c9a11", "0b9d3d54-4c0e-4a59-8f6e-2f4f8f9d7c22");
    // as Cloud Foundry sends it, close to the 587 bytes of the figures that the goals come from
    let body = serde_json::json!({
        "service_id": service,
        "plan_id": plan,
        "organization_guid": organization,
        "space_guid": space,
        "context": {
            "platform": "cloudfoundry",
            "organization_guid": organization,
            "organization_name": "payments-of-the-whole-company",
            "space_guid": space,
            "space_name": "production-eu-central",
            "instance_name": "the-database-of-invoices",
        },
        "parameters": {},
    })
    .to_string();
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
