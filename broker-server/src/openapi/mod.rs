//! The OpenAPI 3.1 document of what is served: written here once, compared with what the router takes and with what a
//! running broker answers.
//!
//! The specification's own document differs from its text in many places; this one follows the text.

mod endpoints;
mod schemas;

use serde_json::{Map, Value, json};

use self::endpoints::{ENDPOINTS, Endpoint, Input};

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for endpoint in &ENDPOINTS {
        let path = paths.entry(endpoint.path).or_insert_with(|| path_item(endpoint.path));
        path[endpoint.method] = operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sutler broker",
            "description": "The Open Service Broker API 2.17, as this broker serves it.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "basic": [] }, { "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
            "parameters": parameters(),
            "headers": headers(),
            "schemas": schemas::all(),
        },
    })
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn path_item(path: &str) -> Value {
    let ids = ["instance_id", "binding_id"].into_iter().filter(|id| path.contains(&format!("{{{id}}}")));
    let always = ["version", "request_identity", "originating_identity"].into_iter();
    let parameters: Vec<Value> = ids.chain(always).map(|name| reference("parameters", name)).collect();
    json!({ "parameters": parameters })
}

fn operation(endpoint: &Endpoint) -> Value {
    let query: Vec<Value> = endpoint.query.iter().map(|name| reference("parameters", name)).collect();
    let mut operation = json!({
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": query,
        "responses": responses(endpoint),
    });
    if let Input::Body(schema) = endpoint.input {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": reference("schemas", schema) } },
        });
    }
    operation
}

fn responses(endpoint: &Endpoint) -> Value {
    let mut responses = Map::new();
    for (status, schema) in endpoint.successes {
        responses.insert(status.to_string(), success(endpoint, *status, schema));
    }
    for status in endpoint.statuses() {
        let mut response = json!({
            "description": endpoints::meaning(status),
            "headers": { "X-Broker-API-Request-Identity": reference("headers", "request_identity") },
            "content": { "application/json": { "schema": reference("schemas", "Error") } },
        });
        match status {
            401 => response["headers"]["WWW-Authenticate"] = reference("headers", "www_authenticate"),
            503 => response["headers"]["Retry-After"] = reference("headers", "retry_after"),
            _ => {}
        }
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

fn success(endpoint: &Endpoint, status: u16, schema: &str) -> Value {
    let mut response = json!({
        "description": endpoints::meaning(status),
        "headers": { "X-Broker-API-Request-Identity": reference("headers", "request_identity") },
    });
    if status != 304 {
        response["content"] = json!({ "application/json": { "schema": reference("schemas", schema) } });
    }
    if endpoint.name == "catalog" {
        response["headers"]["ETag"] = reference("headers", "etag");
        response["headers"]["Last-Modified"] = reference("headers", "last_modified");
    }
    if endpoint.name.ends_with("last_operation") {
        response["headers"]["Retry-After"] = reference("headers", "retry_after");
    }
    response
}

fn parameters() -> Value {
    let text = |place: &str, name: &str, required: bool, description: &str| {
        json!({
            "in": place, "name": name, "required": required, "description": description,
            "schema": { "type": "string", "minLength": 1 },
        })
    };
    let flag = json!({
        "in": "query", "name": "accepts_incomplete", "description": "Only `true` allows asynchronous work.",
        "schema": { "type": "boolean" },
    });
    // whatever is no validator of ours names another catalog
    let validator = |name: &str, description: &str| json!({ "in": "header", "name": name, "description": description, "schema": { "type": "string" } });
    // an empty one is no name: the broker gives the request one of its own (S-24)
    let identity = json!({
        "in": "header", "name": "X-Broker-API-Request-Identity", "description":
            "Names the request in logs and comes back with the answer: up to 1,024 printable ASCII characters. Any other \
             is replaced.",
        "schema": { "type": "string" },
    });
    let mut originator = text(
        "header",
        "X-Broker-API-Originating-Identity",
        false,
        "The platform, a space, and base64 of a JSON object.",
    );
    originator["schema"]["pattern"] = json!("^[!-~]+ [A-Za-z0-9+/]+={0,2}$");
    originator["example"] = json!("cloudfoundry eyJ1c2VyX2lkIjoiNjgzZWE3NDgifQ==");
    let mut version = text("header", "X-Broker-API-Version", true, "Any 2.x, such as 2.17.");
    version["schema"]["pattern"] = json!("^2\\.[0-9]{1,4}$");
    version["example"] = json!("2.17");
    json!({
        "instance_id": text("path", "instance_id", true, "Names the service instance."),
        "binding_id": text("path", "binding_id", true, "Names the service binding."),
        "version": version,
        "request_identity": identity,
        "originating_identity": originator,
        "if_none_match": validator("If-None-Match", "The ETag of the catalog that is known."),
        "if_modified_since": validator("If-Modified-Since", "When the known catalog was changed."),
        "accepts_incomplete": flag,
        "service_id": text("query", "service_id", true, "The offering."),
        "plan_id": text("query", "plan_id", true, "The plan."),
        "service_id_hint": text("query", "service_id", false, "The offering."),
        "plan_id_hint": text("query", "plan_id", false, "The plan."),
        "cursor": text("query", "cursor", false, "What the page before named as the next one."),
        "object": text("query", "object", false, "One object by its vendor's id; not together with a cursor."),
        "operation": text("query", "operation", false, "What the 202 answer named."),
    })
}

fn headers() -> Value {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "request_identity": text("The identity of the request, as it was sent or as the broker chose it."),
        "retry_after": {
            "description": "Seconds until it makes sense to ask again.",
            "schema": { "type": "integer", "minimum": 1 },
        },
        "etag": text("The version of the catalog."),
        "last_modified": text("When the catalog was changed."),
        "www_authenticate": text("How to authenticate."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_every_component_is_used() {
        let document = document();
        let text = document.to_string();
        for (kind, members) in document["components"].as_object().unwrap() {
            for name in members.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
                assert!(
                    text.contains(&format!("\"#/components/{kind}/{name}\"")),
                    "{kind}/{name} is not used"
                );
            }
        }
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} is not there");
        }
    }

    #[test]
    fn appendix_e_of_the_conformance_notes_is_heeded() {
        let document = document();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in
                item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters")
            {
                for status in ["400", "401", "412", "500"] {
                    assert!(operation["responses"][status].is_object(), "{method} {path}: {status}");
                }
            }
        }
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Catalog"]["required"], json!(["services"]));
        assert_eq!(schemas["Offering"]["properties"]["plans"]["minItems"], 1);
        assert!(schemas["Offering"]["properties"]["instances_retrievable"].is_object());
        assert!(schemas["ProvisionRequest"]["properties"]["maintenance_info"].is_object());
        assert!(schemas["Bound"]["properties"].get("context").is_none());
    }
}
