//! The broker, and a bare actix-web handler as its control, as processes that end with the benchmark.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;

use super::{Failure, print};

const PASSWORD: &str = "a-password-for-benchmarks-only";

/// A server process that ends with the benchmark.
pub(crate) struct Server {
    /// The process.
    pub(crate) child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is not there afterwards.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What a broker of a benchmark is configured with, besides what all of them have.
pub(crate) struct Setting<'a> {
    /// The URL of the store.
    pub(crate) store: &'a str,
    /// The vendors, as YAML in one line.
    pub(crate) vendors: &'a str,
}

/// A broker with one credential in a folder of its own.
pub(crate) fn broker(folder: &Path, setting: &Setting<'_>) -> Result<Server, Failure> {
    private(folder, "platform.password", PASSWORD)?;
    private(folder, "vendor.token", "not-used-in-this-benchmark")?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let Setting { store, vendors } = setting;
    let config = format!(
        "listen: 127.0.0.1:{port}\nstore: {store}\nkeys: broker.keys\ncredentials:\n  \
         - {{ id: p, username: platform, password: {{ file: platform.password }} }}\nvendors: {vendors}\n"
    );
    let file = folder.join("broker.yaml");
    std::fs::write(&file, config)?;
    let binary = env!("CARGO_BIN_EXE_sutler-broker");
    if !folder.join("broker.keys").exists()
        && !Command::new(binary).args(["key", "new", "-c"]).arg(&file).status()?.success()
    {
        return Err("sutler-broker key new failed".into());
    }
    let log = std::fs::File::create(folder.join("broker.log"))?;
    let child = Command::new(binary)
        .args(["serve", "-c"])
        .arg(&file)
        .env("SUTLER_LOG", "warn")
        .stderr(log)
        .spawn()?;
    let server = Server { child, address: (Ipv4Addr::LOCALHOST, port).into() };
    for _ in 0..1000 {
        if TcpStream::connect(server.address).is_ok() {
            return Ok(server);
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    Err("the broker did not come up".into())
}

/// Where the key ring of a broker's folder is.
pub(crate) fn keys(folder: &Path) -> PathBuf {
    folder.join("broker.keys")
}

/// Writes a file that nobody else can read.
pub(crate) fn private(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    options.open(folder.join(name)).and_then(|mut file| file.write_all(text.as_bytes()))
}

/// Starts this benchmark's own program as the control: a handler that does nothing but return the bytes of the file.
pub(crate) fn raw(file: &Path) -> Result<Server, Failure> {
    let mut child =
        Command::new(std::env::current_exe()?).arg("raw").arg(file).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
    Ok(Server { address: line.trim().parse()?, child })
}

/// Is the control, when this process was started as one.
pub(crate) fn is_raw() -> Option<String> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next().as_deref() == Some("raw")).then(|| arguments.next()).flatten()
}

/// The control itself; serves every path.
pub(crate) fn serve_raw(file: &str) -> Result<(), Failure> {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let bytes = web::Bytes::from(std::fs::read(file)?);
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let bytes = bytes.clone();
            App::new().default_service(web::to(move || {
                let bytes = bytes.clone();
                async move { HttpResponse::Ok().content_type("application/json").body(bytes) }
            }))
        })
        .workers(2)
        .bind((Ipv4Addr::LOCALHOST, 0))?;
        print(&server.addrs()[0].to_string());
        server.run().await
    })?;
    Ok(())
}

/// A request without a body.
pub(crate) fn get(path: &str) -> Vec<u8> {
    head("GET", path, "").into_bytes()
}

/// A request with a JSON body.
pub(crate) fn put(path: &str, body: &str) -> Vec<u8> {
    let fields = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    head("PUT", path, &fields).into_bytes().into_iter().chain(body.bytes()).collect()
}

fn head(method: &str, path: &str, fields: &str) -> String {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("platform:{PASSWORD}"));
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nX-Broker-API-Version: 2.17\r\n\
         Authorization: Basic {basic}\r\n{fields}\r\n"
    )
}

/// Sends one request on a connection of its own and gives the body of the answer.
pub(crate) fn once(server: &Server, request: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut stream = TcpStream::connect(server.address)?;
    let text = String::from_utf8_lossy(request).replacen("Host:", "Connection: close\r\nHost:", 1);
    stream.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no body")?;
    Ok(answer.split_off(head + 4))
}
