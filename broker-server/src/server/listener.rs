//! Listening: every connection passes the crowd, its TLS handshake and the gate before HTTP sees it.

use std::{fmt, net::TcpListener, num::NonZeroUsize, sync::Arc, time::Duration};

use actix_http::{HttpService, Request, Response, body::BoxBody};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    Error,
    body::MessageBody,
    dev::{AppConfig, Server, ServerHandle},
};
use rustls::ServerConfig;
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use tokio_rustls::TlsAcceptor;

use super::tls::Certificates;
use crate::{
    config::Limits,
    wire::{Crowd, Gate, Pace, Place, Rules, Socket},
};

/// How long a TLS handshake may take (S-07).
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long bytes may be slower than the slowest rate.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

pub(super) type Serving = JoinHandle<std::io::Result<()>>;

/// What a connection has to pass.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) rules: Rules,
    pub(super) crowd: Arc<Crowd>,
    pub(super) certificates: Option<Arc<Certificates>>,
}

impl Door {
    pub(super) fn new(limits: &Limits, connections: usize, certificates: Option<Arc<Certificates>>) -> Self {
        let rules = Rules {
            head: limits.head,
            target: limits.uri,
            head_deadline: limits.head_deadline,
            keep_alive: limits.keep_alive,
            answer: Pace { total: limits.answer_deadline, grace: GRACE, rate: limits.slowest },
        };
        Self { rules, crowd: Crowd::new(connections), certificates }
    }

    /// Lets a connection in, if there is room and its handshake succeeds in time.
    async fn admit(self, stream: TcpStream) -> Option<Gate> {
        let place = self.crowd.enter(stream.peer_addr().ok().map(|address| address.ip()))?;
        // answers are written whole; nothing is gained by waiting for more
        let _ = stream.set_nodelay(true);
        let socket = match &self.certificates {
            None => Socket::Plain(stream),
            Some(certificates) => handshake(stream, certificates.current(), &place).await?,
        };
        Some(Gate::new(socket, place, self.rules))
    }
}

async fn handshake(stream: TcpStream, tls: Arc<ServerConfig>, place: &Place) -> Option<Socket> {
    let connection = place.connection();
    let evicted = std::future::poll_fn(|context| {
        connection.wake(context.waker());
        if connection.is_evicted() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    });
    tokio::select! {
        shaken = timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream)) => match shaken {
            Ok(Ok(stream)) => Some(Socket::Tls(Box::new(stream))),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!("a TLS handshake took too long");
                None
            }
        },
        () = evicted => None,
    }
}

/// How many serve, and how they end.
pub(super) struct Manner {
    pub(super) workers: Option<NonZeroUsize>,
    pub(super) grace_seconds: u64,
}

/// Serves an application behind the door.
pub(super) fn serve<F, A, S, B>(
    listener: TcpListener,
    door: Door,
    manner: &Manner,
    app: F,
) -> std::io::Result<(ServerHandle, Serving)>
where
    F: Fn() -> A + Send + Clone + 'static,
    A: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Future: 'static,
    <S::Service as actix_service::Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    // the crowd is what counts: it knows who may make room
    let mut builder = Server::build()
        .disable_signals()
        .shutdown_timeout(manner.grace_seconds)
        .max_concurrent_connections(1 << 20);
    if let Some(workers) = manner.workers {
        builder = builder.workers(workers.get());
    }
    let ending = builder.graceful_shutdown_signal();
    let server = builder.listen("broker", listener, move || {
        let (ending, door) = (ending.clone(), door.clone());
        let app = app().into_factory().map_err(|error: S::Error| {
            let response: actix_web::HttpResponse = error.into().error_response();
            Response::<BoxBody>::from(response)
        });
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let ending = ending.clone();
                async move { ending.notified().await }
            })
            // the gate keeps the time; these are for what it cannot see
            .keep_alive(door.rules.keep_alive * 2)
            .client_request_timeout(door.rules.head_deadline * 2)
            .client_disconnect_timeout(Duration::from_secs(2))
            .on_connect_ext(|gate: &Gate, data| {
                data.insert(gate.connection().clone());
            })
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let door = door.clone();
            async move {
                let gate = door.admit(stream).await.ok_or(())?;
                let peer = gate.connection().peer().map(|ip| (ip, 0).into());
                Ok((gate, peer))
            }
        })
        .and_then(http.map_err(|_| ()).map_init_err(|_| ()))
    })?;
    let server = server.run();
    Ok((server.handle(), tokio::spawn(server)))
}
