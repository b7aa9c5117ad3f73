//! What to ask a broker: method, path, headers and body of every request. Nothing is sent here (habit 10).

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use sutler_spec::{
    Asynchrony, BindRequest, BindingId, DISCOVER_PATH, DeprovisionQuery, InstanceId, LastOperationQuery,
    PlanId, ProvisionRequest, ServiceId, UnbindQuery, UpdateRequest, binding_path, encode_segment,
    header_name, instance_path,
};
use url::Url;

use crate::ETag;

/// The version this client speaks (P-VER-01).
const API_VERSION: &str = "2.17";

/// Hints for the broker when something is fetched (B-FIN-03).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchQuery {
    /// The offering of what is fetched.
    pub service_id: Option<ServiceId>,
    /// The plan of what is fetched.
    pub plan_id: Option<PlanId>,
}

/// Which objects of a vendor are sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought<'s> {
    /// A page of all: the first one, or the one that a cursor stands for.
    Page(Option<&'s str>),
    /// One, by its vendor's id, with everything that is known of it.
    Object(&'s str),
}

/// Why a request has no URL. Identifiers are checked where they are made, so this is a second lock on that door.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The base and the path together are no URL.
    #[error("the broker's URL and the path of the request do not make a URL")]
    Unparsable(#[source] url::ParseError),
    /// Joining changed the path or the query: it would have reached something else (S-19).
    #[error("the path of the request would not reach the broker unchanged")]
    Changed,
}

/// One request, complete but for credentials and the identities that the client adds.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    /// `GET /v2/catalog`, unless it is still the one we know.
    pub(crate) fn catalog(known: Option<&ETag>) -> Self {
        let mut request = Self::new(Method::GET, "/v2/catalog".to_owned());
        if let Some(etag) = known {
            request.headers.insert(header::IF_NONE_MATCH, etag.header_value());
        }
        request
    }

    /// `PUT /v2/service_instances/:instance_id`
    pub(crate) fn provision(instance: &InstanceId, body: &ProvisionRequest, asynchrony: Asynchrony) -> Self {
        Self::new(Method::PUT, instance_path(instance)).incomplete(asynchrony).with_body(body)
    }

    /// `GET /v2/service_instances/:instance_id`
    pub(crate) fn fetch_instance(instance: &InstanceId, query: &FetchQuery) -> Self {
        Self::new(Method::GET, instance_path(instance)).fetching(query)
    }

    /// `PATCH /v2/service_instances/:instance_id`
    pub(crate) fn update(instance: &InstanceId, body: &UpdateRequest, asynchrony: Asynchrony) -> Self {
        Self::new(Method::PATCH, instance_path(instance)).incomplete(asynchrony).with_body(body)
    }

    /// `DELETE /v2/service_instances/:instance_id`
    pub(crate) fn deprovision(
        instance: &InstanceId,
        query: &DeprovisionQuery,
        asynchrony: Asynchrony,
    ) -> Self {
        Self::new(Method::DELETE, instance_path(instance))
            .with("service_id", Some(query.service_id.as_str()))
            .with("plan_id", Some(query.plan_id.as_str()))
            .incomplete(asynchrony)
    }

    /// `PUT /v2/service_instances/:instance_id/service_bindings/:binding_id`
    pub(crate) fn bind(
        instance: &InstanceId,
        binding: &BindingId,
        body: &BindRequest,
        asynchrony: Asynchrony,
    ) -> Self {
        Self::new(Method::PUT, binding_path(instance, binding)).incomplete(asynchrony).with_body(body)
    }

    /// `GET /v2/service_instances/:instance_id/service_bindings/:binding_id`
    pub(crate) fn fetch_binding(instance: &InstanceId, binding: &BindingId, query: &FetchQuery) -> Self {
        Self::new(Method::GET, binding_path(instance, binding)).fetching(query)
    }

    /// `DELETE /v2/service_instances/:instance_id/service_bindings/:binding_id`
    pub(crate) fn unbind(
        instance: &InstanceId,
        binding: &BindingId,
        query: &UnbindQuery,
        asynchrony: Asynchrony,
    ) -> Self {
        Self::new(Method::DELETE, binding_path(instance, binding))
            .with("service_id", Some(query.service_id.as_str()))
            .with("plan_id", Some(query.plan_id.as_str()))
            .incomplete(asynchrony)
    }

    /// `GET …/last_operation` of an instance, or of one of its bindings.
    pub(crate) fn last_operation(
        instance: &InstanceId,
        binding: Option<&BindingId>,
        query: &LastOperationQuery,
    ) -> Self {
        let mut path = match binding {
            None => instance_path(instance),
            Some(binding) => binding_path(instance, binding),
        };
        path.push_str("/last_operation");
        Self::new(Method::GET, path)
            .with("service_id", query.service_id.as_ref().map(ServiceId::as_str))
            .with("plan_id", query.plan_id.as_ref().map(PlanId::as_str))
            .with("operation", query.operation.as_ref().map(sutler_spec::Operation::as_str))
    }

    /// `GET /x-sutler/v1/discover`
    pub(crate) fn discover(service: &ServiceId, sought: &Sought<'_>) -> Self {
        let request =
            Self::new(Method::GET, DISCOVER_PATH.to_owned()).with("service_id", Some(service.as_str()));
        match sought {
            Sought::Page(cursor) => request.with("cursor", *cursor),
            Sought::Object(id) => request.with("object", Some(id)),
        }
    }

    /// The path without its query, for logs.
    pub(crate) fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }

    /// Joins the request with the broker's base URL, which may have a path of its own, and makes sure that every
    /// encoded segment is still there.
    pub(crate) fn url(&self, base: &Url) -> Result<Url, UrlError> {
        let prefix = base.path().trim_end_matches('/');
        let (path, query) = match self.path_and_query.split_once('?') {
            None => (self.path_and_query.as_str(), None),
            Some((path, query)) => (path, Some(query)),
        };
        let joined = format!("{}{prefix}{}", &base[..url::Position::BeforePath], self.path_and_query);
        let url = Url::parse(&joined).map_err(UrlError::Unparsable)?;
        let kept = url.path().strip_prefix(prefix) == Some(path)
            && url.query() == query
            && url[..url::Position::BeforePath] == base[..url::Position::BeforePath]
            && url.fragment().is_none();
        if kept { Ok(url) } else { Err(UrlError::Changed) }
    }

    /// A request without a query and without a body.
    fn new(method: Method, path: String) -> Self {
        let mut headers = HeaderMap::with_capacity(8);
        headers
            .insert(HeaderName::from_static(header_name::API_VERSION), HeaderValue::from_static(API_VERSION));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        Self { method, path_and_query: path, headers, body: None }
    }

    /// Adds a query value; all names are plain.
    fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.path_and_query.push(if self.path_and_query.contains('?') { '&' } else { '?' });
            self.path_and_query.push_str(name);
            self.path_and_query.push('=');
            self.path_and_query.push_str(&encode_segment(value));
        }
        self
    }

    /// Says whether work may go on after the answer (P-ASY-01).
    fn incomplete(self, asynchrony: Asynchrony) -> Self {
        match asynchrony {
            Asynchrony::Allowed => self.with("accepts_incomplete", Some("true")),
            Asynchrony::Refused => self,
        }
    }

    /// Adds the hints of a fetch.
    fn fetching(self, query: &FetchQuery) -> Self {
        self.with("service_id", query.service_id.as_ref().map(ServiceId::as_str))
            .with("plan_id", query.plan_id.as_ref().map(PlanId::as_str))
    }

    /// Adds a JSON body.
    fn with_body(mut self, body: &impl Serialize) -> Self {
        let json = serde_json::to_vec(body).expect("messages have text keys and finite numbers");
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Some(json);
        self
    }
}

#[cfg(test)]
mod tests;
