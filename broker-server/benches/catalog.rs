//! `GET /v2/catalog` beside a bare actix-web handler that returns the same bytes, without TLS (perf P1) and with it (P7),
//! and idle memory (P14).
//!
//! `cargo bench -p sutler-broker-server --bench catalog`; `-- --pairs N` for more interleaved pairs. With
//! `--beside HOST:PORT,PROCESS` another broker is measured in the same run, which must have the same credential (P2).

mod bench;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bench::{
    Failure,
    certificate::Certificate,
    ended,
    load::{Burst, Load, always, burst, median, resident},
    number, print,
    server::{self, Server, Setting},
    text,
};

const LOAD: Load = Load { connections: 64, span: Duration::from_millis(1000) };
const CLOUDFLARE: &str = "{ cloudflare: { base_url: \"http://127.0.0.1:9/client/v4\", \
                          account_id: 0123456789abcdef0123456789abcdef, api_token: { file: vendor.token } } }";

fn main() -> ExitCode {
    ended(server::serve_control().unwrap_or_else(|| {
        let pairs = number("--pairs", 20);
        compare(pairs, None)?;
        let folder = tempfile::tempdir()?;
        compare(pairs, Some(&Certificate::make(folder.path())?))
    }))
}

/// The goals with and without TLS.
fn goals(certificate: Option<&Certificate>) -> &'static str {
    match certificate {
        Some(_) => "TLS 1.3, goal P7: rate >= 0.90",
        None => "goal P1: rate >= 0.90, CPU <= 1.15",
    }
}

fn compare(pairs: usize, certificate: Option<&Certificate>) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let setting = Setting { store: "sqlite:broker.db", vendors: CLOUDFLARE, certificate };
    let broker = server::broker(folder.path(), &setting)?;
    let idle = resident(broker.process)?;
    let file = folder.path().join("catalog.json");
    let request = server::get("/v2/catalog");
    let bytes = server::once(&broker, &request)?;
    std::fs::write(&file, &bytes)?;
    let (raw, control) = (server::raw(&file, certificate)?, server::raw(&file, certificate)?);
    let beside = text("--beside").filter(|_| certificate.is_none());
    let beside = beside.as_deref().map(Server::beside).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (requests, counter) = (always(request), Arc::default());
    let run = |server: &Server| runtime.block_on(burst(server, LOAD, &requests, &counter));
    let servers: Vec<&Server> = [&raw, &broker, &control].into_iter().chain(&beside).collect();
    for server in &servers {
        run(server)?;
    }
    let mut rounds: Vec<Vec<Burst>> = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        rounds.push(servers.iter().map(|server| run(server)).collect::<Result<_, _>>()?);
    }
    let of = |number: fn(&[Burst]) -> f64| median(rounds.iter().map(|round| number(round)).collect());
    print(&format!(
        "catalog {} bytes, {LOAD:?}, {pairs} interleaved pairs   ({})",
        bytes.len(),
        goals(certificate)
    ));
    print(&format!("raw     {:>9.0} answers/s  {:>6.1} µs CPU/answer", of(|b| b[0].rate), of(|b| b[0].cpu)));
    print(&format!("broker  {:>9.0} answers/s  {:>6.1} µs CPU/answer", of(|b| b[1].rate), of(|b| b[1].cpu)));
    print(&format!(
        "broker/raw  rate {:.3}  CPU {:.3}",
        of(|b| b[1].rate / b[0].rate),
        of(|b| b[1].cpu / b[0].cpu)
    ));
    print(&format!(
        "control A/A rate {:.3}  CPU {:.3}   (trust the ratios when this is 0.95 to 1.05)",
        of(|b| b[2].rate / b[0].rate),
        of(|b| b[2].cpu / b[0].cpu)
    ));
    if beside.is_some() {
        print(&format!(
            "beside  {:>9.0} answers/s  {:>6.1} µs CPU/answer; broker/beside rate {:.1}   (goal P2: >= 20)",
            of(|b| b[3].rate),
            of(|b| b[3].cpu),
            of(|b| b[1].rate / b[3].rate)
        ));
    }
    print(&format!(
        "memory  idle {idle:.1} MiB, after the load {:.1} MiB   (goal P14: idle <= 15)",
        resident(broker.process)?
    ));
    Ok(())
}
