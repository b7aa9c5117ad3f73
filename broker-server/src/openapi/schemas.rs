//! The schemas of bodies. Answers say all they may hold; requests may hold more than we read.

use serde_json::{Value, json};

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn name() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn object() -> Value {
    json!({ "type": "object" })
}

fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// An object of an answer: nothing else is in it.
fn closed(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object", "required": required, "properties": properties, "additionalProperties": false,
    })
}

/// An object of a request: what is not known is not read.
fn open(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

/// All of them.
pub(super) fn all() -> Value {
    let mut all = serde_json::Map::new();
    for part in [catalog(), requests(), instances(), bindings(), operations(), extensions()] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    Value::Object(all)
}

fn extensions() -> Value {
    json!({
        "Discovered": closed(&["objects"], json!({ "objects": list(reference("VendorObject")), "next": name() })),
        "VendorObject": closed(&["id", "name", "owner"], json!({
            "id": name(), "name": text(), "owner": reference("ObjectOwner"), "not_adoptable": name(),
            "parameters": object(),
        })),
        "ObjectOwner": closed(&["is"], json!({
            "is": { "enum": ["nobody", "instance", "elsewhere"] }, "instance_id": name(),
        })),
    })
}

fn catalog() -> Value {
    let bind = closed(&[], json!({ "create": reference("Input") }));
    let instance = closed(&[], json!({ "create": reference("Input"), "update": reference("Input") }));
    json!({
        "Catalog": closed(&["services"], json!({ "services": list(reference("Offering")) })),
        "Offering": closed(&["name", "id", "description", "bindable", "plans"], json!({
            "name": name(), "id": name(), "description": name(),
            "tags": list(text()),
            "requires": list(json!({ "enum": ["syslog_drain", "route_forwarding", "volume_mount"] })),
            "bindable": flag(), "instances_retrievable": flag(), "bindings_retrievable": flag(),
            "allow_context_updates": flag(), "plan_updateable": flag(),
            "metadata": object(), "dashboard_client": reference("DashboardClient"),
            "plans": { "type": "array", "items": reference("Plan"), "minItems": 1 },
        })),
        "DashboardClient": closed(&["id", "secret"], json!({
            "id": name(), "secret": name(), "redirect_uri": text(),
        })),
        "Plan": closed(&["id", "name", "description"], json!({
            "id": name(), "name": name(), "description": name(), "metadata": object(),
            "free": flag(), "bindable": flag(), "binding_rotatable": flag(), "plan_updateable": flag(),
            "schemas": closed(&[], json!({ "service_instance": instance, "service_binding": bind })),
            "maximum_polling_duration": { "type": "integer", "minimum": 0 },
            "maintenance_info": reference("MaintenanceInfo"),
        })),
        "Input": closed(&[], json!({ "parameters": object() })),
        "MaintenanceInfo": closed(&[], json!({ "version": text(), "description": text() })),
    })
}

fn requests() -> Value {
    let maintenance = json!({ "type": ["object", "null"], "properties": { "version": text() } });
    json!({
        "ProvisionRequest": open(&["service_id", "plan_id", "organization_guid", "space_guid"], json!({
            "service_id": name(), "plan_id": name(), "organization_guid": name(), "space_guid": name(),
            "context": object(), "parameters": object(), "maintenance_info": maintenance,
        })),
        "UpdateRequest": open(&["service_id"], json!({
            "service_id": name(), "plan_id": name(), "context": object(), "parameters": object(),
            "maintenance_info": maintenance,
            "previous_values": { "type": "object", "properties": {
                "service_id": text(), "plan_id": text(), "organization_id": text(), "space_id": text(),
                "maintenance_info": maintenance,
            } },
        })),
        "BindRequest": {
            "type": "object",
            "properties": {
                "service_id": name(), "plan_id": name(), "context": object(), "app_guid": text(),
                "bind_resource": { "type": "object", "properties": { "app_guid": text(), "route": text() } },
                "parameters": object(), "predecessor_binding_id": name(),
            },
            "anyOf": [{ "required": ["service_id", "plan_id"] }, { "required": ["predecessor_binding_id"] }],
        },
    })
}

fn instances() -> Value {
    let url = json!({ "type": ["string", "null"] });
    let operation = json!({ "type": ["string", "null"], "maxLength": 10_000 });
    json!({
        "Provisioned": closed(&[], json!({
            "dashboard_url": url, "metadata": reference("InstanceMetadata"),
        })),
        "ProvisionAccepted": closed(&[], json!({
            "dashboard_url": url, "operation": operation, "metadata": reference("InstanceMetadata"),
        })),
        "Instance": closed(&[], json!({
            "service_id": name(), "plan_id": name(), "dashboard_url": url, "parameters": object(),
            "maintenance_info": reference("MaintenanceInfo"), "metadata": reference("InstanceMetadata"),
        })),
        "InstanceMetadata": closed(&[], json!({
            "labels": { "type": "object", "additionalProperties": text() }, "attributes": object(),
        })),
    })
}

fn bindings() -> Value {
    let body = json!({
        "metadata": reference("BindingMetadata"), "credentials": object(),
        "syslog_drain_url": text(), "route_service_url": text(),
        "volume_mounts": list(reference("VolumeMount")), "endpoints": list(reference("Endpoint")),
    });
    let mut fetched = body.clone();
    fetched["parameters"] = object();
    let time =
        json!({ "type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z$" });
    json!({
        "Bound": closed(&[], body),
        "Binding": closed(&[], fetched),
        "BindingMetadata": closed(&[], json!({ "expires_at": time, "renew_before": time })),
        "VolumeMount": closed(&["driver", "container_dir", "mode", "device_type", "device"], json!({
            "driver": name(), "container_dir": name(), "mode": { "enum": ["r", "rw"] },
            "device_type": { "enum": ["shared"] },
            "device": closed(&["volume_id"], json!({ "volume_id": name(), "mount_config": object() })),
        })),
        "Endpoint": closed(&["host", "ports"], json!({
            "host": name(), "ports": { "type": "array", "items": name(), "minItems": 1 },
            "protocol": { "enum": ["tcp", "udp", "all"] },
        })),
    })
}

fn operations() -> Value {
    json!({
        "Empty": closed(&[], json!({})),
        "Accepted": closed(&[], json!({ "operation": { "type": "string", "maxLength": 10_000 } })),
        "LastOperation": closed(&["state"], json!({
            "state": { "enum": ["in progress", "succeeded", "failed"] }, "description": text(),
            "instance_usable": flag(), "update_repeatable": flag(),
        })),
        "Error": closed(&[], json!({
            "error": name(), "description": text(), "instance_usable": flag(), "update_repeatable": flag(),
        })),
    })
}
