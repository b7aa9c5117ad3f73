//! Paths: split raw, decoded once, checked. Whatever does not fit never reaches a use case (S-19).

use sutler_spec::{BindingId, DISCOVER_PATH, InstanceId, decode_segment};

use crate::metrics::Endpoint;

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// `GET /v2/catalog`
    Catalog,
    /// `PUT /v2/service_instances/:instance_id`
    Provision(InstanceId),
    /// `GET …`
    FetchInstance(InstanceId),
    /// `PATCH …`
    Update(InstanceId),
    /// `DELETE …`
    Deprovision(InstanceId),
    /// `GET …/last_operation`
    LastInstanceOperation(InstanceId),
    /// `PUT …/service_bindings/:binding_id`
    Bind(InstanceId, BindingId),
    /// `GET …`
    FetchBinding(InstanceId, BindingId),
    /// `DELETE …`
    Unbind(InstanceId, BindingId),
    /// `GET …/last_operation`
    LastBindingOperation(InstanceId, BindingId),
    /// `GET /x-sutler/v1/discover`, an extension
    Discover,
}

/// Why a request is about nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RouteError {
    /// 404.
    Unknown,
    /// 405, with what would be allowed.
    Method(&'static str),
    /// 400: an id cannot be one.
    Id(String),
}

impl Route {
    /// Reads method and raw path.
    pub(super) fn parse(method: &str, raw_path: &str) -> Result<Self, RouteError> {
        if raw_path == DISCOVER_PATH {
            return if method == "GET" { Ok(Self::Discover) } else { Err(RouteError::Method("GET")) };
        }
        let rest = raw_path.strip_prefix("/v2/").ok_or(RouteError::Unknown)?;
        let segments: Vec<&str> = rest.split('/').collect();
        match (segments.as_slice(), method) {
            (["catalog"], "GET") => Ok(Self::Catalog),
            (["catalog"], _) => Err(RouteError::Method("GET")),
            (["service_instances", id], "PUT") => Ok(Self::Provision(instance(id)?)),
            (["service_instances", id], "GET") => Ok(Self::FetchInstance(instance(id)?)),
            (["service_instances", id], "PATCH") => Ok(Self::Update(instance(id)?)),
            (["service_instances", id], "DELETE") => Ok(Self::Deprovision(instance(id)?)),
            (["service_instances", _], _) => Err(RouteError::Method("GET, PUT, PATCH, DELETE")),
            (["service_instances", id, "last_operation"], "GET") => {
                Ok(Self::LastInstanceOperation(instance(id)?))
            }
            (["service_instances", _, "last_operation"], _) => Err(RouteError::Method("GET")),
            (["service_instances", id, "service_bindings", bound], "PUT") => {
                Ok(Self::Bind(instance(id)?, binding(bound)?))
            }
            (["service_instances", id, "service_bindings", bound], "GET") => {
                Ok(Self::FetchBinding(instance(id)?, binding(bound)?))
            }
            (["service_instances", id, "service_bindings", bound], "DELETE") => {
                Ok(Self::Unbind(instance(id)?, binding(bound)?))
            }
            (["service_instances", _, "service_bindings", _], _) => {
                Err(RouteError::Method("GET, PUT, DELETE"))
            }
            (["service_instances", id, "service_bindings", bound, "last_operation"], "GET") => {
                Ok(Self::LastBindingOperation(instance(id)?, binding(bound)?))
            }
            (["service_instances", _, "service_bindings", _, "last_operation"], _) => {
                Err(RouteError::Method("GET"))
            }
            _ => Err(RouteError::Unknown),
        }
    }

    /// Which endpoint it is, for logs and metrics.
    pub(super) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Catalog => Endpoint::Catalog,
            Self::Provision(_) => Endpoint::Provision,
            Self::FetchInstance(_) => Endpoint::FetchInstance,
            Self::Update(_) => Endpoint::Update,
            Self::Deprovision(_) => Endpoint::Deprovision,
            Self::LastInstanceOperation(_) | Self::LastBindingOperation(..) => Endpoint::LastOperation,
            Self::Bind(..) => Endpoint::Bind,
            Self::FetchBinding(..) => Endpoint::FetchBinding,
            Self::Unbind(..) => Endpoint::Unbind,
            Self::Discover => Endpoint::Discover,
        }
    }

    /// Whether something may change.
    pub(super) fn is_mutation(&self) -> bool {
        matches!(
            self,
            Self::Provision(_) | Self::Update(_) | Self::Deprovision(_) | Self::Bind(..) | Self::Unbind(..)
        )
    }

    /// The instance and binding, for logs.
    pub(super) fn subject(&self) -> (Option<&InstanceId>, Option<&BindingId>) {
        match self {
            Self::Catalog | Self::Discover => (None, None),
            Self::Provision(instance)
            | Self::FetchInstance(instance)
            | Self::Update(instance)
            | Self::Deprovision(instance)
            | Self::LastInstanceOperation(instance) => (Some(instance), None),
            Self::Bind(instance, binding)
            | Self::FetchBinding(instance, binding)
            | Self::Unbind(instance, binding)
            | Self::LastBindingOperation(instance, binding) => (Some(instance), Some(binding)),
        }
    }
}

fn instance(raw: &str) -> Result<InstanceId, RouteError> {
    InstanceId::new(decoded(raw)?).map_err(|error| RouteError::Id(error.to_string()))
}

fn binding(raw: &str) -> Result<BindingId, RouteError> {
    BindingId::new(decoded(raw)?).map_err(|error| RouteError::Id(error.to_string()))
}

fn decoded(raw: &str) -> Result<String, RouteError> {
    decode_segment(raw).map_err(|error| RouteError::Id(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sutler_spec::{binding_path, instance_path};

    use super::*;

    #[test]
    fn every_endpoint_has_its_path_and_its_methods() {
        let id = || InstanceId::new("i").unwrap();
        let binding = || BindingId::new("b").unwrap();
        for (method, path, expected) in [
            ("GET", "/v2/catalog", Ok(Route::Catalog)),
            ("PUT", "/v2/service_instances/i", Ok(Route::Provision(id()))),
            ("PATCH", "/v2/service_instances/i", Ok(Route::Update(id()))),
            ("GET", "/v2/service_instances/i/last_operation", Ok(Route::LastInstanceOperation(id()))),
            ("DELETE", "/v2/service_instances/i/service_bindings/b", Ok(Route::Unbind(id(), binding()))),
            ("POST", "/v2/catalog", Err(RouteError::Method("GET"))),
            ("GET", "/x-sutler/v1/discover", Ok(Route::Discover)),
            ("PUT", "/x-sutler/v1/discover", Err(RouteError::Method("GET"))),
            ("GET", "/x-sutler/v1/discover/", Err(RouteError::Unknown)),
            ("TRACE", "/v2/service_instances/i", Err(RouteError::Method("GET, PUT, PATCH, DELETE"))),
            ("GET", "/", Err(RouteError::Unknown)),
            ("GET", "/v2", Err(RouteError::Unknown)),
            ("GET", "/v2/catalog/", Err(RouteError::Unknown)),
            ("GET", "//v2/catalog", Err(RouteError::Unknown)),
            ("GET", "/v2/service_instances/i/x", Err(RouteError::Unknown)),
        ] {
            assert_eq!(Route::parse(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn the_openapi_document_has_exactly_these_endpoints() {
        let document = crate::openapi::document();
        let paths = document["paths"].as_object().unwrap();
        let mut served = 0;
        for (template, item) in paths {
            let path = template.replace("{instance_id}", "i").replace("{binding_id}", "b");
            for method in ["GET", "PUT", "PATCH", "DELETE", "POST", "HEAD", "OPTIONS"] {
                let is_served = Route::parse(method, &path).is_ok();
                let is_documented = item.get(method.to_lowercase()).is_some();
                assert_eq!(is_served, is_documented, "{method} {template}");
                served += usize::from(is_served);
            }
        }
        assert_eq!((paths.len(), served), (6, 11), "the router has no other endpoint, see `Route`");
    }

    #[test]
    fn s_19_what_cannot_be_an_id_is_refused() {
        for raw in ["", "%", "%ff", "%2e%2e", "..", "a%2fb", "a%5cb", "a%00", "a%0d%0a"] {
            let path = format!("/v2/service_instances/{raw}");
            assert!(matches!(Route::parse("GET", &path), Err(RouteError::Id(_))), "{raw}");
        }
        assert_eq!(
            Route::parse("GET", "/v2/service_instances/a%252fb"),
            Ok(Route::FetchInstance(InstanceId::new("a%2fb").unwrap()))
        );
    }

    proptest! {
        #[test]
        fn s_19_any_id_arrives_as_it_was_sent(one in any::<String>(), two in any::<String>()) {
            let (Ok(instance), Ok(binding)) = (InstanceId::new(one), BindingId::new(two)) else { return Ok(()) };
            prop_assert_eq!(
                Route::parse("GET", &instance_path(&instance)),
                Ok(Route::FetchInstance(instance.clone()))
            );
            prop_assert_eq!(
                Route::parse("PUT", &binding_path(&instance, &binding)),
                Ok(Route::Bind(instance, binding))
            );
        }
    }
}
