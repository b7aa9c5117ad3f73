//! The listener: a thread of its own that serves an interface until it is stopped.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use tokio::sync::oneshot;

use super::answer::{Answer, Body};
use super::exchange::Delivery;
use super::schemas::ContractError;

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
    /// Something to start with is not possible.
    #[error("cannot make {0} exist")]
    Setup(String),
}

/// What is served.
pub(crate) trait Interface: Send + Sync + 'static {
    /// The vendor's sorts of objects.
    type Kind: Send + 'static;

    /// The name of the thread that serves it.
    const THREAD: &'static str;

    /// One call, start to end. It is carried through even when the caller has gone.
    fn take(self: Arc<Self>, arrived: Arrived) -> impl Future<Output = Delivery<Self::Kind>> + Send;
}

/// A call as it came from the connection.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// The headers that are text, their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// A running listener. It stops when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts to serve on a loopback address; requests can be sent when this returns.
    pub(crate) async fn start<I: Interface>(
        listen: SocketAddr,
        interface: Arc<I>,
    ) -> Result<Self, StartError> {
        if !listen.ip().is_loopback() {
            return Err(StartError::Exposed(listen));
        }
        let listener = TcpListener::bind(listen).map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let (handle, thread) = serve(listener, interface).await?;
        Ok(Self { address, handle, thread: Some(thread) })
    }

    /// Stops serving; open connections are closed.
    pub(crate) async fn stop(mut self) {
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

impl Drop for Running {
    fn drop(&mut self) {
        // The command is on its way when the future exists; nobody has to wait for it here.
        drop(self.handle.stop(false));
        self.join();
    }
}

/// Serves on a thread with a runtime of its own, so that a busy test cannot hold it up.
async fn serve<I: Interface>(
    listener: TcpListener,
    interface: Arc<I>,
) -> Result<(ServerHandle, JoinHandle<()>), StartError> {
    let (sender, receiver) = oneshot::channel();
    let body = move || {
        rt::System::new().block_on(async move {
            match server(listener, interface) {
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
    let thread = std::thread::Builder::new().name(I::THREAD.to_owned()).spawn(body);
    let thread = thread.map_err(StartError::Listen)?;
    let ended = || io::Error::other("the thread ended");
    let handle = receiver.await.map_err(|_| StartError::Listen(ended()))?.map_err(StartError::Listen)?;
    Ok((handle, thread))
}

fn server<I: Interface>(listener: TcpListener, interface: Arc<I>) -> io::Result<Server> {
    let app = move || {
        App::new()
            .app_data(Data::from(Arc::clone(&interface)))
            .app_data(PayloadConfig::new(LARGEST_BODY))
            .default_service(web::route().to(handle::<I>))
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

async fn handle<I: Interface>(request: HttpRequest, body: Bytes, interface: Data<I>) -> HttpResponse {
    let arrived = decode(&request, &body);
    let answer = match rt::spawn(interface.into_inner().take(arrived)).await {
        Ok(Delivery::Answer(answer)) => answer,
        Ok(Delivery::Cut) => {
            cut(&request);
            Answer::nothing()
        }
        Err(error) => {
            tracing::error!(%error, "a call ended in a panic");
            Answer::nothing()
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

fn decode(request: &HttpRequest, body: &[u8]) -> Arrived {
    let headers = request.headers().iter();
    let text =
        |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
    let uri = request.uri();
    Arrived {
        method: request.method().as_str().to_owned(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.filter_map(text).collect(),
        body: body.to_vec(),
    }
}

fn response<Kind>(answer: Answer<Kind>) -> HttpResponse {
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
