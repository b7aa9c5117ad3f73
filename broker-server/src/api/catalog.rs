//! The catalog: written once, served as bytes (B-CAT-07).

use std::time::SystemTime;

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderName, HeaderValue, HttpDate},
};
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{call::header_text, reply::Reply};

/// Names a catalog by what goes over the wire.
pub(crate) fn catalog_digest(catalog: &impl Serialize) -> String {
    digest(&serde_json::to_vec(catalog).unwrap_or_default())
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The catalog as it goes over the wire.
pub(super) struct ServedCatalog {
    bytes: Bytes,
    etag: String,
    /// To the second, as it is told.
    modified: HttpDate,
    /// Both, as they go over the wire.
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ServedCatalog {
    /// Writes the catalog, which is served since then.
    pub(super) fn new(catalog: &impl Serialize, since: SystemTime) -> Self {
        let bytes = Bytes::from(serde_json::to_vec(catalog).unwrap_or_default());
        let etag = format!("\"{}\"", digest(&bytes));
        let modified = HttpDate::from(since);
        let headers = [(header::ETAG, etag.clone()), (header::LAST_MODIFIED, modified.to_string())];
        let headers =
            headers.into_iter().filter_map(|(name, text)| Some((name, text.parse().ok()?))).collect();
        Self { bytes, etag, modified, headers }
    }

    /// 200, or 304 when the platform has it.
    pub(super) fn serve(&self, request: &HttpRequest) -> Reply {
        let unchanged = match header_text(request, &header::IF_NONE_MATCH) {
            Some(tags) => self.matches(tags),
            None => header_text(request, &header::IF_MODIFIED_SINCE)
                .and_then(|since| since.parse::<HttpDate>().ok())
                .is_some_and(|since| self.modified <= since),
        };
        let (status, body) = if unchanged { (304, Bytes::new()) } else { (200, self.bytes.clone()) };
        Reply { status, body, headers: self.headers.clone(), last: false }
    }

    /// Weak comparison, lists and `*` (RFC 7232 §3.2).
    fn matches(&self, tags: &str) -> bool {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag)
    }
}
