//! The catalog: written once, served as bytes (B-CAT-07).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::{
    HttpRequest,
    http::header::{self, HttpDate},
};
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{call::header_text, reply::Reply};

fn to_the_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// The catalog as it goes over the wire.
pub(super) struct ServedCatalog {
    bytes: Bytes,
    etag: String,
    /// To the second, as it is told.
    modified: HttpDate,
}

impl ServedCatalog {
    /// Writes the catalog; from now on it is the one of this moment.
    pub(super) fn new(catalog: &impl Serialize) -> Self {
        let bytes = Bytes::from(serde_json::to_vec(catalog).unwrap_or_default());
        let hash: String = Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let modified = HttpDate::from(to_the_second(SystemTime::now()));
        Self { bytes, etag: format!("\"{hash}\""), modified }
    }

    /// 200, or 304 when the platform has it.
    pub(super) fn serve(&self, request: &HttpRequest) -> Reply {
        let unchanged = match header_text(request, "if-none-match") {
            Some(tags) => self.matches(tags),
            None => header_text(request, "if-modified-since")
                .and_then(|since| since.parse::<HttpDate>().ok())
                .is_some_and(|since| self.modified <= since),
        };
        let (status, body) = if unchanged { (304, Bytes::new()) } else { (200, self.bytes.clone()) };
        Reply { status, body, headers: Vec::new(), last: false }
            .with(header::ETAG, &self.etag)
            .with(header::LAST_MODIFIED, &self.modified.to_string())
    }

    /// Weak comparison, lists and `*` (RFC 7232 §3.2).
    fn matches(&self, tags: &str) -> bool {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag)
    }
}
