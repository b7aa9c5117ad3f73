//! The ledger tells everything, in order.

use serde_json::json;
use sutler_tests::cloudflare::{Effect, EffectAction, Entry, Kind, LedgerFile};

use crate::vendor::{Vendor, send};

#[tokio::test]
async fn a_call_is_told_with_what_it_did_and_by_whom() {
    let vendor = Vendor::start().await;
    let uuid = vendor.database("shop").await;
    vendor.get("/d1/database?name=shop").await.result();
    let entries = vendor.control().ledger();
    let created =
        Effect { action: EffectAction::Created, kind: Kind::Database, id: uuid, name: "shop".to_owned() };
    assert_eq!(entries[0].outcome, [created]);
    assert_eq!(entries[0].authenticated_as.as_deref(), Some("master"));
    assert_eq!(entries[0].request_body, Some(json!({"name": "shop"})));
    assert_eq!(entries[0].operation.as_deref(), Some("d1.create"));
    assert_eq!(entries[1].query["name"], "shop");
    assert_eq!(entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(vendor.control().ledger_after(1).len(), 1);
}

#[tokio::test]
async fn the_file_has_each_call_and_no_bodies_when_they_are_not_wanted() {
    for bodies in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let file = LedgerFile { path: path.clone(), bodies };
        let vendor = Vendor::with(|options| options.ledger_file = Some(file)).await;
        vendor.database("shop").await;
        assert_eq!(vendor.get("/d1/database/nowhere").await.refusal(), (404, 7404));
        let text = std::fs::read_to_string(&path).unwrap();
        let entries: Vec<Entry> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].request_body.is_some(), bodies);
        assert_eq!(entries[1].error_codes, [7404]);
        assert!(vendor.control().ledger()[0].request_body.is_some());
    }
}

#[tokio::test]
async fn what_somebody_else_does_is_not_in_the_ledger() {
    let vendor = Vendor::start().await;
    let control = vendor.control();
    let created = control.somebody("d1.create", &[], json!({"name": "foreign"})).unwrap();
    assert_eq!(control.somebody("d1.create", &[], json!({"name": "foreign"})).unwrap_err().code, 7502);
    assert_eq!(vendor.post("/d1/database", json!({"name": "foreign"})).await.refusal(), (400, 7502));
    let uuid = created["uuid"].as_str().unwrap();
    control.somebody("d1.delete", &[("database_id", uuid)], json!(null)).unwrap();
    assert_eq!(control.ledger().len(), 1);
}

#[tokio::test]
async fn the_control_interface_does_the_same_over_http() {
    let vendor = Vendor::start().await;
    let post = |what: &str, body: serde_json::Value| {
        send(vendor.bare(reqwest::Method::POST, &format!("/__control/{what}")).json(&body))
    };
    let get = |what: &str| send(vendor.bare(reqwest::Method::GET, &format!("/__control/{what}")));
    assert_eq!(post("scripts", json!({"name": "shop"})).await.status, 200);
    assert_eq!(post("projects", json!({"name": "site"})).await.status, 200);
    assert_eq!(post("projects", json!({"name": "site"})).await.status, 409);
    assert_eq!(post("settings", json!({"pages_reads": 3})).await.status, 200);
    assert_eq!(post("settings", json!({"colour": "red"})).await.status, 400);
    let ending = json!({"hostname": "www.example.com", "ending": "blocked"});
    assert_eq!(post("validations", ending).await.status, 200);
    let foreign = json!({"operation": "d1.create", "body": {"name": "foreign"}});
    assert_eq!(post("somebody", foreign.clone()).await.body["result"]["name"], "foreign");
    assert_eq!(post("somebody", foreign).await.body["code"], 7502);
    let fault = json!({"method": "GET", "action": {"answer": {"status": 503, "body": "busy"}}});
    assert_eq!(post("faults", fault).await.status, 200);
    assert_eq!(vendor.get("/d1/database").await.status, 503);
    let state = get("state").await.body;
    assert_eq!(state["databases"][0]["name"], "foreign");
    assert_eq!(state["scripts"][0]["name"], "shop");
    assert_eq!(state["projects"][0]["name"], "site");
    assert_eq!(get("ledger").await.body["entries"].as_array().unwrap().len(), 1);
    assert_eq!(get("ledger?after=1").await.body["entries"], json!([]));
    assert_eq!(get("nonsense").await.status, 404);
}
