//! The probe's catalog, as a golden file: conformance tools rely on its ids and names.

use std::{collections::HashSet, fs, path::Path};

use serde_json::json;
use sutler_catalog::{
    Application, Asynchronous, Index, Limits,
    probe::{Behaviour, offerings},
};
use sutler_spec::Catalog;

fn catalog() -> Catalog {
    Catalog { services: offerings().iter().map(|offering| offering.service().clone()).collect() }
}

#[test]
fn the_catalog_of_the_probe_changes_only_on_purpose() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probe.json");
    let written = format!("{:#}\n", serde_json::to_value(catalog()).unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert!(golden == written, "tests/probe.json differs; if that is intended: UPDATE_GOLDEN=1 cargo test");
}

#[test]
fn no_platform_has_a_reason_to_complain() {
    assert_eq!(Index::check(catalog(), Limits::default()).expect("no error").warnings(), []);
}

#[test]
fn every_behaviour_has_one_plan_that_names_it() {
    let mut ids = HashSet::new();
    for behaviour in Behaviour::ALL {
        let offering = behaviour.home().offering();
        let plan = offering.plan(&behaviour.id().into()).expect("a plan");
        assert_eq!(plan.name(), behaviour.name());
        assert_eq!(plan.service_plan().metadata["sutler"], json!({ "probe": behaviour.name() }));
        assert_eq!(Behaviour::of(plan.id()), Some(behaviour));
        assert!(ids.insert(behaviour.id()));
    }
    let plans: usize = offerings().iter().map(|offering| offering.plans().len()).sum();
    assert_eq!(plans, ids.len());
}

#[test]
fn what_is_not_on_the_wire_is_said_to_the_broker() {
    let plan = |behaviour: Behaviour| {
        behaviour.home().offering().plan(&behaviour.id().into()).cloned().expect("a plan")
    };
    use Asynchronous::{Always, Never};
    for (behaviour, instances, updates, bindings) in [
        (Behaviour::Instant, Never, Never, Never),
        (Behaviour::Slow, Always, Always, Never),
        (Behaviour::AsyncOnly, Always, Always, Always),
        (Behaviour::SlowUpdate, Never, Always, Never),
        (Behaviour::AsyncBinding, Never, Never, Always),
        (Behaviour::FailsProvisionLate, Always, Never, Never),
    ] {
        let plan = plan(behaviour);
        let found = (plan.asynchrony(), plan.update_asynchrony(), plan.binding_asynchrony());
        assert_eq!(found, (instances, updates, bindings), "{behaviour:?}");
    }
    assert_eq!(plan(Behaviour::RequiresApp).application(), Application::Required);
    let (schema, large) = (plan(Behaviour::Schema), plan(Behaviour::SchemaLarge));
    assert!(schema.can_change_to(large.id()) && large.can_change_to(schema.id()));
    assert!(!schema.can_change_to(plan(Behaviour::Slow).id()));
}
