//! What makes two requests identical, as keyed digests: a repeat is recognised without opening anything (App. F).

use serde_json::{Value, json};
use sutler_secrets::{Digest, KeyRing};
use sutler_spec::{BindRequest, ProvisionRequest, UpdateRequest};

use crate::instance::Instance;

/// Of a provision request: service, plan, parameters, organization, space. Names and annotations in the context
/// change on their own and do not count (B-PROV-14).
pub(super) fn of_provision(ring: &KeyRing, request: &ProvisionRequest) -> Digest {
    let parameters = request.parameters.as_ref().map(|parameters| parameters.expose().clone());
    instance_digest(
        ring,
        (request.service_id.as_str(), request.plan_id.as_str()),
        (&request.organization_guid, &request.space_guid),
        Value::Object(parameters.unwrap_or_default()),
    )
}

/// Of the provision request that would make this instance as it is now.
pub(super) fn of_instance(ring: &KeyRing, instance: &Instance) -> Digest {
    instance_digest(
        ring,
        (instance.service.as_str(), instance.plan.as_str()),
        (&instance.organization, &instance.space),
        Value::Object(instance.parameters.expose().clone()),
    )
}

fn instance_digest(
    ring: &KeyRing,
    (service, plan): (&str, &str),
    (organization, space): (&str, &str),
    parameters: Value,
) -> Digest {
    ring.digest_json("broker.instance", &json!([service, plan, organization, space, parameters]))
}

/// Of an update request.
pub(super) fn of_update(ring: &KeyRing, request: &UpdateRequest) -> Digest {
    let parameters = request.parameters.as_ref().map(|parameters| parameters.expose().clone());
    let version = request.maintenance_info.as_ref().and_then(|info| info.version.as_deref());
    let whole = json!([
        request.service_id.as_str(),
        request.plan_id.as_ref().map(AsRef::<str>::as_ref),
        parameters.unwrap_or_default(),
        version,
        request.context.as_ref().and_then(|context| context.instance_name()),
    ]);
    ring.digest_json("broker.update", &whole)
}

/// Of a bind request: what is bound to what, how, and in whose place. A rotation that does not name offering and plan
/// means those of the instance (B-ROT-06).
pub(super) fn of_bind(ring: &KeyRing, request: &BindRequest, instance: Option<&Instance>) -> Digest {
    let service = request.service_id.as_ref().or(instance.map(|instance| &instance.service));
    let plan = request.plan_id.as_ref().or(instance.map(|instance| &instance.plan));
    let parameters = request.parameters.as_ref().map(|parameters| parameters.expose().clone());
    let resource = request.bind_resource.as_ref().map(|resource| {
        let properties = resource.properties.iter().filter(|(key, _)| !key.ends_with("_annotations"));
        let properties: serde_json::Map<_, _> =
            properties.map(|(key, value)| (key.clone(), value.clone())).collect();
        json!([resource.route, properties])
    });
    let empty = json!([null, {}]);
    let whole = json!([
        service.map(AsRef::<str>::as_ref),
        plan.map(AsRef::<str>::as_ref),
        request.application(),
        resource.filter(|resource| *resource != empty),
        parameters.unwrap_or_default(),
        request.predecessor_binding_id.as_ref().map(AsRef::<str>::as_ref),
    ]);
    ring.digest_json("broker.binding", &whole)
}

/// Of a request without a body.
pub(super) fn of_deletion(ring: &KeyRing) -> Digest {
    ring.digest("broker.deletion", b"")
}
