//! A broker that does nothing, as fast or as slowly as it is told, and remembers whom it was asked for.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use super::Failure;

/// How long each request takes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pace {
    pub(crate) provision: Duration,
    pub(crate) bind: Duration,
}

/// What the broker was asked for.
#[derive(Default)]
pub(crate) struct Ledger {
    /// All requests that change something.
    requests: Mutex<usize>,
    more: Condvar,
    /// The ids that were provisioned for each ref. Empty unless refs are told apart.
    pub(crate) ids: Mutex<HashMap<String, Vec<String>>>,
}

impl Ledger {
    /// How many there were so far.
    pub(crate) fn requests(&self) -> usize {
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there were so many; whether there were, before the time was up.
    pub(crate) fn reaches(&self, requests: usize, patience: Duration) -> bool {
        let so_far = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.more.wait_timeout_while(so_far, patience, |so_far| *so_far < requests);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn provisioned(&self, id: String, body: &[u8]) {
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.more.notify_all();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(reference) = body["context"]["ref"].as_str() else { return };
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = ids.entry(reference.to_owned()).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}

/// Starts one. Returns its address. A ledger costs the broker a parse for each request.
pub(crate) fn start(pace: Pace, ledger: Option<Arc<Ledger>>) -> Result<String, Failure> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let ledger = ledger.clone();
                let provision = move |id: web::Path<String>, body: web::Bytes| {
                    if let Some(ledger) = &ledger {
                        ledger.provisioned(id.into_inner(), &body);
                    }
                    after(pace.provision, r#"{"dashboard_url":"http://127.0.0.1/x"}"#)
                };
                let bind = move |_body: web::Bytes| after(pace.bind, r#"{"credentials":{"id":"x"}}"#);
                let binding = "/v2/service_instances/{id}/service_bindings/{binding}";
                App::new()
                    .route("/v2/catalog", web::get().to(|| async { HttpResponse::Ok().json(catalog()) }))
                    .route("/v2/service_instances/{id}", web::put().to(provision))
                    .route(binding, web::put().to(bind))
            })
            .workers(1)
            .bind(("127.0.0.1", 0))?;
            // The receiver waits for this.
            let _told = sender.send(server.addrs()[0]);
            server.run().await
        })
    });
    Ok(format!("http://{}", receiver.recv_timeout(Duration::from_secs(10))?))
}

async fn after(delay: Duration, body: &'static str) -> HttpResponse {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    HttpResponse::Created().content_type("application/json").body(body)
}

fn catalog() -> Value {
    json!({ "services": [{
        "id": "service", "name": "database", "description": "x", "bindable": true,
        "metadata": { "sutler": { "outputs": [
            { "name": "id", "description": "x", "secret": true },
            { "name": "dashboard_url", "description": "x", "secret": false },
        ] } },
        "plans": [{ "id": "plan", "name": "standard", "description": "x", "free": true }],
    }] })
}
