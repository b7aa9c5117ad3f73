//! A small world in which everything is right; tests make one thing of it wrong.

use serde_json::json;

use super::{
    super::{
        dump::{BindingRow, EventRow, InstanceRow, OperationRow, StoreDump},
        evidence::{Answer, Asked, Call, Evidence, Exchange, Violation},
    },
    Moment, violations,
};
use crate::cloudflare::{DatabaseState, DomainState, Entry, ProjectState, ScriptState, Snapshot, TokenState};

/// Everything a checker looks at, to be changed.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) ledger: Vec<Entry>,
    pub(super) vendor: Snapshot,
    pub(super) foreign: Snapshot,
    pub(super) store: StoreDump,
    pub(super) history: Vec<Exchange>,
}

impl World {
    /// Sets a secret of the Worker.
    pub(super) fn set_secret(&mut self, name: &str, value: &str) {
        self.vendor.scripts[0].secrets.insert(name.to_owned(), value.to_owned());
    }

    /// Adds a domain to the project.
    pub(super) fn add_domain(&mut self, name: &str) {
        let id = format!("id of {name}");
        let (name, status) = (name.to_owned(), "active".to_owned());
        self.vendor.projects[0].domains.push(DomainState { id, name, status, reads: 0 });
    }

    /// The invariants that do not hold.
    pub(super) fn broken(&self, moment: Moment) -> Vec<&'static str> {
        let Self { ledger, vendor, foreign, store, history } = self;
        let evidence = Evidence { ledger, vendor, foreign, store, history };
        let mut broken: Vec<&str> =
            violations(&evidence, moment).iter().map(|Violation { invariant, .. }| *invariant).collect();
        broken.dedup();
        broken
    }
}

pub(super) fn exchange(call: Call, answer: (u16, serde_json::Value)) -> Exchange {
    let binding = matches!(call, Call::Bind | Call::Unbind).then(|| "b".to_owned());
    let instance = if binding.is_some() { "tokens" } else { "db" };
    Exchange {
        asked: Asked { call, instance: instance.to_owned(), binding, wish: "w".to_owned(), operation: None },
        answer: Answer::Came { status: answer.0, body: answer.1 },
        ledger: (0, 0),
    }
}

pub(super) fn poll(operation: &str, state: &str) -> Exchange {
    let mut exchange = exchange(Call::Poll, (200, json!({ "state": state })));
    exchange.asked.operation = Some(operation.to_owned());
    exchange
}

pub(super) fn database(name: &str) -> DatabaseState {
    DatabaseState {
        uuid: format!("id of {name}"),
        name: name.to_owned(),
        created_at: String::new(),
        jurisdiction: None,
        primary_location_hint: None,
        read_replication: "disabled".to_owned(),
        tables: std::collections::BTreeMap::new(),
    }
}

pub(super) fn token(name: &str) -> TokenState {
    TokenState {
        id: format!("id of {name}"),
        name: name.to_owned(),
        value: "v".to_owned(),
        status: "active".to_owned(),
        policies: json!([]),
        condition: None,
        expires_on: None,
        not_before: None,
        issued_on: String::new(),
    }
}

/// The name of the database of the instance `db`.
pub(super) fn name_of_database() -> String {
    let id = sutler_spec::InstanceId::new("db").expect("an id");
    sutler_broker_server::providers::Marker::for_instance("here", &id).name(None, 64)
}

/// The name of the token of the binding `b` of the instance `tokens`.
pub(super) fn name_of_token() -> String {
    let id = sutler_spec::InstanceId::new("tokens").expect("an id");
    let binding = sutler_spec::BindingId::new("b").expect("an id");
    let marker = sutler_broker_server::providers::Marker::for_instance("here", &id);
    format!("osb-{}-{}", marker.hex(12), marker.for_binding(&binding).hex(24))
}

/// An instance with a database, and another one with a bound token; both created and ready.
pub(super) fn world() -> World {
    let foreign = Snapshot {
        databases: vec![database("somebody-elses")],
        tokens: vec![token("somebody-elses")],
        scripts: vec![ScriptState {
            name: "shop".to_owned(),
            secrets: [("SOMEBODY_ELSES".to_owned(), "v".to_owned())].into(),
            versions: 1,
            undeployed_version: false,
        }],
        projects: vec![ProjectState {
            name: "shop".to_owned(),
            subdomain: "shop.pages.dev".to_owned(),
            domains: vec![DomainState {
                id: "id of somebody-elses.example".to_owned(),
                name: "somebody-elses.example".to_owned(),
                status: "active".to_owned(),
                reads: 0,
            }],
        }],
        things: vec![],
        tags: vec![],
    };
    let mut vendor = foreign.clone();
    vendor.databases.push(database(&name_of_database()));
    vendor.tokens.push(token(&name_of_token()));
    let instance = |id: &str, service: &str| InstanceRow {
        id: id.to_owned(),
        state: "ready".to_owned(),
        service: service.to_owned(),
    };
    let store = StoreDump {
        installation: "here".to_owned(),
        instances: vec![instance("db", super::resources::D1), instance("tokens", super::resources::TOKEN)],
        bindings: vec![BindingRow { instance: "tokens".into(), id: "b".into(), state: "ready".into() }],
        operations: vec![OperationRow {
            id: "o".into(),
            instance: "db".into(),
            work: "provision".into(),
            state: "succeeded".into(),
            fence: 1,
            ended: true,
            ..OperationRow::default()
        }],
        events: ["provision.accepted", "provision.succeeded"]
            .map(|kind| EventRow { kind: kind.into(), instance: "db".into(), operation: Some("o".into()) })
            .into(),
    };
    let mut other = exchange(Call::Provision, (201, json!({})));
    other.asked.instance = "tokens".to_owned();
    let history = vec![
        exchange(Call::Provision, (202, json!({ "operation": "o" }))),
        poll("o", "in progress"),
        poll("o", "succeeded"),
        other,
        exchange(Call::Bind, (201, json!({ "credentials": {} }))),
    ];
    World { ledger: vec![], vendor, foreign, store, history }
}

#[test]
fn where_everything_is_right_nothing_is_found() {
    assert!(world().broken(Moment::Instant).is_empty());
    assert!(world().broken(Moment::Quiet).is_empty());
}
