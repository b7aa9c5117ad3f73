//! The listener: a thread of its own that serves the interface until it is stopped.

use std::any::Any;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use tokio::sync::oneshot;

use super::call::Call;
use super::contract::ContractError;
use super::control::Control;
use super::control_http;
use super::envelope::{Answer, Body};
use super::exchange::{Delivery, Shared, exchange};
use super::options::Options;

/// Where the vendor's interface begins.
pub const BASE_PATH: &str = "/client/v4";
const LARGEST_BODY: usize = 32 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a fake did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Anybody on the network could read the secrets.
    #[error("{0} is not a loopback address")]
    Exposed(SocketAddr),
    /// The address is not free, or there is no thread.
    #[error("cannot listen")]
    Listen(#[source] io::Error),
    /// The ledger's file cannot be opened.
    #[error("cannot open the ledger")]
    Ledger(#[source] io::Error),
    /// The contract in this repository is broken.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// A script or project to start with is not possible.
    #[error("cannot make {0} exist")]
    Setup(String),
}

/// A running fake. It stops when dropped.
#[derive(Debug)]
pub struct CloudflareFake {
    shared: Arc<Shared>,
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl CloudflareFake {
    /// Starts to serve; requests can be sent when this returns.
    ///
    /// # Errors
    /// When the address is taken or not a loopback one, or the ledger cannot be opened.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        if !options.listen.ip().is_loopback() {
            return Err(StartError::Exposed(options.listen));
        }
        let listener = TcpListener::bind(options.listen).map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let (scripts, projects) = (options.scripts.clone(), options.projects.clone());
        let shared = Arc::new(Shared::new(options)?);
        let control = Control::new(Arc::clone(&shared));
        for script in scripts {
            control.declare_script(&script);
        }
        for project in projects {
            control.declare_project(&project).map_err(|_| StartError::Setup(project))?;
        }
        let (handle, thread) = serve(listener, Arc::clone(&shared)).await?;
        Ok(Self { shared, address, handle, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base address of the vendor's interface, to be given to a broker.
    pub fn base_url(&self) -> String {
        format!("http://{}{BASE_PATH}", self.address)
    }

    /// What tests may see and do past the vendor's interface.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared))
    }

    /// Stops serving; open connections are closed.
    pub async fn stop(mut self) {
        self.handle.stop(false).await;
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the fake ended in a panic");
        }
    }
}

impl Drop for CloudflareFake {
    fn drop(&mut self) {
        // The command is on its way when the future exists; nobody has to wait for it here.
        drop(self.handle.stop(false));
        self.join();
    }
}

/// Serves on a thread with a runtime of its own, so that a busy test cannot hold it up.
async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
) -> Result<(ServerHandle, JoinHandle<()>), StartError> {
    let (sender, receiver) = oneshot::channel();
    let body = move || {
        rt::System::new().block_on(async move {
            match server(listener, shared) {
                Ok(server) => {
                    // The receiver is gone only when the starter was cancelled; the server ends with the process then.
                    let _ = sender.send(Ok(server.handle()));
                    if let Err(error) = server.await {
                        tracing::error!(%error, "the fake stopped serving");
                    }
                }
                Err(error) => {
                    let _ = sender.send(Err(error));
                }
            }
        });
    };
    let thread = std::thread::Builder::new().name("cloudflare-fake".to_owned()).spawn(body);
    let thread = thread.map_err(StartError::Listen)?;
    let ended = || io::Error::other("the thread ended");
    let handle = receiver.await.map_err(|_| StartError::Listen(ended()))?.map_err(StartError::Listen)?;
    Ok((handle, thread))
}

fn server(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Server> {
    let app = move || {
        App::new()
            .app_data(Data::from(Arc::clone(&shared)))
            .app_data(PayloadConfig::new(LARGEST_BODY))
            .default_service(web::route().to(handle))
    };
    let server = HttpServer::new(app)
        .on_connect(remember)
        .workers(2)
        .keep_alive(PATIENCE)
        .client_request_timeout(PATIENCE)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// A second handle on a connection's socket, by which it can be closed without an answer.
struct Connection(TcpStream);

fn remember(socket: &dyn Any, extensions: &mut Extensions) {
    let stream = socket.downcast_ref::<rt::net::TcpStream>();
    if let Some(Ok(copy)) = stream.map(|stream| stream.as_fd().try_clone_to_owned()) {
        extensions.insert(Connection(TcpStream::from(copy)));
    }
}

async fn handle(request: HttpRequest, body: Bytes, shared: Data<Shared>) -> HttpResponse {
    let call = decode(&request, &body);
    let shared = shared.into_inner();
    let answer = if call.segments(control_http::PREFIX).is_some() {
        control_http::answer(&Control::new(shared), &call)
    } else {
        match rt::spawn(exchange(shared, call)).await {
            Ok(Delivery::Answer(answer)) => answer,
            Ok(Delivery::Cut) => {
                cut(&request);
                Answer::nothing()
            }
            Err(error) => {
                tracing::error!(%error, "a call ended in a panic");
                Answer::nothing()
            }
        }
    };
    response(answer)
}

fn cut(request: &HttpRequest) {
    let closed = request.conn_data::<Connection>().map(|connection| connection.0.shutdown(Shutdown::Both));
    if !matches!(closed, Some(Ok(()))) {
        tracing::warn!("a connection could not be closed; perhaps the caller was faster");
    }
}

fn decode(request: &HttpRequest, body: &[u8]) -> Call {
    let header = |name: &str| request.headers().get(name)?.to_str().ok().map(str::to_owned);
    let uri = request.uri();
    let mut call = Call::new(request.method().as_str(), uri.path(), uri.query().unwrap_or_default(), body);
    call.content_type = header("content-type");
    call.authorization = header("authorization");
    call.if_match = header("if-match");
    let own = request.headers().iter().filter(|(name, _)| name.as_str().starts_with("cf-"));
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    call.headers = own.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    call
}

fn response(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.insert_header(header);
    }
    match answer.body {
        Body::Json(body) => response.json(body),
        Body::Text { content_type, text } => response.content_type(content_type).body(text),
        Body::Empty => response.finish(),
    }
}
