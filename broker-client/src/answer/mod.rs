//! What a broker answered: status, headers and body, decoded into outcomes and errors. Nothing is read here.

mod etag;
mod json;
mod retry_after;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sutler_spec::{
    Accepted, Catalog, DecodeError, DiscoveredPage, ErrorBody, ErrorCode, LastOperation, Outcome,
};

pub use self::etag::ETag;
use crate::{ClientError, Untrusted};

/// An id or a cursor that is longer is none.
const LONGEST_HANDLE: usize = 1024;

/// The answer to asking for the catalog.
#[derive(Debug, Clone, PartialEq)]
pub enum CatalogAnswer {
    /// 200: the catalog.
    Fresh {
        /// The catalog as received; not checked beyond its form.
        catalog: Catalog,
        /// What to ask with next time.
        etag: Option<ETag>,
        /// The body it was read from.
        bytes: Bytes,
    },
    /// 304: still the one that was asked with.
    NotModified,
}

/// The answer to one poll.
#[derive(Debug, Clone, PartialEq)]
pub struct Polled {
    /// How far the work is. The description is cleaned (see [`Untrusted`]).
    pub operation: LastOperation,
    /// When to come back, if the broker says: 1 s to 300 s (S-25).
    pub retry_after: Option<Duration>,
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Reads a catalog, or that it has not changed if we asked with a tag.
    pub(crate) fn catalog(self, known: Option<&ETag>) -> Result<CatalogAnswer, ClientError> {
        if self.status == 304 && known.is_some() {
            return Ok(CatalogAnswer::NotModified);
        }
        let catalog = self.fetched()?;
        let etag = self.headers.get(header::ETAG).and_then(|value| ETag::new(value.to_str().ok()?));
        Ok(CatalogAnswer::Fresh { catalog, etag, bytes: self.body })
    }

    /// Reads an outcome whose finished form has the body `B`.
    pub(crate) fn outcome<T: Outcome, B: DeserializeOwned>(self) -> Result<T, ClientError> {
        if !(200..300).contains(&self.status) && self.status != 410 {
            return Err(self.error());
        }
        json::check_depth(&self.body).map_err(|what| self.malformed(&what))?;
        match T::decode(self.status, &self.body) {
            Ok(outcome) => Ok(outcome),
            Err(DecodeError::MalformedBody { status: 202, .. }) => Err(self.misshapen::<Accepted>()),
            Err(DecodeError::MalformedBody { .. }) => Err(self.misshapen::<B>()),
            Err(DecodeError::UnexpectedStatus { .. }) => Err(self.error()),
        }
    }

    /// Reads what only a 200 brings.
    pub(crate) fn fetched<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        if self.status != 200 {
            return Err(self.error());
        }
        json::read(&self.body).map_err(|what| self.malformed(&what))
    }

    /// Reads a page of what a vendor has. Ids that cannot be handed back are no ids.
    pub(crate) fn discovered(&self) -> Result<DiscoveredPage, ClientError> {
        let page: DiscoveredPage = self.fetched()?;
        let is_usable =
            |text: &str| (1..=LONGEST_HANDLE).contains(&text.len()) && !text.contains(char::is_control);
        if let Some(at) = page.objects.iter().position(|object| !is_usable(&object.id)) {
            return Err(
                self.malformed(&format!("objects[{at}].id is empty, too long, or no text for a query"))
            );
        }
        if page.next.as_ref().is_some_and(|next| !is_usable(next)) {
            return Err(self.malformed("next is empty, too long, or no text for a query"));
        }
        Ok(page)
    }

    /// Reads the answer to a poll; `now` counts only when the broker says neither its time nor a duration.
    pub(crate) fn last_operation(self, now: Timestamp) -> Result<Polled, ClientError> {
        let mut operation: LastOperation = self.fetched()?;
        operation.description = cleaned(operation.description);
        Ok(Polled { operation, retry_after: retry_after::from_headers(&self.headers, now) })
    }

    /// The error that an answer is which is no success for its request.
    fn error(&self) -> ClientError {
        match self.status {
            401 => ClientError::Unauthorized,
            300..=303 | 305..=399 => ClientError::Redirected {
                status: self.status,
                location: self.headers.get(header::LOCATION).map(|value| {
                    let text = String::from_utf8_lossy(value.as_bytes());
                    Untrusted::new(text.split(['?', '#']).next().unwrap_or_default())
                }),
            },
            400..=999 => match json::read::<Map<String, Value>>(&self.body) {
                Ok(object) => ClientError::Rejected {
                    status: self.status,
                    body: error_body(object),
                    retry_after: retry_after::from_headers(&self.headers, Timestamp::now()),
                },
                Err(what) => self.malformed(&what),
            },
            _ => self.malformed("this request has no such answer"),
        }
    }

    /// The error that says where the body leaves the form of `T`.
    fn misshapen<T: DeserializeOwned>(&self) -> ClientError {
        let what = json::read::<T>(&self.body).err();
        self.malformed(&what.unwrap_or_else(|| "the body does not belong to the status".to_owned()))
    }

    /// The error that says what is wrong with the answer.
    fn malformed(&self, what: &str) -> ClientError {
        ClientError::Malformed { status: self.status, what: Untrusted::new(what) }
    }
}

/// Takes from an error body what is of the right type; a broker in trouble is not asked for perfection.
fn error_body(mut object: Map<String, Value>) -> ErrorBody {
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) => cleaned(Some(text)),
        _ => None,
    };
    let (error, description) = (text(object.remove("error")), text(object.remove("description")));
    let flag = |name: &str| object.get(name).and_then(Value::as_bool);
    ErrorBody {
        error: error.map(ErrorCode::from),
        description,
        instance_usable: flag("instance_usable"),
        update_repeatable: flag("update_repeatable"),
    }
}

/// A text from the broker made safe to print; an empty one says nothing.
fn cleaned(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(|text| Untrusted::new(&text).into_string())
}

#[cfg(test)]
mod tests;
