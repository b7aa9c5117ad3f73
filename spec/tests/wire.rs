//! The documents of the specification are read and written without loss (App. A), whatever else a peer adds.

use std::{collections::BTreeMap, fmt::Debug, fs, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sutler_spec::{
    Accepted, BindRequest, BindingBody, Catalog, Context, Endpoint, EndpointProtocol, ErrorBody, ErrorCode,
    FetchedBinding, FetchedInstance, InstanceBody, LastOperation, LastOperationQuery, OperationState,
    ProvisionRequest, Requirement, UpdateRequest, description,
};

/// The named documents of one fixture.
fn fixtures(file: &str) -> BTreeMap<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn read<T: DeserializeOwned>(document: &Value) -> T {
    serde_json::from_str(&document.to_string()).unwrap_or_else(|error| panic!("{error}: {document}"))
}

/// Adds a property to every object, at any depth.
fn with_unknown_fields(document: &Value) -> Value {
    match document {
        Value::Object(object) => {
            let known = object.iter().map(|(key, value)| (key.clone(), with_unknown_fields(value)));
            known.chain([("x-unknown".to_owned(), json!({ "a": [1, null] }))]).collect()
        }
        Value::Array(items) => items.iter().map(with_unknown_fields).collect(),
        leaf => leaf.clone(),
    }
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(file: &str) {
    let documents = fixtures(file);
    assert!(!documents.is_empty(), "{file}");
    for (name, document) in documents {
        let message: T = read(&document);
        assert_eq!(serde_json::to_value(&message).expect("JSON"), document, "{file}: {name}");
        read::<T>(&with_unknown_fields(&document));
    }
}

/// For messages that are not open at the top: what is unknown there is dropped.
fn drops_unknown_fields<T: DeserializeOwned + PartialEq + Debug>(file: &str) {
    for (name, document) in fixtures(file) {
        let mut more = document.clone();
        more["x-unknown"] = json!({ "a": [1, null] });
        assert_eq!(read::<T>(&more), read::<T>(&document), "{file}: {name}");
    }
}

macro_rules! documents {
    ($($name:ident: $message:ty, $file:literal;)*) => {$(
        #[test]
        fn $name() {
            round_trip::<$message>($file);
            drops_unknown_fields::<$message>($file);
        }
    )*};
}

documents! {
    catalogs_round_trip: Catalog, "catalog.json";
    provision_requests_round_trip: ProvisionRequest, "provision_request.json";
    answers_202_round_trip: Accepted, "accepted.json";
    instance_answers_round_trip: InstanceBody, "instance_body.json";
    fetched_instances_round_trip: FetchedInstance, "fetched_instance.json";
    update_requests_round_trip: UpdateRequest, "update_request.json";
    bind_requests_round_trip: BindRequest, "bind_request.json";
    binding_answers_round_trip: BindingBody, "binding_body.json";
    fetched_bindings_round_trip: FetchedBinding, "fetched_binding.json";
    last_operations_round_trip: LastOperation, "last_operation.json";
    poll_queries_round_trip: LastOperationQuery, "operation_query.json";
    errors_round_trip: ErrorBody, "error_body.json";
}

#[test]
fn contexts_of_all_platforms_round_trip_with_everything_in_them() {
    round_trip::<Context>("context.json");
    let named: Context = read(&fixtures("context.json")["kubernetes, on provision and update"]);
    assert_eq!((named.platform.as_str(), named.instance_name()), ("kubernetes", Some("my-db")));
}

#[test]
fn every_fixture_is_used() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let source = include_str!("wire.rs");
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(source.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn a_plan_overrides_its_offering() {
    let catalog: Catalog = read(&fixtures("catalog.json")["the specification's example"]);
    let offering = &catalog.services[0];
    let [first, second] = offering.plans.as_slice() else { panic!("two plans") };
    assert!(offering.is_bindable(first) && !offering.is_bindable(second));
    assert!(offering.is_plan_updateable(first) && !offering.is_plan_updateable(second));
    assert!(!first.is_free() && second.is_free());
    assert!(
        first.provision_schema().is_some()
            && first.update_schema().is_some()
            && first.bind_schema().is_some()
    );
    assert!(second.provision_schema().is_none());
    let later: Catalog = read(&fixtures("catalog.json")["all requirements, and one of a later version"]);
    assert_eq!(later.services[0].requires[3], Requirement::Other("teleport".to_owned()));
}

#[test]
fn false_in_a_catalog_says_what_absence_says() {
    let required = &fixtures("catalog.json")["only what is required"];
    let mut explicit = required.clone();
    for flag in ["instances_retrievable", "bindings_retrievable", "allow_context_updates", "plan_updateable"]
    {
        explicit["services"][0][flag] = json!(false);
    }
    explicit["services"][0]["plans"][0]["binding_rotatable"] = json!(false);
    assert_eq!(read::<Catalog>(&explicit), read::<Catalog>(required));
    assert!(read::<Catalog>(required).services[0].plans[0].is_free());
}

#[test]
fn null_is_read_as_absent_and_never_written() {
    let accepted: Accepted = read(&json!({ "operation": null, "dashboard_url": null, "metadata": null }));
    assert_eq!(serde_json::to_value(accepted).unwrap(), json!({}));
    let instance: InstanceBody = read(&json!({ "dashboard_url": null }));
    assert_eq!(serde_json::to_value(instance).unwrap(), json!({}));
    let fetched: FetchedInstance =
        read(&json!({ "dashboard_url": null, "parameters": null, "maintenance_info": null }));
    assert_eq!(fetched, FetchedInstance::default());
    let update: UpdateRequest = read(&json!({
        "service_id": "s", "plan_id": null, "previous_values": { "plan_id": "p", "maintenance_info": null },
    }));
    assert_eq!(update.previous_values.unwrap().maintenance_info, None);
    let binding: BindingBody = read(
        &json!({ "credentials": null, "syslog_drain_url": null, "volume_mounts": null, "endpoints": null }),
    );
    assert_eq!(binding, BindingBody::default());
    let error: ErrorBody = read(&json!({ "error": null, "description": null }));
    assert_eq!(error, ErrorBody::default());
    let operation: LastOperation = read(&json!({ "state": "succeeded", "description": null }));
    assert_eq!(operation.description, None);
}

#[test]
fn empty_identifiers_and_operations_are_refused() {
    for field in ["service_id", "plan_id"] {
        let mut request = fixtures("provision_request.json")["only what is required"].clone();
        request[field] = json!("");
        assert!(serde_json::from_value::<ProvisionRequest>(request.clone()).is_err());
        request.as_object_mut().unwrap().remove(field);
        assert!(serde_json::from_value::<ProvisionRequest>(request).is_err());
    }
    assert!(serde_json::from_value::<Accepted>(json!({ "operation": "" })).is_err());
    assert!(serde_json::from_value::<Accepted>(json!({ "operation": "x".repeat(10_001) })).is_err());
    assert!(serde_json::from_value::<Accepted>(json!({ "operation": "ü".repeat(10_000) })).is_ok());
}

#[test]
fn states_and_modes_are_the_words_of_the_specification() {
    let in_progress: LastOperation = read(&json!({ "state": "in progress" }));
    assert_eq!(in_progress.state, OperationState::InProgress);
    for word in ["in_progress", "In progress", "inprogress", "done", ""] {
        assert!(serde_json::from_value::<LastOperation>(json!({ "state": word })).is_err(), "{word}");
    }
    let endpoint: Endpoint = read(&json!({ "host": "h", "ports": ["1"] }));
    assert_eq!(endpoint.protocol, EndpointProtocol::Tcp);
    for (field, wrong) in [("mode", "w"), ("device_type", "local")] {
        let mut body = fixtures("binding_body.json")["a volume"].clone();
        body["volume_mounts"][0][field] = json!(wrong);
        assert!(serde_json::from_value::<BindingBody>(body).is_err(), "{field}");
    }
}

#[test]
fn the_application_is_found_in_either_place() {
    let documents = fixtures("bind_request.json");
    let application = |name: &str| read::<BindRequest>(&documents[name]).application().map(str::to_owned);
    assert_eq!(application("the specification's example").as_deref(), Some("app-guid-here"));
    assert_eq!(application("the application in its old place").as_deref(), Some("app-guid-here"));
    assert_eq!(application("nothing bound"), None);
}

#[test]
fn reserved_errors_are_known_by_name_and_text() {
    let documents = fixtures("error_body.json");
    for (name, code, text) in [
        ("asynchronous only", ErrorCode::AsyncRequired, description::ASYNC_REQUIRED),
        ("concurrent", ErrorCode::ConcurrencyError, description::CONCURRENCY_ERROR),
        ("an application is needed", ErrorCode::RequiresApp, description::REQUIRES_APP),
    ] {
        let body: ErrorBody = read(&documents[name]);
        assert!(body.is(&code));
        assert_eq!(body, ErrorBody::coded(code, text));
    }
    let own: ErrorBody = read(&documents["a broker's own"]);
    assert!(own.is(&ErrorCode::Other("QuotaExceeded".to_owned())));
}
