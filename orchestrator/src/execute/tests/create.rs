//! Creating: order, durability before effect, what goes in and what comes out.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use serde_json::json;

use super::{Act, World};
use crate::execute::Progress;
use crate::execute::tests::broker::End;
use crate::plan::{Action, Intent};
use crate::state::StateBackend;
use crate::state::record::OutputValue;
use crate::state::status::{BindingStatus, Status};

pub(super) const CHAIN: &str = "
  db: { service: thing, plan: small, params: { size: 3 }, bind: { id: DB_ID, ports: DB_PORTS } }
  web:
    service: thing
    plan: small
    params: { uses: ['@db.token', 'size ${db.size}'] }
    bind: { token: WEB_TOKEN }
";

#[tokio::test]
async fn producers_come_first_and_are_bound_before_consumers_begin() {
    let world = World::new(CHAIN).await;
    let (report, told) = world.run(Intent::Apply).await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(world.fake.asked(), ["provision db", "bind db", "provision web", "bind web"]);
    let uses = &world.fake.instances()[0].1.parameters["uses"];
    let uses =
        if uses.is_null() { world.fake.instances()[1].1.parameters["uses"].clone() } else { uses.clone() };
    assert_eq!(uses[1], "size 3");
    assert!(uses[0].as_str().unwrap().starts_with(super::broker::CANARY));
    let heard: Vec<_> = told.iter().filter(|event| !matches!(event, Progress::Waiting { .. })).collect();
    assert!(matches!(
        heard.as_slice(),
        [Progress::Started { .. }, Progress::Done { .. }, Progress::Started { .. }, Progress::Done { .. }]
    ));
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn credentials_land_in_the_sink_as_text_or_compact_json() {
    let world = World::new(CHAIN).await;
    world.apply().await;
    let variables = world.variables();
    assert_eq!(
        variables[..2],
        [("DB_ID".to_owned(), "id-db".to_owned()), ("DB_PORTS".to_owned(), "[1,2]".to_owned())]
    );
    assert!(variables[2].0 == "WEB_TOKEN" && variables[2].1.starts_with(super::broker::CANARY));
}

#[tokio::test]
async fn only_declared_outputs_are_kept_in_clear() {
    let world = World::new(CHAIN).await;
    world.apply().await;
    let record = world.record("db").await.unwrap();
    let clear: Vec<_> = record
        .outputs
        .iter()
        .filter(|(_, output)| matches!(output.value, OutputValue::Public(_)))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(clear, ["id", "size"]);
    assert_eq!(record.outputs.keys().collect::<Vec<_>>(), ["dashboard_url", "id", "ports", "size", "token"]);
    assert_eq!(record.binding.unwrap().credentials, ["id", "ports", "token"]);
}

#[tokio::test]
async fn a02_an_id_is_durable_before_the_broker_hears_of_it() {
    let world = World::new(CHAIN).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (backend, log) = (Arc::clone(&world.backend), Arc::clone(&seen));
    world.fake.watch(move |what| {
        let state = backend.load().now_or_never().expect("memory answers at once").unwrap();
        let (verb, reference) = what.split_once(' ').unwrap();
        let record = state.records.into_iter().find(|record| record.reference.as_str() == reference);
        let standing = record.map(|record| (record.status, record.binding.map(|binding| binding.status)));
        log.lock().unwrap().push((verb.to_owned(), standing));
    });
    world.apply().await;
    let seen = seen.lock().unwrap();
    let bound = || Some(BindingStatus::Intended);
    let expected = [
        ("provision".to_owned(), Some((Status::Intended, None))),
        ("bind".to_owned(), Some((Status::Ready, bound()))),
        ("provision".to_owned(), Some((Status::Intended, None))),
        ("bind".to_owned(), Some((Status::Ready, bound()))),
    ];
    assert_eq!(*seen, expected);
}

#[tokio::test]
async fn accepted_work_is_polled_to_its_end_and_the_binding_fetched() {
    let world = World::new(CHAIN).await;
    world.fake.asynchronous();
    let (report, told) = world.run(Intent::Apply).await;
    assert!(report.is_complete(), "{report:#?}");
    assert!(
        told.iter()
            .any(|event| matches!(event, Progress::Waiting { description, .. } if description == "half way"))
    );
    assert_eq!(world.variables().len(), 3);
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a03_the_operation_is_durable_before_the_first_poll() {
    let world = World::new("\n  db: { service: thing, plan: small }\n").await;
    world.fake.act("provision db", [Act::Accept(1, End::Succeeds)]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (backend, log) = (Arc::clone(&world.backend), Arc::clone(&seen));
    world.fake.watch(move |what| {
        if what == "poll db" {
            let state = backend.load().now_or_never().expect("memory answers at once").unwrap();
            log.lock().unwrap().push(state.records[0].status.clone());
        }
    });
    assert!(world.apply().await.is_complete());
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|status| matches!(status, Status::Provisioning { operation: Some(operation) } if operation.as_str() == "provision")), "{seen:?}");
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn a26_independent_instances_run_at_once_up_to_the_limit() {
    let mut world = World::new(
        "\n  a: { service: thing, plan: small }\n  b: { service: thing, plan: small }\n  c: { service: thing, plan: small }\n",
    )
    .await;
    world.options.parallelism = 2;
    let (report, told) = world.run(Intent::Apply).await;
    assert!(report.is_complete(), "{report:#?}");
    let mut running = 0;
    let most = told.iter().map(|event| {
        running += match event {
            Progress::Started { .. } => 1,
            Progress::Done { .. } => -1,
            _ => 0,
        };
        running
    });
    assert_eq!(most.max(), Some(2));
}

#[tokio::test]
async fn parameters_that_turn_out_not_to_fit_are_not_sent() {
    let world = World::new(
        "
  db: { service: thing, plan: small, params: { size: 1 } }
  web: { service: thing, plan: small, params: { size: '@db.token' } }
",
    )
    .await;
    let report = world.apply().await;
    assert_eq!(report.failed.len(), 1);
    let error = &report.failed[0].error;
    assert!(error.contains("/size") && !error.contains(super::broker::CANARY), "{error}");
    assert_eq!(world.fake.asked(), ["provision db", "bind db"]);
    assert!(world.record("web").await.is_none());
}

#[tokio::test]
async fn a49_a_variable_without_an_output_fails_and_says_what_there_is() {
    let world = World::new("\n  db: { service: thing, plan: small, bind: { nope: DB } }\n").await;
    let (config, brokers) = (world.config(), world.brokers().await);
    let state = world.state().await;
    let input = crate::plan::PlanInput {
        config: &config,
        records: &state.records,
        serial: 0,
        catalogs: &brokers.catalogs(),
        ring: &world.ring,
        now: jiff::Timestamp::UNIX_EPOCH,
        options: crate::plan::Options::default(),
    };
    if crate::plan::plan(&input).is_err() {
        return; // The planner knows the declared outputs and refuses it first.
    }
    let report = world.apply().await;
    let error = &report.failed[0].error;
    assert!(error.contains("'nope'") && error.contains("token"), "{error}");
}

#[tokio::test]
async fn a_name_and_its_stack_are_told_to_the_broker() {
    let world = World::new("\n  db: { service: thing, plan: small, name: shop-db }\n").await;
    world.apply().await;
    let record = world.record("db").await.unwrap();
    assert_eq!((record.name.as_str(), record.service_plan.id.as_str()), ("shop-db", "plan-small"));
    let plan = world.plan(Intent::Apply).await;
    assert_eq!(plan.steps[0].action, Action::Keep);
    assert_eq!(world.fake.instances()[0].1.parameters, json!({}));
}
