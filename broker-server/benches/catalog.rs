//! `GET /v2/catalog` beside a bare actix-web handler that returns the same bytes (perf P1), and idle memory (P14).
//!
//! `cargo bench -p sutler-broker-server --bench catalog`; `-- --pairs N` for more interleaved pairs.

mod load;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use base64::Engine;
use load::{burst, median, resident};

const PASSWORD: &str = "a-password-for-benchmarks-only";
const CONNECTIONS: usize = 64;
const SPAN: Duration = Duration::from_millis(1000);

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.first().map(String::as_str) {
        Some("raw") => serve_raw(&arguments[1]),
        _ => compare(pairs(&arguments)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&format!("the benchmark failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn pairs(arguments: &[String]) -> usize {
    let at = arguments.iter().position(|argument| argument == "--pairs");
    at.and_then(|at| arguments.get(at + 1)).and_then(|count| count.parse().ok()).unwrap_or(20)
}

fn print(text: &str) {
    // A closed standard output leaves nobody to print for.
    let _closed = writeln!(std::io::stdout(), "{text}");
}

/// The control: a handler that does nothing but return the bytes.
fn serve_raw(file: &str) -> Result<(), Failure> {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let bytes = web::Bytes::from(std::fs::read(file)?);
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let bytes = bytes.clone();
            App::new().route(
                "/v2/catalog",
                web::get().to(move || {
                    let bytes = bytes.clone();
                    async move { HttpResponse::Ok().content_type("application/json").body(bytes) }
                }),
            )
        })
        .workers(2)
        .bind((Ipv4Addr::LOCALHOST, 0))?;
        print(&server.addrs()[0].to_string());
        server.run().await
    })?;
    Ok(())
}

/// A server process that ends with the benchmark.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is not there afterwards.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn start_raw(file: &Path) -> Result<Server, Failure> {
    let mut child =
        Command::new(std::env::current_exe()?).arg("raw").arg(file).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
    Ok(Server { address: line.trim().parse()?, child })
}

fn start_broker(folder: &Path) -> Result<Server, Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let private = |name: &str, text: &str| {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).truncate(true).write(true).mode(0o600);
        options.open(folder.join(name)).and_then(|mut file| file.write_all(text.as_bytes()))
    };
    private("platform.password", PASSWORD)?;
    private("cf.token", "not-used-in-this-benchmark")?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let config = format!(
        "listen: 127.0.0.1:{port}\nstore: sqlite:broker.db\nkeys: broker.keys\ncredentials:\n  \
         - {{ id: p, username: platform, password: {{ file: platform.password }} }}\nvendors:\n  cloudflare: \
         {{ base_url: \"http://127.0.0.1:9/client/v4\", account_id: 0123456789abcdef0123456789abcdef, \
         api_token: {{ file: cf.token }} }}\n"
    );
    let file = folder.join("broker.yaml");
    std::fs::write(&file, config)?;
    let binary = env!("CARGO_BIN_EXE_sutler-broker");
    if !Command::new(binary).args(["key", "new", "-c"]).arg(&file).status()?.success() {
        return Err("sutler-broker key new failed".into());
    }
    let log = std::fs::File::create(folder.join("broker.log"))?;
    let child = Command::new(binary).args(["serve", "-c"]).arg(&file).stderr(log).spawn()?;
    let server = Server { child, address: (Ipv4Addr::LOCALHOST, port).into() };
    for _ in 0..1000 {
        if TcpStream::connect(server.address).is_ok() {
            return Ok(server);
        }
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(10));
    }
    Err("the broker did not come up".into())
}

fn request() -> &'static [u8] {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("platform:{PASSWORD}"));
    let text = format!(
        "GET /v2/catalog HTTP/1.1\r\nHost: bench\r\nX-Broker-API-Version: 2.17\r\nAuthorization: Basic {basic}\r\n\r\n"
    );
    Box::leak(text.into_bytes().into_boxed_slice())
}

/// The bytes of the broker's own catalog.
fn catalog(server: &Server) -> Result<Vec<u8>, Failure> {
    let mut stream = TcpStream::connect(server.address)?;
    let text = String::from_utf8_lossy(request()).replace("Host:", "Connection: close\r\nHost:");
    stream.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no body")?;
    Ok(answer.split_off(head + 4))
}

fn compare(pairs: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let broker = start_broker(folder.path())?;
    let idle = resident(broker.child.id())?;
    let file = folder.path().join("catalog.json");
    let bytes = catalog(&broker)?;
    std::fs::write(&file, &bytes)?;
    let (raw, control) = (start_raw(&file)?, start_raw(&file)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = |server: &Server| {
        runtime.block_on(burst(server.address, server.child.id(), request(), CONNECTIONS, SPAN))
    };
    for server in [&raw, &broker, &control] {
        run(server)?;
    }
    let mut bursts = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        bursts.push((run(&raw)?, run(&broker)?, run(&control)?));
    }
    let of = |number: fn(&(load::Burst, load::Burst, load::Burst)) -> f64| {
        median(bursts.iter().map(number).collect())
    };
    print(&format!(
        "catalog {} bytes, {CONNECTIONS} connections, {pairs} interleaved pairs of {SPAN:?}",
        bytes.len()
    ));
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
