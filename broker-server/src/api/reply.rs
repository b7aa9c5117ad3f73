//! Answers before they are HTTP: a status, a JSON object, a few headers.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use bytes::Bytes;
use serde::Serialize;
use sutler_spec::{ErrorBody, ErrorCode, Outcome};

use super::call::REQUEST_IDENTITY;
use crate::faults;

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Bytes,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// The connection ends with it: the request was not read to its end.
    pub(super) last: bool,
}

impl Reply {
    /// An outcome of the specification.
    pub(super) fn outcome(outcome: &impl Outcome) -> Self {
        let reply = Self::json(outcome.status(), &outcome.body());
        match outcome.accepted().and_then(|accepted| accepted.retry_after) {
            Some(after) => reply.with(header::RETRY_AFTER, &after.to_string()),
            None => reply,
        }
    }

    /// Any JSON object.
    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_else(|_| b"{}".to_vec());
        Self { status, body: body.into(), headers: Vec::new(), last: false }
    }

    /// An error with a description.
    pub(super) fn described(status: u16, description: impl Into<String>) -> Self {
        Self::json(status, &ErrorBody::described(description))
    }

    /// An error with a code and a description.
    pub(super) fn coded(status: u16, code: ErrorCode, description: impl Into<String>) -> Self {
        Self::json(status, &ErrorBody::coded(code, description))
    }

    /// With one more header; what cannot be one is left out.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// As the last one of its connection.
    pub(super) fn closing(mut self) -> Self {
        self.last = true;
        self
    }

    /// As HTTP, naming the request it answers.
    pub(super) fn into_response(self, request_identity: &str) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponseBuilder::new(status);
        if let Ok(identity) = HeaderValue::from_str(request_identity) {
            response.insert_header((REQUEST_IDENTITY.clone(), identity));
        }
        for header in self.headers {
            response.insert_header(header);
        }
        if self.last {
            response.force_close();
        }
        if status == StatusCode::NOT_MODIFIED {
            return response.finish();
        }
        response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
        faults::half_answer("B05", response, self.body)
    }
}
