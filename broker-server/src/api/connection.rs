//! The connection a request came on: what the gate in front of us is told.

use std::{net::IpAddr, sync::Arc};

use actix_web::HttpRequest;

use crate::wire::{Connection, REFUSED_PATH};

fn connection(request: &HttpRequest) -> Option<&Arc<Connection>> {
    request.conn_data::<Arc<Connection>>()
}

/// What is said about a request that must not be read, which this one stands for.
pub(super) fn refused(request: &HttpRequest) -> Option<(u16, &'static str)> {
    let refusal = connection(request)?.refusal().filter(|_| request.uri().path() == REFUSED_PATH)?;
    Some(refusal.answer())
}

/// Who is at the other end: the last one that handed the request on.
pub(super) fn source(request: &HttpRequest) -> Option<IpAddr> {
    connection(request)?.peer()
}

/// Whoever is at the other end has proved who they are.
pub(super) fn recognise(request: &HttpRequest) {
    if let Some(connection) = connection(request) {
        connection.recognise();
    }
}

/// The body is read from now on.
pub(super) fn want_body(request: &HttpRequest) {
    if let Some(connection) = connection(request) {
        connection.want_body();
    }
}

/// Tells the connection, however a request ends, that its next one may come.
pub(super) struct Answering(Option<Arc<Connection>>);

impl Answering {
    pub(super) fn to(request: &HttpRequest) -> Self {
        Self(connection(request).cloned())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.answer();
        }
    }
}
