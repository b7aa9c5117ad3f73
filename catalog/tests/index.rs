//! Catalogs of strangers: every problem is named, with its place and its rule; nothing gets through unseen.

use serde_json::{Value, json};
use sutler_catalog::{CatalogProblem, Index, Input, Limits, Severity, declared_outputs};
use sutler_spec::{Catalog, PlanId, ServiceId, ServiceOffering};

fn guid(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

fn plan(number: u32, name: &str) -> Value {
    json!({ "id": guid(number), "name": name, "description": "A plan", "free": true })
}

fn service(number: u32, name: &str, plans: Value) -> Value {
    json!({ "id": guid(number), "name": name, "description": "An offering", "bindable": true, "plans": plans })
}

fn catalog(services: Value) -> Catalog {
    serde_json::from_value(json!({ "services": services })).expect("a catalog that can be read")
}

fn check(services: Value) -> Result<Index, Vec<CatalogProblem>> {
    Index::check(catalog(services), Limits::default())
}

/// The problems that a change to a fine catalog of one offering and one plan brings.
fn problems(change: impl FnOnce(&mut Value)) -> Vec<(Severity, &'static str)> {
    let mut services = json!([service(1, "db", json!([plan(2, "small")]))]);
    change(&mut services);
    let listed = match check(services) {
        Ok(index) => index.warnings().to_vec(),
        Err(problems) => problems,
    };
    listed.iter().map(|problem| (problem.severity, problem.rule)).collect()
}

#[test]
fn each_broken_rule_is_named() {
    use Severity::{Error, Warning};
    type Change = fn(&mut Value);
    let cases: [(Change, (Severity, &str)); 25] = [
        (|all| all[0]["name"] = json!(" "), (Error, "B-CSV-01")),
        (|all| all[0]["name"] = json!("a\u{1b}[2J"), (Error, "S-54")),
        (|all| all[0]["name"] = json!("x".repeat(256)), (Error, "B-CAT-06")),
        (|all| all[0]["name"] = json!("a b"), (Warning, "B-CAT-09")),
        (|all| all[0]["name"] = json!("-"), (Warning, "B-CAT-09")),
        (|all| all[0]["name"] = json!("x".repeat(64)), (Warning, "quirk 15")),
        (|all| all[0]["id"] = json!("db"), (Warning, "B-CSV-02")),
        (|all| all[0]["description"] = json!(""), (Error, "B-CSV-03")),
        (|all| all[0]["description"] = json!("x".repeat(256)), (Warning, "B-CAT-06")),
        (|all| all[0]["description"] = json!("x".repeat(10_001)), (Error, "S-54")),
        (|all| all[0]["plans"] = json!([]), (Error, "B-CSV-05")),
        (|all| all[0]["requires"] = json!(["magic"]), (Warning, "B-CSV-07")),
        (|all| all[0]["tags"] = json!(["x".repeat(2_049)]), (Warning, "quirk 1.6")),
        (|all| all[0]["tags"] = json!(["x".repeat(10_001)]), (Error, "S-54")),
        (|all| all[0]["metadata"] = json!({ "x": "x".repeat(300_000) }), (Error, "S-54")),
        (|all| all[0]["metadata"] = json!({ "displayName": 1 }), (Warning, "B-PROF-02")),
        (|all| all[0]["metadata"] = json!({ "shareable": "yes" }), (Warning, "B-PROF-05")),
        (
            |all| all[0]["dashboard_client"] = json!({ "id": "", "secret": "s", "redirect_uri": "u" }),
            (Error, "B-PROF-11"),
        ),
        (|all| all[0]["dashboard_client"] = json!({ "id": "i", "secret": "s" }), (Warning, "quirk 16")),
        (|all| all[0]["plans"][0]["name"] = json!(""), (Error, "B-CPL-02")),
        (|all| all[0]["plans"][0]["description"] = json!(""), (Error, "B-CPL-03")),
        (
            |all| all[0]["plans"][0]["metadata"] = json!({ "costs": [{ "amount": 5 }] }),
            (Warning, "B-PROF-04"),
        ),
        (|all| all[0]["plans"][0]["maintenance_info"] = json!({ "description": "x" }), (Error, "B-CPL-11")),
        (|all| all[0]["plans"][0]["maintenance_info"] = json!({ "version": "1.0" }), (Error, "B-CMI-01")),
        (
            |all| {
                all[0]["plans"][0]["maintenance_info"] =
                    json!({ "version": "1.0.0", "description": "x".repeat(2_000) })
            },
            (Error, "quirk 17"),
        ),
    ];
    assert_eq!(problems(|_| ()), []);
    for (change, expected) in cases {
        assert_eq!(problems(change), [expected]);
    }
}

#[test]
fn each_broken_schema_is_named() {
    use Severity::{Error, Warning};
    let draft = "http://json-schema.org/draft-07/schema#";
    for (schema, expected) in [
        (json!({ "type": "object" }), (Error, "B-CSC-02")),
        (json!({ "$schema": draft, "$ref": "http://example.com/x" }), (Error, "B-CSC-03")),
        (json!({ "$schema": "http://example.com/own", "type": "object" }), (Error, "B-CSC-03")),
        (json!({ "$schema": draft, "description": "x".repeat(65_536) }), (Error, "B-CSC-04")),
        (json!({ "$schema": draft, "type": "objec" }), (Error, "B-CSC-01")),
        (json!({ "$schema": draft, "pattern": "^(?!a)" }), (Warning, "S-31")),
    ] {
        for place in ["service_instance/create", "service_instance/update", "service_binding/create"] {
            let (kind, request) = place.split_once('/').unwrap();
            let schemas = json!({ kind: { request: { "parameters": schema } } });
            assert_eq!(problems(|all| all[0]["plans"][0]["schemas"] = schemas), [expected], "{place}");
        }
    }
}

#[test]
fn ids_and_names_are_unique() {
    let twice = json!([
        service(1, "db", json!([plan(10, "small"), plan(11, "small")])),
        service(1, "db", json!([plan(10, "small")])),
        service(2, "DB", json!([plan(12, "small")])),
    ]);
    let found: Vec<String> = check(twice).unwrap_err().iter().map(ToString::to_string).collect();
    let (first, second) = (guid(1), guid(10));
    let expected = [
        format!(
            "error: offering 'db' ({first}): plan 'small' ({}): another plan of the offering has the same name \
             (B-CPL-02)",
            guid(11)
        ),
        format!("error: offering 'db' ({first}): another offering has the same id (B-CSV-02)"),
        format!("error: offering 'db' ({first}): another offering has the same name (B-CSV-01)"),
        format!(
            "error: offering 'db' ({first}): plan 'small' ({second}): another plan of the catalog has the same id \
             (B-CPL-01)"
        ),
    ];
    assert_eq!(found, expected);
}

#[test]
fn errors_come_first_and_warnings_alone_do_not_refuse() {
    let mut services = json!([service(1, "a b", json!([plan(2, "small")])), service(3, "c", json!([]))]);
    let severities: Vec<Severity> =
        check(services.clone()).unwrap_err().iter().map(|problem| problem.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning]);
    services.as_array_mut().unwrap().pop();
    assert_eq!(check(services).unwrap().warnings().len(), 1);
    assert_eq!(check(json!([])).unwrap().warnings().len(), 1);
}

#[test]
fn a_catalog_that_is_too_large_is_not_read_further() {
    let many = |count: u32| (0..count).map(|at| plan(at, &format!("p{at}"))).collect::<Vec<_>>();
    let one = check(json!([service(99_999, "db", json!(many(10_001)))])).unwrap_err();
    assert_eq!(one.len(), 1);
    let services: Vec<Value> = (0..1_001).map(|at| service(at, &format!("s{at}"), json!([]))).collect();
    assert_eq!(check(json!(services)).unwrap_err().len(), 1);
    let bytes = Limits { catalog: 100, ..Limits::default() };
    let small = catalog(json!([service(1, "db", json!([plan(2, "small")]))]));
    assert_eq!(Index::check(small, bytes).unwrap_err()[0].rule, "S-54");
}

#[test]
fn the_list_of_problems_ends() {
    let plans: Vec<Value> = (0..5_000).map(|at| plan(at, "")).collect();
    let problems = check(json!([service(99_999, "db", json!(plans))])).unwrap_err();
    assert_eq!(problems.len(), 1_001);
    assert!(problems[1_000].message.starts_with("and "), "{}", problems[1_000]);
}

#[test]
fn everything_can_be_looked_up() {
    let schema = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "required": ["a"] });
    let mut large = plan(3, "large");
    large["schemas"] = json!({ "service_instance": { "create": { "parameters": schema } } });
    let index = check(json!([
        service(1, "db", json!([plan(2, "small"), large])),
        service(4, "queue", json!([plan(5, "small")])),
    ]))
    .unwrap();
    let id = |number: u32| ServiceId::new(guid(number)).unwrap();
    let plan_id = |number: u32| PlanId::new(guid(number)).unwrap();
    assert_eq!(index.offerings().len(), 2);
    assert_eq!(index.offering("queue").unwrap().id, id(4));
    assert_eq!(index.offering_by_id(&id(1)).unwrap().name, "db");
    assert_eq!(index.plan(&id(4), "small").unwrap().id, plan_id(5));
    assert_eq!(index.plan_by_id(&id(1), &plan_id(3)).unwrap().name, "large");
    assert_eq!(index.offering_and_plan(&plan_id(5)).unwrap().0.name, "queue");
    assert!(index.plan(&id(4), "large").is_none() && index.plan(&id(9), "small").is_none());
    assert!(index.plan_by_id(&id(4), &plan_id(3)).is_none() && index.offering("DB").is_none());
    let validator = index.validator(&plan_id(3), Input::Provision).unwrap();
    assert_eq!(validator.validate(&json!({})).len(), 1);
    assert!(index.validator(&plan_id(3), Input::Update).is_none());
    assert!(index.validator(&plan_id(2), Input::Provision).is_none());
}

#[test]
fn digest_bytes_depend_on_what_is_offered_and_not_on_its_order() {
    let one = json!([
        service(1, "db", json!([plan(2, "small"), plan(3, "large")])),
        service(4, "queue", json!([plan(5, "small")])),
    ]);
    let mut other = json!([
        service(4, "queue", json!([plan(5, "small")])),
        service(1, "db", json!([plan(3, "large"), plan(2, "small")])),
    ]);
    other.sort_all_objects();
    let bytes = |services: &Value| check(services.clone()).unwrap().digest_bytes();
    assert_eq!(bytes(&one), bytes(&other));
    other[0]["dashboard_client"] = json!({ "id": "i", "secret": "c4n4ry", "redirect_uri": "u" });
    assert_eq!(bytes(&one), bytes(&other));
    other[0]["plans"][0]["free"] = json!(false);
    assert_ne!(bytes(&one), bytes(&other));
}

#[test]
fn texts_of_a_hostile_catalog_are_safe_to_print() {
    let name = format!("\u{1b}[2J{}", "x".repeat(5_000));
    let problems = check(json!([service(1, &name, json!([]))])).unwrap_err();
    for problem in problems {
        let line = problem.to_string();
        assert!(!line.chars().any(char::is_control) && line.len() < 600, "{line:?}");
    }
}

#[test]
fn outputs_of_any_broker_are_secret_unless_said_otherwise_each_time() {
    let declared = |metadata: Value| {
        let mut offering = service(1, "db", json!([]));
        offering["metadata"] = metadata;
        let offering: ServiceOffering = serde_json::from_value(offering).unwrap();
        declared_outputs(&offering).map(|outputs| {
            outputs.into_iter().map(|output| (output.is_secret(), output.name)).collect::<Vec<_>>()
        })
    };
    for silent in [json!({}), json!({ "sutler": 1 }), json!({ "sutler": { "outputs": {} } })] {
        assert_eq!(declared(silent), None);
    }
    assert_eq!(declared(json!({ "sutler": { "outputs": [] } })), Some(vec![]));
    let outputs = json!({ "sutler": { "outputs": [
        { "name": "open", "description": "d", "secret": false },
        { "name": "closed", "secret": true },
        { "name": "silent" },
        { "name": "odd", "secret": "false" },
        { "name": "twice", "secret": false }, { "name": "twice", "secret": true },
        { "secret": false }, { "name": "", "secret": false }, "junk",
    ] } });
    let expected = [(false, "open"), (true, "closed"), (true, "silent"), (true, "odd"), (true, "twice")];
    assert_eq!(declared(outputs), Some(expected.map(|(secret, name)| (secret, name.to_owned())).to_vec()));
}

#[test]
fn a_full_catalog_is_checked_quickly() {
    let schema = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "properties": { "a": { "type": "string" } } });
    let with_schema = |at: u32| {
        let mut plan = plan(at, &format!("p{at}"));
        plan["schemas"] = json!({ "service_instance": { "create": { "parameters": schema } } });
        plan
    };
    let services: Vec<Value> = (0..100)
        .map(|at| {
            service(at, &format!("s{at}"), (0..20).map(|plan| with_schema(1_000 + at * 20 + plan)).collect())
        })
        .collect();
    let services = Value::Array(services);
    let start = std::time::Instant::now();
    check(services).unwrap();
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
}
