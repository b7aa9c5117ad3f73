//! What a request may hold comes back out of either database as it was (S-16).

use std::sync::Arc;

use jiff::Timestamp;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use sutler_secrets::KeyRing;
use sutler_spec::{InstanceId, ProvisionRequest};

use super::json;
use crate::{
    instance::Instance,
    store::{
        Begin, Begun, BrokerStore, RowChange, Rows, contract, postgres::PostgresStore, sqlite::SqliteStore,
    },
    testing::postgres::Cluster,
};

/// How many requests each store is given.
const REQUESTS: usize = 300;

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<String>(),
        1 => Just("nul \0 inside".to_owned()),
        1 => Just("\u{feff}'; DROP TABLE instances; -- \u{202e}\u{1f4a9}\u{fffd}".to_owned()),
        1 => Just("\\u0000 \\x00 \r\n\t\u{85}\u{2028}".to_owned()),
        1 => "[a-z]{0,12}",
    ]
}

/// JSON as text: numbers stand there as they are written, not as they are read.
fn values() -> impl Strategy<Value = String> {
    let quoted = |text: String| json!(text).to_string();
    let leaf = prop_oneof![
        3 => texts().prop_map(quoted),
        3 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?",
        1 => Just("null".to_owned()),
        1 => any::<bool>().prop_map(|flag| flag.to_string()),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((texts(), inner), 0..5).prop_map(move |members| {
                let members: Vec<String> =
                    members.into_iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn bodies() -> impl Strategy<Value = String> {
    (texts(), texts(), values(), values()).prop_map(|(organization, space, context, parameter)| {
        format!(
            r#"{{"service_id":"s","plan_id":"p","organization_guid":{},"space_guid":{},
               "context":{{"platform":"test","more":{context}}},"parameters":{{"any":{parameter}}}}}"#,
            json!(organization),
            json!(space),
        )
    })
}

/// Everything of an instance that the request said, as bytes: equal numbers of another form would be others.
fn said(instance: &Instance) -> String {
    json!([instance.organization, instance.space, instance.context, instance.parameters]).to_string()
}

async fn all_come_back(store: &dyn BrokerStore) {
    let mut runner = TestRunner::new(Config::default());
    let (mut kept, mut refused) = (0, 0);
    for count in 0..REQUESTS {
        let body = bodies().new_tree(&mut runner).unwrap().current();
        let required = ["service_id", "plan_id", "organization_guid", "space_guid"];
        let Ok(request) = json::read::<ProvisionRequest>(body.as_bytes(), &required) else {
            refused += 1;
            continue;
        };
        let id = format!("kept-{count}");
        let begin = contract::creation(&id);
        let RowChange::Put(row) = begin.rows.instance else { panic!("a creation puts an instance") };
        let row = Instance {
            organization: request.organization_guid,
            space: request.space_guid,
            context: request.context,
            parameters: request.parameters.unwrap_or_default(),
            ..*row
        };
        let expected = said(&row);
        let rows = Rows { instance: RowChange::put(row), ..Rows::default() };
        assert_eq!(store.begin(Begin { rows, ..begin }).await.unwrap(), Begun::Accepted, "{body}");
        let found = store.instance(&InstanceId::new(id).unwrap()).await.unwrap().unwrap();
        assert_eq!(said(&found), expected, "{body}");
        kept += 1;
    }
    assert!(kept > REQUESTS / 10 && refused > REQUESTS / 20, "{kept} kept, {refused} refused");
}

fn ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::generate(Timestamp::now()))
}

#[tokio::test(flavor = "multi_thread")]
async fn s_16_whatever_is_accepted_comes_back_out_of_sqlite_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    all_come_back(&SqliteStore::open(&folder.path().join("broker.db"), ring()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s_16_whatever_is_accepted_comes_back_out_of_postgresql_as_it_was() {
    let cluster = Cluster::shared().unwrap();
    all_come_back(&PostgresStore::open(&cluster.fresh(), ring()).unwrap()).await;
}
