//! Apply against an instant broker in this process: what each instance costs (perf P11), and how near the makespan
//! comes to the best list schedule (P10).
//!
//! ```text
//! cargo bench -p sutler-tests --bench apply
//! ```
//!
//! Apply and a control alternate. The control makes the same calls to the same broker with the same client and nothing
//! else: the difference is what Sutler itself costs, its durable journal included.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::json;
use sutler::commands::{ApplyOptions, Approval, PlanOptions, Project, Settings, prepare};
use sutler::execute::{Stop, Until};
use sutler::plan::Intent;
use sutler_broker_client as client;
use sutler_spec::{Asynchrony, BindRequest, BindingId, InstanceId, PlanId, ProvisionRequest, ServiceId};
use tokio::sync::{Semaphore, mpsc, watch};

const INSTANCES: usize = 1000;
const ROUNDS: usize = 7;
const WIDTH: usize = 10;
const PARALLELISM: usize = 10;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    // The first to install it wins; nobody else does here.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(cost())?;
    runtime.block_on(makespan())
}

/// Starts a broker that does nothing, each provision taking so long. Returns its address.
fn broker(delay: Duration) -> Result<String, Failure> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                App::new()
                    .route("/v2/catalog", web::get().to(|| async { HttpResponse::Ok().json(catalog()) }))
                    .route(
                        "/v2/service_instances/{id}",
                        web::put().to(move |_body: web::Bytes| async move {
                            tokio::time::sleep(delay).await;
                            HttpResponse::Created().json(json!({}))
                        }),
                    )
                    .route(
                        "/v2/service_instances/{id}/service_bindings/{binding}",
                        web::put().to(|id: web::Path<(String, String)>, _body: web::Bytes| async move {
                            HttpResponse::Created().json(json!({ "credentials": { "id": id.0 } }))
                        }),
                    )
            })
            .workers(1)
            .bind(("127.0.0.1", 0))?;
            // The receiver waits for this.
            let _told = sender.send(server.addrs()[0]);
            server.run().await
        })
    });
    Ok(format!("http://{}", receiver.recv_timeout(Duration::from_secs(10))?))
}

fn catalog() -> serde_json::Value {
    json!({ "services": [{
        "id": "service", "name": "database", "description": "x", "bindable": true,
        "metadata": { "sutler": { "outputs": [{ "name": "id", "description": "x", "secret": true }] } },
        "plans": [{ "id": "plan", "name": "standard", "description": "x", "free": true }],
    }] })
}

/// Layers of ten; each instance refers to two of the layer before, or to none when references are not wanted.
fn configuration(url: &str, instances: usize, edges: bool) -> String {
    let mut text = format!(r#"{{"stack":"bench","brokers":{{"edge":{{"url":"{url}"}}}},"instances":{{"#);
    for n in 0..instances {
        let comma = if n == 0 { "" } else { "," };
        let (layer, column) = (n / WIDTH, n % WIDTH);
        let above = |column: usize| (layer.saturating_sub(1)) * WIDTH + column;
        let parameters = if edges && layer > 0 {
            format!(
                r#"{{"one":"@i{}.id","other":"x${{i{}.id}}"}}"#,
                above(column),
                above((column * 7 + 3) % WIDTH)
            )
        } else {
            format!(r#"{{"number":{n}}}"#)
        };
        // A String takes everything.
        let _written = write!(text, r#"{comma}"i{n}":{{"service":"database","params":{parameters}}}"#);
    }
    text + "}}"
}

async fn apply(folder: &Path, config: &str) -> Result<Duration, Failure> {
    let file = folder.join("sutler.json");
    std::fs::write(&file, config)?;
    let settings = Settings::from_environment(|_| None)?;
    let project = Project::open(Some(&file), settings)?;
    let plan = PlanOptions::default();
    let options = ApplyOptions {
        plan,
        intent: Intent::Apply,
        parallelism: PARALLELISM,
        patience: Duration::ZERO,
        on_ambiguous: None,
        until: Until::Done,
    };
    let prepared = prepare(&project, options).await?;
    let (events, mut heard) = mpsc::unbounded_channel();
    let (_stop, stopped) = watch::channel(Stop::Never);
    let listener = tokio::spawn(async move { while heard.recv().await.is_some() {} });
    let applied = prepared.carry_out(Approval::Given, events, stopped).await?;
    listener.await?;
    if !applied.report.is_complete() {
        return Err(format!("{:?}", applied.report.failed.first()).into());
    }
    Ok(applied.report.took)
}

/// The same calls and nothing else.
async fn control(url: &str) -> Result<(), Failure> {
    let client = Arc::new(client::Client::new(client::Settings::new(url.parse()?))?);
    client.catalog(None).await?;
    let places = Arc::new(Semaphore::new(PARALLELISM));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..INSTANCES {
        let (client, place) = (Arc::clone(&client), Arc::clone(&places).acquire_owned().await?);
        tasks.spawn(async move {
            let (service_id, plan_id) =
                (ServiceId::new("service").expect("an id"), PlanId::new("plan").expect("an id"));
            let instance = InstanceId::new(format!("i{n}")).expect("an id");
            let provision = ProvisionRequest {
                service_id: service_id.clone(),
                plan_id: plan_id.clone(),
                organization_guid: "o".to_owned(),
                space_guid: "s".to_owned(),
                context: None,
                parameters: None,
                maintenance_info: None,
            };
            client.provision(&instance, &provision, Asynchrony::Allowed).await.expect("an instant broker");
            let bind = BindRequest {
                service_id: Some(service_id),
                plan_id: Some(plan_id),
                ..BindRequest::default()
            };
            let binding = BindingId::new(format!("b{n}")).expect("an id");
            client.bind(&instance, &binding, &bind, Asynchrony::Allowed).await.expect("an instant broker");
            drop(place);
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}

async fn cost() -> Result<(), Failure> {
    let url = broker(Duration::ZERO)?;
    let config = configuration(&url, INSTANCES, true);
    let (mut applies, mut controls, mut walls) = (Duration::ZERO, Duration::ZERO, Vec::new());
    control(&url).await?;
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir()?;
        let before = processor_time()?;
        walls.push(apply(folder.path(), &config).await?);
        let between = processor_time()?;
        control(&url).await?;
        applies += between - before;
        controls += processor_time()? - between;
    }
    walls.sort();
    let each = |total: Duration| total.as_secs_f64() * 1e6 / (ROUNDS * INSTANCES) as f64;
    let peak = status("VmHWM:")?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "apply of {INSTANCES} instances, each bound, {ROUNDS} rounds beside a control with the same calls"
    )?;
    writeln!(
        out,
        "apply    {:>7.0} µs CPU/instance, {:.0} ms (median)",
        each(applies),
        walls[ROUNDS / 2].as_secs_f64() * 1e3
    )?;
    writeln!(out, "control  {:>7.0} µs CPU/instance (client, broker, HTTP)", each(controls))?;
    writeln!(
        out,
        "overhead {:>7.0} µs CPU/instance   (goal P11: <= 150)",
        each(applies.saturating_sub(controls))
    )?;
    writeln!(out, "peak memory {peak:.0} MiB, broker included")?;
    Ok(())
}

async fn makespan() -> Result<(), Failure> {
    let (instances, operation) = (200, Duration::from_millis(50));
    let url = broker(operation)?;
    let mut walls = Vec::new();
    for _ in 0..5 {
        let folder = tempfile::tempdir()?;
        // Edges through attributes would need a binding each; the schedule is of provisions, so bindings cost nothing.
        walls.push(apply(folder.path(), &configuration(&url, instances, true)).await?);
    }
    walls.sort();
    let best = operation * u32::try_from(list_schedule(instances))?;
    let ratio = walls[2].as_secs_f64() / best.as_secs_f64();
    writeln!(
        std::io::stdout(),
        "makespan of {instances} layered provisions of {operation:?}, {PARALLELISM} at once: {:?} (median of 5); list schedule {best:?}; ratio {ratio:.3}   (goal P10: <= 1.05)",
        walls[2]
    )?;
    Ok(())
}

/// Rounds of the zero-overhead list schedule of the layered graph, longest remaining path first, equal operations.
fn list_schedule(instances: usize) -> usize {
    let layers = instances.div_ceil(WIDTH);
    let needs = |n: usize| {
        let (layer, column) = (n / WIDTH, n % WIDTH);
        let above = move |column: usize| (layer - 1) * WIDTH + column;
        if layer == 0 { Vec::new() } else { vec![above(column), above((column * 7 + 3) % WIDTH)] }
    };
    let mut done = vec![false; instances];
    let mut rounds = 0;
    while done.iter().any(|done| !done) {
        let ready = (0..instances).filter(|n| !done[*n] && needs(*n).iter().all(|need| done[*need]));
        let mut heap: BinaryHeap<(usize, Reverse<usize>)> =
            ready.map(|n| (layers - n / WIDTH, Reverse(n))).collect();
        let now: Vec<usize> =
            std::iter::from_fn(|| heap.pop()).take(PARALLELISM).map(|(_, Reverse(n))| n).collect();
        now.into_iter().for_each(|n| done[n] = true);
        rounds += 1;
    }
    rounds
}

fn processor_time() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// A figure of `/proc/self/status`, in mebibytes.
fn status(name: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such line")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse::<f64>()? / 1024.0)
}
