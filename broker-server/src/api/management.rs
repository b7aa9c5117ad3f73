//! Health and metrics, on an address of their own and without credentials.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::Api;

/// Answers one request.
pub(crate) async fn serve(request: HttpRequest, api: Data<Api>) -> HttpResponse {
    match (request.method().as_str(), request.uri().path()) {
        ("GET", "/health/live") => HttpResponse::Ok().json(serde_json::json!({ "status": "live" })),
        ("GET", "/health/ready") => match api.broker.check().await {
            Ok(true) => HttpResponse::Ok().json(serde_json::json!({ "status": "ready" })),
            Ok(false) => not_ready("draining"),
            Err(error) => {
                tracing::error!(error = crate::broker::chain(&error), "the store is not ready");
                not_ready("the store does not answer")
            }
        },
        ("GET", "/metrics") => HttpResponse::Ok()
            .content_type("text/plain; version=0.0.4")
            .body(api.broker.metrics().to_prometheus()),
        _ => HttpResponse::NotFound()
            .json(serde_json::json!({ "description": "There is nothing at this path." })),
    }
}

fn not_ready(reason: &str) -> HttpResponse {
    HttpResponse::ServiceUnavailable().json(serde_json::json!({ "status": "not ready", "reason": reason }))
}
