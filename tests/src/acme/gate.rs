//! The gate: TLS ends here, requests are handed on, faults happen where they are ordered.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sutler_broker_server::{
    providers::contract::{Fault, Page},
    testing::pebble::{Pebble, PebbleError, Register},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

use super::{
    hearing::{self, Deafness, Hearing},
    http::{self, Answer, Request},
    ledger::{Ledger, Seen},
    renewal,
};

/// Where the directory is at Pebble.
const DIRECTORY: &str = "/dir";

/// Why there is no gate.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The authority cannot be called.
    #[error(transparent)]
    Authority(#[from] PebbleError),
    /// No certificate of its own.
    #[error("could not make the certificate of the gate")]
    Certificate(#[from] rcgen::Error),
    /// No TLS.
    #[error("could not serve TLS")]
    Tls(#[from] rustls::Error),
    /// No address.
    #[error("could not listen")]
    Listen(#[from] std::io::Error),
}

/// See the module. It closes when dropped.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    root: String,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    authority: SocketAddr,
    address: SocketAddr,
    client: reqwest::Client,
    register: Register,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    /// How many calls come before the fault, and the fault.
    order: Option<(u64, Fault)>,
    has_struck: bool,
    deafness: Deafness,
}

impl Gate {
    /// Stands before an authority.
    ///
    /// # Errors
    /// When it cannot listen or speak TLS.
    pub async fn before(authority: &Pebble) -> Result<Self, GateError> {
        let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
        let mut tls = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner {
            authority: authority.address(),
            address,
            client: authority.client()?,
            register: authority.register()?,
            state: Mutex::default(),
        });
        let task = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(tls)), inner.clone()));
        Ok(Self { address, root: own.cert.pem(), inner, task })
    }

    /// The authority's directory, behind the gate.
    pub fn directory(&self) -> String {
        format!("https://{}{DIRECTORY}", self.address)
    }

    /// What the gate's TLS stands on, as PEM.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Every call that the authority answered, in order.
    pub fn calls(&self) -> Vec<Seen> {
        self.inner.state().ledger.calls.clone()
    }

    /// How many calls have changed something.
    pub fn changes(&self) -> u64 {
        let changed = |seen: &&Seen| seen.is_change && seen.status < 300;
        self.inner.state().ledger.calls.iter().filter(changed).count() as u64
    }

    /// What names the certificates that were issued and not revoked.
    pub fn certificates(&self) -> Vec<String> {
        self.inner.state().ledger.certificates()
    }

    /// How the authority takes it, so many times from now on, to be told that a proof can be looked up.
    pub fn hear(&self, hearing: Hearing, times: u64) {
        self.inner.state().deafness = Deafness::of(hearing, times);
    }

    /// How often it has taken it so.
    pub fn unheard(&self) -> u64 {
        self.inner.state().deafness.struck
    }

    /// Lets the `nth` call from now on (1 is the next) meet a fault, in place of any earlier order.
    pub fn strike(&self, nth: u64, fault: &Fault) {
        let mut state = self.inner.state();
        (state.order, state.has_struck) = (Some((nth.saturating_sub(1), fault.clone())), false);
    }

    /// Ends the fault. Whether it has struck.
    pub fn heal(&self) -> bool {
        let mut state = self.inner.state();
        state.order = None;
        state.has_struck
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault that this call meets.
    fn fault(&self) -> Option<Fault> {
        let mut state = self.state();
        match &mut state.order {
            Some((before, _)) if *before > 0 => {
                *before -= 1;
                None
            }
            Some(_) => {
                state.has_struck = true;
                state.order.take().map(|(_, fault)| fault)
            }
            None => None,
        }
    }

    /// What the asker gets; nothing when the connection is to end.
    async fn answer(&self, request: &Request) -> Option<Answer> {
        match self.fault() {
            Some(Fault::DropRequest) => None,
            Some(Fault::Answer(page)) => Some(told(page)),
            Some(Fault::DropAnswer) => {
                self.ask(request).await;
                None
            }
            Some(Fault::AnswerAfterwards(page)) => self.ask(request).await.map(|_| told(page)),
            None => self.well(request).await,
        }
    }

    /// The answer of an authority that is well, but perhaps hard of hearing.
    async fn well(&self, request: &Request) -> Option<Answer> {
        let hearing = self.state().deafness.strike(request);
        match hearing {
            Some(Hearing::Refuses(canary)) => Some(hearing::refusal(canary)),
            Some(Hearing::Forgets) => {
                let url = format!("https://{}/nonce-plz", self.authority);
                let fresh = self.client.head(url).send().await.ok()?;
                let nonce = fresh.headers().get("replay-nonce").and_then(|nonce| nonce.to_str().ok());
                Some(hearing::forgotten(nonce.map(str::to_owned)))
            }
            None => self.ask(request).await,
        }
    }

    /// Asks the authority, which believes to be where the gate is.
    async fn ask(&self, request: &Request) -> Option<Answer> {
        if let Some(certificate) = renewal::certificate(&request.path) {
            return renewal::said(&self.register, certificate).await;
        }
        let method = request.method.parse().ok()?;
        let url = format!("https://{}{}", self.authority, request.path);
        let mut call = self.client.request(method, url).header("host", self.address.to_string());
        if let Some(kind) = &request.content_type {
            call = call.header("content-type", kind);
        }
        let answered = call.body(request.body.clone()).send().await.ok()?;
        let status = answered.status().as_u16();
        let kept = ["replay-nonce", "location", "content-type", "retry-after", "link"];
        let header = |name: &str| {
            let value = answered.headers().get(name)?.to_str().ok()?;
            Some((name.to_owned(), value.to_owned()))
        };
        let headers = kept.into_iter().filter_map(header).collect();
        let answer = Answer { status, headers, body: answered.bytes().await.ok()?.to_vec() };
        self.state().ledger.enter(request, &answer);
        let is_directory = request.path == DIRECTORY;
        Some(if is_directory { renewal::offered(answer, self.address) } else { answer })
    }
}

fn told(page: Page) -> Answer {
    let wait = page.retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
    let headers = wait.into_iter().chain([("content-type".to_owned(), page.content_type.to_owned())]);
    Answer { status: page.status, headers: headers.collect(), body: page.body.into_bytes() }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, inner: Arc<Inner>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, inner) = (tls.clone(), inner.clone());
        tokio::spawn(async move {
            let Ok(mut stream) = tls.accept(stream).await else { return };
            let Ok(Some(request)) = http::read(&mut stream).await else { return };
            if let Some(answer) = inner.answer(&request).await {
                // an asker that has gone away does not want it
                let _ = http::write(&mut stream, &answer, request.method == "HEAD").await;
            }
        });
    }
}
