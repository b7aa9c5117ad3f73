//! What every test needs: a client, messages, and servers that HTTP libraries would not let us write.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use sutler_broker_client::{Call, Client, ClientError, Ended, Orphan, Settings, leaves_orphan};
use sutler_spec::{
    Asynchrony::Allowed, BindRequest, BindingId, DeprovisionQuery, InstanceId, PlanId, ProvisionRequest,
    ServiceId, UnbindQuery, UpdateRequest,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use url::Url;

pub(crate) fn settings(url: &str) -> Settings {
    let mut settings = Settings::new(Url::parse(url).unwrap());
    settings.call_timeout = Duration::from_secs(5);
    settings
}

pub(crate) fn client(url: &str) -> Client {
    Client::new(settings(url)).unwrap()
}

pub(crate) fn instance() -> InstanceId {
    InstanceId::new("i-1").unwrap()
}

pub(crate) fn binding() -> BindingId {
    BindingId::new("b-1").unwrap()
}

pub(crate) fn provision_request() -> ProvisionRequest {
    serde_json::from_value(json!({
        "service_id": "s", "plan_id": "p", "organization_guid": "o", "space_guid": "sp",
        "parameters": { "name": "shop-db" }
    }))
    .unwrap()
}

pub(crate) fn update_request() -> UpdateRequest {
    serde_json::from_value(json!({ "service_id": "s", "parameters": { "size": 2 } })).unwrap()
}

pub(crate) fn bind_request() -> BindRequest {
    serde_json::from_value(json!({ "service_id": "s", "plan_id": "p" })).unwrap()
}

pub(crate) fn deprovision_query() -> DeprovisionQuery {
    DeprovisionQuery { service_id: ServiceId::new("s").unwrap(), plan_id: PlanId::new("p").unwrap() }
}

pub(crate) fn unbind_query() -> UnbindQuery {
    UnbindQuery { service_id: ServiceId::new("s").unwrap(), plan_id: PlanId::new("p").unwrap() }
}

/// A server that says exactly the bytes it is told to, at its own pace.
pub(crate) struct Script {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
}

/// What a script does after it has read the head of a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes these bytes.
    Say(Vec<u8>),
    /// Writes these bytes again and again until nobody listens.
    Repeat(Vec<u8>, Duration),
    /// Waits for so long.
    Wait(Duration),
    /// Keeps the connection and says nothing.
    Hang,
    /// Closes the connection.
    Close,
}

impl Script {
    /// Plays the same acts on every connection.
    pub(crate) async fn play(acts: Vec<Act>) -> Self {
        Self::accept(move |stream| tokio::spawn(perform(stream, acts.clone()))).await
    }

    /// Passes everything on to another server.
    pub(crate) async fn relay(server: SocketAddr) -> Self {
        Self::accept(move |mut stream| {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            })
        })
        .await
    }

    async fn accept(serve: impl Fn(TcpStream) -> JoinHandle<()> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                serve(stream);
            }
        });
        Self { url, connections }
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn perform(mut stream: TcpStream, acts: Vec<Act>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    for act in acts {
        match act {
            Act::Say(bytes) => {
                let _ = stream.write_all(&bytes).await;
            }
            Act::Repeat(bytes, pause) => {
                while stream.write_all(&bytes).await.is_ok() {
                    tokio::time::sleep(pause).await;
                }
            }
            Act::Wait(pause) => tokio::time::sleep(pause).await,
            Act::Hang => std::future::pending().await,
            Act::Close => return,
        }
    }
    let _ = stream.shutdown().await;
}

/// Asks for an instance that will not come.
pub(crate) async fn provision(client: &Client) -> ClientError {
    client.provision(&instance(), &provision_request(), Allowed).await.expect_err("no outcome")
}

pub(crate) fn orphans(call: Call, error: &ClientError) -> Orphan {
    leaves_orphan(call, &Ended::from(error))
}

/// The head of an answer.
pub(crate) fn head(status: &str, headers: &str) -> Act {
    Act::Say(format!("HTTP/1.1 {status}\r\n{headers}\r\n").into_bytes())
}
