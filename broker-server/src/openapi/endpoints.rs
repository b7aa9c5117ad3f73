//! The endpoints, and every status each of them may answer with.

/// What a request brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// No body.
    Nothing,
    /// A JSON object of that schema.
    Body(&'static str),
}

/// One endpoint.
pub(super) struct Endpoint {
    /// As in logs and metrics; the two that ask for a state are told apart.
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: &'static [&'static str],
    pub(super) input: Input,
    /// Statuses with the schema of their body.
    pub(super) successes: &'static [(u16, &'static str)],
    /// Errors that not every endpoint has.
    errors: &'static [u16],
}

/// Refusals before a use case is reached, and failures of the broker itself.
const ALWAYS: [u16; 8] = [400, 401, 408, 412, 414, 431, 500, 503];

impl Endpoint {
    /// All statuses that carry an error.
    pub(super) fn statuses(&self) -> Vec<u16> {
        let large = matches!(self.input, Input::Body(_)).then_some(413);
        let mut statuses: Vec<u16> =
            ALWAYS.into_iter().chain(self.errors.iter().copied()).chain(large).collect();
        statuses.sort_unstable();
        statuses
    }
}

const INSTANCE: &str = "/v2/service_instances/{instance_id}";
const INSTANCE_OPERATION: &str = "/v2/service_instances/{instance_id}/last_operation";
const BINDING: &str = "/v2/service_instances/{instance_id}/service_bindings/{binding_id}";
const BINDING_OPERATION: &str =
    "/v2/service_instances/{instance_id}/service_bindings/{binding_id}/last_operation";

/// All of them.
pub(super) const ENDPOINTS: [Endpoint; 11] = [
    Endpoint {
        name: "catalog",
        summary: "What is offered",
        method: "get",
        path: "/v2/catalog",
        query: &["if_none_match", "if_modified_since"],
        input: Input::Nothing,
        successes: &[(200, "Catalog"), (304, "")],
        errors: &[],
    },
    Endpoint {
        name: "provision",
        summary: "Creates a service instance",
        method: "put",
        path: INSTANCE,
        query: &["accepts_incomplete"],
        input: Input::Body("ProvisionRequest"),
        successes: &[(200, "Provisioned"), (201, "Provisioned"), (202, "ProvisionAccepted")],
        errors: &[409, 422],
    },
    Endpoint {
        name: "fetch_instance",
        summary: "What is known of a service instance",
        method: "get",
        path: INSTANCE,
        query: &["service_id_hint", "plan_id_hint"],
        input: Input::Nothing,
        successes: &[(200, "Instance")],
        errors: &[404, 422, 502],
    },
    Endpoint {
        name: "update",
        summary: "Changes a service instance",
        method: "patch",
        path: INSTANCE,
        query: &["accepts_incomplete"],
        input: Input::Body("UpdateRequest"),
        successes: &[(200, "Provisioned"), (202, "ProvisionAccepted")],
        errors: &[404, 422],
    },
    Endpoint {
        name: "deprovision",
        summary: "Deletes a service instance",
        method: "delete",
        path: INSTANCE,
        query: &["service_id", "plan_id", "accepts_incomplete"],
        input: Input::Nothing,
        successes: &[(200, "Empty"), (202, "Accepted")],
        errors: &[410, 422],
    },
    Endpoint {
        name: "instance_last_operation",
        summary: "How work on a service instance stands",
        method: "get",
        path: INSTANCE_OPERATION,
        query: &["service_id_hint", "plan_id_hint", "operation"],
        input: Input::Nothing,
        successes: &[(200, "LastOperation")],
        errors: &[404, 410],
    },
    Endpoint {
        name: "bind",
        summary: "Creates a service binding, or renews one",
        method: "put",
        path: BINDING,
        query: &["accepts_incomplete"],
        input: Input::Body("BindRequest"),
        successes: &[(200, "Bound"), (201, "Bound"), (202, "Accepted")],
        errors: &[404, 409, 422],
    },
    Endpoint {
        name: "fetch_binding",
        summary: "A service binding with its credentials",
        method: "get",
        path: BINDING,
        query: &["service_id_hint", "plan_id_hint"],
        input: Input::Nothing,
        successes: &[(200, "Binding")],
        errors: &[404],
    },
    Endpoint {
        name: "unbind",
        summary: "Deletes a service binding",
        method: "delete",
        path: BINDING,
        query: &["service_id", "plan_id", "accepts_incomplete"],
        input: Input::Nothing,
        successes: &[(200, "Empty"), (202, "Accepted")],
        errors: &[410, 422],
    },
    Endpoint {
        name: "binding_last_operation",
        summary: "How work on a service binding stands",
        method: "get",
        path: BINDING_OPERATION,
        query: &["service_id_hint", "plan_id_hint", "operation"],
        input: Input::Nothing,
        successes: &[(200, "LastOperation")],
        errors: &[404, 410],
    },
    Endpoint {
        name: "discover",
        summary: "What the vendor behind an offering has: an extension, where the operator allows it",
        method: "get",
        path: sutler_spec::DISCOVER_PATH,
        query: &["service_id", "cursor", "object"],
        input: Input::Nothing,
        successes: &[(200, "Discovered")],
        errors: &[404, 502],
    },
];

/// What a status says.
pub(super) fn meaning(status: u16) -> &'static str {
    match status {
        200 => "Done, or nothing was to be done.",
        201 => "Created.",
        202 => "Accepted; the work goes on. Ask for its last operation.",
        304 => "The catalog is the one that is known.",
        400 => "The request is malformed, or something in it is missing or not valid.",
        401 => "The credentials are missing or not valid.",
        404 => "There is no such instance or binding, or not yet.",
        408 => "The request did not arrive in time.",
        409 => "The id is taken, by something that differs.",
        410 => "It is gone, or never was.",
        412 => "The version header is missing, or names a version that is not served.",
        413 => "The body is too large.",
        414 => "The path and query are too long.",
        422 => {
            "The request cannot be done: `error` says why, with the codes of the specification where it has one."
        }
        431 => "The headers are too large.",
        500 => "The broker failed.",
        502 => "The vendor refused to tell.",
        503 => "The vendor, or this broker, cannot answer now.",
        _ => "See the specification.",
    }
}
