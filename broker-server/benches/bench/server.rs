//! The broker, and a bare actix-web handler as its control, as processes that end with the benchmark.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::{Failure, certificate::Certificate, print};

const PASSWORD: &str = "a-password-for-benchmarks-only";

/// A server process; one that the benchmark started ends with it.
pub(crate) struct Server {
    child: Option<Child>,
    /// The process.
    pub(crate) process: u32,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    trust: Option<Arc<ClientConfig>>,
}

/// What a connection to a server needs.
pub(crate) struct Caller {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Whom to trust; none where it speaks without TLS.
    pub(crate) trust: Option<Arc<ClientConfig>>,
}

impl Server {
    fn started(child: Child, address: SocketAddr, trust: Option<Arc<ClientConfig>>) -> Self {
        Self { process: child.id(), child: Some(child), address, trust }
    }

    /// A server that somebody else started, as `HOST:PORT,PROCESS`.
    pub(crate) fn beside(text: &str) -> Result<Self, Failure> {
        let (address, process) = text.split_once(',').ok_or("--beside takes HOST:PORT,PROCESS")?;
        Ok(Self { child: None, process: process.parse()?, address: address.parse()?, trust: None })
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller { address: self.address, trust: self.trust.clone() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself; either way it is not there afterwards.
            let _ended = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// What a broker of a benchmark is configured with, besides what all of them have.
pub(crate) struct Setting<'a> {
    /// The URL of the store.
    pub(crate) store: &'a str,
    /// The vendors, as YAML in one line.
    pub(crate) vendors: &'a str,
    /// What it proves who it is with; without one it speaks without TLS.
    pub(crate) certificate: Option<&'a Certificate>,
}

/// A broker with one credential in a folder of its own.
pub(crate) fn broker(folder: &Path, setting: &Setting<'_>) -> Result<Server, Failure> {
    private(folder, "platform.password", PASSWORD)?;
    private(folder, "vendor.token", "not-used-in-this-benchmark")?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let Setting { store, vendors, certificate } = setting;
    let tls = match certificate {
        Some(certificate) => {
            let (chain, key) = (certificate.chain.display(), certificate.key.display());
            format!("tls: {{ cert: \"{chain}\", key: \"{key}\" }}\n")
        }
        None => String::new(),
    };
    let config = format!(
        "listen: 127.0.0.1:{port}\nstore: {store}\nkeys: broker.keys\ncredentials:\n  \
         - {{ id: p, username: platform, password: {{ file: platform.password }} }}\nvendors: {vendors}\n{tls}"
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
    let trust = certificate.map(Certificate::trust).transpose()?;
    let server = Server::started(child, (Ipv4Addr::LOCALHOST, port).into(), trust);
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
pub(crate) fn raw(file: &Path, certificate: Option<&Certificate>) -> Result<Server, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("raw").arg(file).stdout(Stdio::piped());
    if let Some(certificate) = certificate {
        command.arg(&certificate.chain).arg(&certificate.key);
    }
    control(command, certificate)
}

/// Starts this benchmark's own program as the control of writes: it reads the body of a request as JSON, remembers it
/// in memory, and answers `{}`.
pub(crate) fn memory() -> Result<Server, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("memory").stdout(Stdio::piped());
    control(command, None)
}

/// Starts this benchmark's own program as the control of polls: one read of one row of this table, by its key.
pub(crate) fn point_reads(database: &Path) -> Result<Server, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("point-reads").arg(database).stdout(Stdio::piped());
    control(command, None)
}

fn control(mut command: Command, certificate: Option<&Certificate>) -> Result<Server, Failure> {
    let mut child = command.spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
    Ok(Server::started(child, line.trim().parse()?, certificate.map(Certificate::trust).transpose()?))
}

/// Is a control, when this process was started as one.
pub(crate) fn serve_control() -> Option<Result<(), Failure>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["raw", file] => Some(serve_raw(file, None)),
        ["raw", file, chain, key] => {
            Some(serve_raw(file, Some(&Certificate { chain: chain.into(), key: key.into() })))
        }
        ["memory"] => Some(serve_memory()),
        ["point-reads", database] => Some(serve_point_reads(database)),
        _ => None,
    }
}

/// Serves every path with the same bytes.
fn serve_raw(file: &str, certificate: Option<&Certificate>) -> Result<(), Failure> {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let bytes = web::Bytes::from(std::fs::read(file)?);
    let identity = certificate.map(Certificate::identity).transpose()?;
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let bytes = bytes.clone();
            App::new().default_service(web::to(move || {
                let bytes = bytes.clone();
                async move { HttpResponse::Ok().content_type("application/json").body(bytes) }
            }))
        })
        .workers(2);
        let server = match identity {
            Some(identity) => server.bind_rustls_0_23((Ipv4Addr::LOCALHOST, 0), identity)?,
            None => server.bind((Ipv4Addr::LOCALHOST, 0))?,
        };
        print(&server.addrs()[0].to_string());
        server.run().await
    })?;
    Ok(())
}

/// Remembers what is put, by its path.
fn serve_memory() -> Result<(), Failure> {
    use std::{
        collections::HashMap,
        sync::{Mutex, PoisonError},
    };

    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
    let there: web::Data<Mutex<HashMap<String, serde_json::Value>>> = web::Data::default();
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let put = |request: HttpRequest,
                       body: web::Json<serde_json::Value>,
                       there: web::Data<Mutex<HashMap<String, serde_json::Value>>>| async move {
                let mut there = there.lock().unwrap_or_else(PoisonError::into_inner);
                there.insert(request.path().to_owned(), body.into_inner());
                HttpResponse::Created().content_type("application/json").body("{}")
            };
            App::new().app_data(there.clone()).default_service(web::to(put))
        })
        .workers(2)
        .bind((Ipv4Addr::LOCALHOST, 0))?;
        print(&server.addrs()[0].to_string());
        server.run().await
    })?;
    Ok(())
}

/// Answers with the row of the table `polled` that the third part of the path names.
fn serve_point_reads(database: &str) -> Result<(), Failure> {
    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
    use rusqlite::Connection;

    let database = database.to_owned();
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let connection = Connection::open(&database).expect("the database");
            let get = |request: HttpRequest, connection: web::Data<Connection>| async move {
                let id = request.path().split('/').nth(3).unwrap_or_default();
                let read = connection
                    .prepare_cached("SELECT state, description FROM polled WHERE id = ?1")
                    .and_then(|mut get| {
                        get.query_row([id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
                    });
                match read {
                    Ok((state, description)) => HttpResponse::Ok()
                        .json(serde_json::json!({ "state": state, "description": description })),
                    Err(_) => HttpResponse::NotFound().finish(),
                }
            };
            let connection = web::Data::new(connection);
            App::new().app_data(connection).default_service(web::to(get))
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

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// Sends one request on a connection of its own and gives the body of the answer.
pub(crate) fn once(server: &Server, request: &[u8]) -> Result<Vec<u8>, Failure> {
    let socket = TcpStream::connect(server.address)?;
    let mut stream: Box<dyn Stream> = match &server.trust {
        Some(trust) => {
            let session = ClientConnection::new(trust.clone(), "localhost".try_into()?)?;
            Box::new(StreamOwned::new(session, socket))
        }
        None => Box::new(socket),
    };
    let text = String::from_utf8_lossy(request).replacen("Host:", "Connection: close\r\nHost:", 1);
    stream.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no body")?;
    Ok(answer.split_off(head + 4))
}
