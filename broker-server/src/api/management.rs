//! Health and metrics, on an address of their own and without credentials.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use serde_json::{Map, Value, json};

use super::{
    Api,
    connection::{Answering, refused},
    reply::Reply,
    usage,
};
use crate::{broker::Health, metrics, openapi};

/// Answers one request.
pub(crate) async fn serve(request: HttpRequest, api: Data<Api>) -> HttpResponse {
    let _answering = Answering::to(&request);
    if let Some((status, description)) = refused(&request) {
        return Reply::described(status, description).closing().into_response("");
    }
    match (request.method().as_str(), request.uri().path()) {
        ("GET", "/health/live") => HttpResponse::Ok().json(json!({ "status": "live" })),
        ("GET", "/health/ready") => ready(&api.broker.health().await),
        ("GET", "/metrics") => match api.broker.scrape().await {
            Ok(text) => {
                let text = usage::with_credentials(text, &api.authenticator().uses());
                HttpResponse::Ok().content_type(metrics::CONTENT_TYPE).body(text)
            }
            Err(_) => HttpResponse::InternalServerError().finish(),
        },
        ("GET", "/credentials") => HttpResponse::Ok().json(api.authenticator().uses()),
        ("GET", "/openapi.json") => HttpResponse::Ok().json(openapi::document()),
        _ => HttpResponse::NotFound().json(json!({ "description": "There is nothing at this path." })),
    }
}

/// 200 when everything is well, else 503; the body names each part and what is wrong with it.
fn ready(health: &Health) -> HttpResponse {
    let parts: Map<String, Value> = health
        .0
        .iter()
        .map(|(part, state)| {
            let state = state.as_ref().map_or_else(String::as_str, |()| "ok");
            (part.as_str().to_owned(), json!(state))
        })
        .collect();
    let (status, word) = match health.is_ready() {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    HttpResponse::build(status).json(json!({ "status": word, "parts": parts }))
}
