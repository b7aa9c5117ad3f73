//! What happened can be told, also of what is gone, and no secret with it (I-31).

use std::io::{BufRead, BufReader};

use serde_json::Value;
use sutler::name::InstanceRef;
use sutler::state::Change;
use sutler::state::status::Status;

use crate::home::{Home, SECRET};

async fn change(home: &Home) {
    let session = home.session().await;
    let mut record = home.record(&session, 0);
    record.status = Status::ChangeIntended;
    record.name = "shop-renamed".to_owned();
    let mut ready = record.clone();
    ready.status = Status::Ready;
    ready.outputs = home.record(&session, 7).outputs;
    for (record, what) in [(record, "update intended"), (ready, "updated")] {
        session.backend.commit(&session.lock, vec![Change::put(record, what)]).await.unwrap();
    }
    let gone = Change::remove(InstanceRef::new("db-1").unwrap(), "deleted");
    session.backend.commit(&session.lock, vec![gone]).await.unwrap();
    session.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tells_each_field_and_of_secrets_that_they_changed() {
    let home = Home::new(2, "").await;
    change(&home).await;
    let told = home.run(&["history", "db-0"], 0);
    for part in [
        "db-0 is ready since 20",
        "name: shop-0 → shop-renamed",
        "outputs.token: changed",
        "update intended",
        "by ada",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    assert!(!told.contains(SECRET));
    let gone = home.run(&["history", "db-1"], 0);
    assert!(gone.contains("db-1 is gone") && gone.contains("status: gone"), "{gone}");
    let json: Value = serde_json::from_str(&home.run(&["history", "db-0", "--json"], 0)).unwrap();
    assert_eq!((&json["kind"], &json["status"]), (&"history".into(), &"ready".into()));
    assert_eq!(json["entries"].as_array().unwrap().len(), 3);
    let unknown = home.run(&["history", "db-00"], 2);
    assert!(unknown.contains("did you mean 'db-0'"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_told_in_order_counted_and_followed() {
    let home = Home::new(2, "").await;
    change(&home).await;
    let told = home.run(&["events", "--json"], 0);
    let events: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sequences: Vec<u64> =
        events.iter().map(|event| event["event"]["data"]["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
    let types: Vec<&str> = events.iter().map(|event| event["event"]["type"].as_str().unwrap()).collect();
    assert_eq!(types[..1], ["dev.sutler.instance.created"]);
    assert_eq!(
        types[2..],
        ["dev.sutler.instance.changed", "dev.sutler.instance.changed", "dev.sutler.instance.removed"]
    );
    assert_eq!(home.run(&["events", "--after", "4"], 0).matches("by ada").count(), 1);
    let counts: Value = serde_json::from_str(&home.run(&["events", "--count", "--json"], 0)).unwrap();
    let times = |from: Value, to: Value| {
        let all = counts["transitions"].as_array().unwrap();
        all.iter()
            .find(|count| count["from"] == from && count["to"] == to)
            .map(|count| count["times"].clone())
    };
    assert_eq!(times(Value::Null, "ready".into()), Some(2.into()), "{counts}");
    assert_eq!(times("ready".into(), Value::Null), Some(1.into()), "{counts}");
    assert_eq!(home.run(&["events", "--count", "--window", "1ms"], 0).matches('→').count(), 0);

    let mut child = home.start(&["events", "--follow", "--after", "5"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    change(&home).await;
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("db-0") && first.contains("update intended"), "{first}");
    let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success() && child.wait().unwrap().success());
}
