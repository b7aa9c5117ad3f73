//! `GET /v2/catalog` beside a bare actix-web handler that returns the same bytes (perf P1), and idle memory (P14).
//!
//! `cargo bench -p sutler-broker-server --bench catalog`; `-- --pairs N` for more interleaved pairs.

mod bench;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bench::{
    Failure, ended,
    load::{Burst, Load, always, burst, median, resident},
    number, print,
    server::{self, Server, Setting},
};

const LOAD: Load = Load { connections: 64, span: Duration::from_millis(1000) };
const CLOUDFLARE: &str = "{ cloudflare: { base_url: \"http://127.0.0.1:9/client/v4\", \
                          account_id: 0123456789abcdef0123456789abcdef, api_token: { file: vendor.token } } }";

fn main() -> ExitCode {
    ended(match server::is_raw() {
        Some(file) => server::serve_raw(&file),
        None => compare(number("--pairs", 20)),
    })
}

fn compare(pairs: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let setting = Setting { store: "sqlite:broker.db", vendors: CLOUDFLARE };
    let broker = server::broker(folder.path(), &setting)?;
    let idle = resident(broker.child.id())?;
    let file = folder.path().join("catalog.json");
    let request = server::get("/v2/catalog");
    let bytes = server::once(&broker, &request)?;
    std::fs::write(&file, &bytes)?;
    let (raw, control) = (server::raw(&file)?, server::raw(&file)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (requests, counter) = (always(request), Arc::default());
    let run = |server: &Server| runtime.block_on(burst(server, LOAD, &requests, &counter));
    for server in [&raw, &broker, &control] {
        run(server)?;
    }
    let mut bursts = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        bursts.push((run(&raw)?, run(&broker)?, run(&control)?));
    }
    let of = |number: fn(&(Burst, Burst, Burst)) -> f64| median(bursts.iter().map(number).collect());
    print(&format!("catalog {} bytes, {LOAD:?}, {pairs} interleaved pairs", bytes.len()));
    print(&format!("raw     {:>9.0} answers/s  {:>6.1} µs CPU/answer", of(|b| b.0.rate), of(|b| b.0.cpu)));
    print(&format!("broker  {:>9.0} answers/s  {:>6.1} µs CPU/answer", of(|b| b.1.rate), of(|b| b.1.cpu)));
    print(&format!(
        "broker/raw  rate {:.3}  CPU {:.3}   (goal P1: rate >= 0.90, CPU <= 1.15)",
        of(|b| b.1.rate / b.0.rate),
        of(|b| b.1.cpu / b.0.cpu)
    ));
    print(&format!(
        "control A/A rate {:.3}  CPU {:.3}   (trust the ratios when this is 0.95 to 1.05)",
        of(|b| b.2.rate / b.0.rate),
        of(|b| b.2.cpu / b.0.cpu)
    ));
    print(&format!(
        "memory  idle {idle:.1} MiB, after the load {:.1} MiB   (goal P14: idle <= 15)",
        resident(broker.child.id())?
    ));
    Ok(())
}
