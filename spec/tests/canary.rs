//! Printing a message for debugging shows no secret of it (S-42).

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sutler_spec::{
    Accepted, BindRequest, BindingBody, Bound, Catalog, Credentials, DashboardClient, Deprovisioned,
    FetchedBinding, FetchedInstance, Outcome, Parameters, ProvisionRequest, UpdateRequest, VolumeMount,
};

const CANARY: &str = "c4n4ry";

/// Secrets of every shape: plain, nested, in a list, inside a longer text.
fn secrets() -> Value {
    json!({
        "token": CANARY, "nested": { "deep": [{ "password": CANARY }] }, "list": [CANARY],
        "uri": format!("https://user:{CANARY}@host/"),
    })
}

fn volume() -> Value {
    json!({
        "driver": "d", "container_dir": "/d", "mode": "rw", "device_type": "shared",
        "device": { "volume_id": "v", "mount_config": secrets() },
    })
}

fn binding() -> Value {
    json!({
        "credentials": secrets(), "syslog_drain_url": format!("https://logs/?token={CANARY}"),
        "route_service_url": format!("https://route/?token={CANARY}"), "volume_mounts": [volume()],
        "endpoints": [{ "host": "h", "ports": ["1"] }],
    })
}

/// Reads the message, which must hold the canary, and prints it every way there is.
fn keeps_quiet<T: DeserializeOwned + Debug>(document: &Value) {
    let text = document.to_string();
    assert!(text.contains(CANARY));
    let message: T = serde_json::from_str(&text).expect("a message");
    let printed = format!("{message:?} {message:#?} {:?}", Some(&message));
    assert!(!printed.contains(CANARY), "{printed}");
}

#[test]
fn requests_keep_their_parameters_to_themselves() {
    let request = json!({
        "service_id": "s", "plan_id": "p", "organization_guid": "o", "space_guid": "s", "parameters": secrets(),
    });
    keeps_quiet::<ProvisionRequest>(&request);
    keeps_quiet::<UpdateRequest>(&request);
    keeps_quiet::<BindRequest>(&request);
    keeps_quiet::<Parameters>(&secrets());
}

#[test]
fn answers_keep_credentials_drains_and_mounts_to_themselves() {
    keeps_quiet::<Credentials>(&secrets());
    keeps_quiet::<VolumeMount>(&volume());
    keeps_quiet::<BindingBody>(&binding());
    let mut fetched = binding();
    fetched["parameters"] = secrets();
    keeps_quiet::<FetchedBinding>(&fetched);
    keeps_quiet::<FetchedInstance>(&json!({ "parameters": secrets() }));
}

#[test]
fn a_catalog_keeps_the_secret_of_a_dashboard_to_itself() {
    let client = json!({ "id": "i", "secret": CANARY, "redirect_uri": "https://d/" });
    keeps_quiet::<DashboardClient>(&client);
    let offering = json!({
        "name": "n", "id": "i", "description": "d", "bindable": true, "plans": [], "dashboard_client": client,
    });
    keeps_quiet::<Catalog>(&json!({ "services": [offering] }));
}

#[test]
fn outcomes_and_their_errors_keep_quiet_too() {
    let body = binding().to_string();
    for status in [200, 201] {
        let bound = Bound::decode(status, body.as_bytes()).expect("a binding");
        assert!(!format!("{bound:?} {bound:#?}").contains(CANARY));
    }
    let wrong = json!({ "credentials": CANARY }).to_string();
    let error = Bound::decode(201, wrong.as_bytes()).expect_err("credentials are an object");
    let source = std::error::Error::source(&error).expect("a reason").to_string();
    assert!(!format!("{error} {error:?} {source}").contains(CANARY));
    let accepted = Deprovisioned::Accepted(Accepted::default());
    assert_eq!(format!("{accepted:?}").matches(CANARY).count(), 0);
}
