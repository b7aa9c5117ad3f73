//! Plans: what would be done, why, and what stands in the way.

use std::fmt::Write as _;
use std::fs;

use sutler::config::{Format, Source, parse};
use sutler::plan::{Action, Options, PlanError, Protection, Undeclared};
use sutler::state::status::{BindingStatus, Status};

use crate::golden;
use crate::shop::{HEAD, SHOP, action, actions, because, declare, options, shown};
use crate::world::{World, reference};

#[test]
fn a_first_plan_creates_everything_producers_first() {
    let world = World::new();
    let plan = world.plan(&declare(SHOP), Options::default()).unwrap();
    golden::check("plan/first.txt", &shown(&plan));
    assert!(plan.changes_anything());
}

#[test]
fn nothing_to_do_is_kept_and_says_nothing() {
    let config = declare(SHOP);
    let mut world = World::new();
    world.apply(&config);
    let plan = world.plan(&config, Options::default()).unwrap();
    assert_eq!(actions(&plan), [("db", Action::Keep), ("token", Action::Keep), ("worker", Action::Keep)]);
    assert!(plan.steps.iter().all(|step| step.because.is_empty() && step.changes.is_empty()));
    assert!(!plan.changes_anything());
    assert_eq!(plan, world.plan(&config, Options::default()).unwrap());
}

#[test]
fn a_changed_parameter_is_an_update_and_consumers_look_again() {
    let mut world = World::new();
    world.apply(&declare(SHOP));
    let changed = declare(&SHOP.replace("hint: weur", "hint: weur, replicas: 2"));
    golden::check("plan/update.txt", &shown(&world.plan(&changed, Options::default()).unwrap()));
}

#[test]
fn what_cannot_be_updated_is_replaced_and_consumers_follow() {
    let mut world = World::new();
    world.apply(&declare(SHOP));
    let changed = declare(&SHOP.replace("hint: weur", "hint: eeur"));
    golden::check("plan/replace.txt", &shown(&world.plan(&changed, Options::default()).unwrap()));
}

#[test]
fn the_same_output_written_otherwise_elsewhere_changes_nothing_but_what_is_needed() {
    let twins = "  a: { service: d1 }\n  b: { service: d1, bind: { database_id: B } }\n  t: { service: token, params: { resources: { database: '@a.database_id' } } }\n";
    let mut world = World::new();
    world.apply(&declare(twins));
    world.set_output("b", "database_id", "id of a");
    let plan = world.plan(&declare(&twins.replace("@a.", "@b.")), Options::default()).unwrap();
    assert_eq!(
        (action(&plan, "t"), because(&plan, "t")),
        (Action::Record, "what it needs is written down".to_owned())
    );
}

#[test]
fn an_output_that_changed_brings_its_consumer_into_the_plan() {
    let config = declare(SHOP);
    let mut world = World::new();
    world.apply(&config);
    world.set_output("token", "token", "another");
    let plan = world.plan(&config, Options::default()).unwrap();
    assert_eq!(actions(&plan), [("db", Action::Keep), ("token", Action::Keep), ("worker", Action::Update)]);
    assert_eq!(
        plan.steps[2].changes.iter().map(|change| &*change.field).collect::<Vec<_>>(),
        ["params.secrets"]
    );
}

#[test]
fn every_unfinished_record_is_finished() {
    let config = declare(SHOP);
    let mut world = World::new();
    world.apply(&config);
    let token = |status: Status, world: &World| {
        let mut world = world.clone();
        world.record("token").status = status;
        world.record("token").binding = None;
        let plan = world.plan(&config, Options::default()).unwrap();
        format!("{:?}: {}", action(&plan, "token"), because(&plan, "token"))
    };
    let mut text = String::new();
    for status in [
        Status::Intended,
        Status::Provisioning { operation: None },
        Status::Ready,
        Status::ChangeIntended,
        Status::Updating { operation: None },
        Status::DeletionIntended,
        Status::Deprovisioning { operation: None },
        Status::Doubtful,
    ] {
        writeln!(text, "{status:?} → {}", token(status.clone(), &world)).unwrap();
    }
    let ring = World::new().ring;
    world.record("token").asked.inputs = ring.digest("inputs", b"other");
    writeln!(text, "Intended, asked otherwise → {}", token(Status::Intended, &world)).unwrap();
    golden::check("plan/unfinished.txt", &text);
}

#[test]
fn bindings_variables_and_protection_are_followed() {
    let mut world = World::new();
    world.apply(&declare(SHOP));
    let with = |text: &str, world: &World| world.plan(&declare(text), Options::default()).unwrap();
    let plan = with(&SHOP.replace("database_id: DB", "database_id: OTHER"), &world);
    assert_eq!(
        (action(&plan, "db"), because(&plan, "db")),
        (Action::Record, "its variables are written down".to_owned())
    );
    let plan = with(&SHOP.replace("service: d1,", "service: d1, protected: true,"), &world);
    assert_eq!(because(&plan, "db"), "that it is protected is written down");
    let mut other = world.clone();
    other.record("db").binding.as_mut().unwrap().status = BindingStatus::Doubtful;
    assert_eq!(action(&with(SHOP, &other), "db"), Action::Rebind);
    assert!(because(&with(SHOP, &other), "token").starts_with("looked at again once @db has changed"));
    let alone = "  db: { service: d1, params: { hint: weur } }\n";
    let plan = with(alone, &world);
    assert_eq!(action(&plan, "db"), Action::Record, "{}", because(&plan, "db"));
    let pruned = world.plan(&declare(alone), options(Undeclared::Pruned, Protection::Respected)).unwrap();
    assert_eq!(action(&pruned, "db"), Action::Rebind);
    assert!(because(&pruned, "db").starts_with("nobody uses its credentials any more"));
}

#[test]
fn a19_a_sink_that_is_added_or_changed_gets_everything() {
    let mut world = World::new();
    world.apply(&declare(SHOP));
    let with = |sinks: &str| {
        let head = HEAD.replace("{ env: { dotenv: .env } }", sinks);
        let plan = world.plan(&crate::shop::config(&format!("{head}{SHOP}")), Options::default()).unwrap();
        (action(&plan, "db"), action(&plan, "worker"))
    };
    assert_eq!(with("{ env: { dotenv: .env } }"), (Action::Keep, Action::Keep));
    for other in [
        "{ env: { dotenv: .env }, file: { json: credentials.json } }",
        "{ env: { dotenv: .env.local } }",
        "{ env: { dotenv: .env, sealed: false } }",
        "{ env: { dotenv: .env, dialect: docker } }",
    ] {
        assert_eq!(with(other), (Action::Record, Action::Keep), "{other}");
    }
}

#[test]
fn a_name_follows_only_where_the_service_lets_it() {
    let mut world = World::new();
    world.apply(&declare(SHOP));
    let named = declare(
        &SHOP
            .replace("service: d1,", "service: d1, name: new,")
            .replace("secrets, params", "secrets, name: new, params"),
    );
    let plan = world.plan(&named, Options::default()).unwrap();
    assert_eq!((action(&plan, "db"), action(&plan, "worker")), (Action::Keep, Action::Update));
    assert_eq!(
        plan.warnings,
        ["db: the name at the vendor stays 'db': the service does not take another name"]
    );
}

#[test]
fn a18_a_plan_changes_in_place_or_not_and_a_service_moves() {
    let text = "  x: { service: edge/sized, plan: small }\n  y: { service: d1, plan: standard }\n";
    let mut world = World::new();
    world.apply(&declare(text));
    let plan = world.plan(&declare(&text.replace("small", "large")), Options::default()).unwrap();
    assert_eq!(
        (action(&plan, "x"), because(&plan, "x")),
        (Action::Update, "the plan changes from small to large".to_owned())
    );
    let moved = text.replace("service: d1, plan: standard", "service: free");
    let plan = world.plan(&declare(&moved), Options::default()).unwrap();
    assert_eq!(
        (action(&plan, "y"), because(&plan, "y")),
        (Action::Replace, "it moves from edge/d1 to edge/free".to_owned())
    );
    world.apply(&declare(&text.replace("small", "large")));
    let plan = world.plan(&declare(text), Options::default()).unwrap();
    assert_eq!(
        because(&plan, "x"),
        "the plan changes from large to small, and the plan cannot be changed in place"
    );
}

#[test]
fn a_target_takes_what_it_needs_and_nothing_else() {
    let world = World::new();
    let targeted = |name: &str| Options { targets: vec![reference(name)], ..Options::default() };
    let plan = world.plan(&declare(SHOP), targeted("token")).unwrap();
    assert_eq!(actions(&plan), [("db", Action::Create), ("token", Action::Create)]);
    let error = world.plan(&declare(SHOP), targeted("tokn")).unwrap_err().to_string();
    assert_eq!(error, "there is no instance 'tokn' to target\n    help: did you mean 'token'?");
}

#[test]
fn values_are_shown_only_when_they_are_certainly_public() {
    let text = "  x: { service: free, params: { plain: 1, deep: { list: [a] }, password: hunter2, nested: { api_key: hunter2 }, \
                url: 'https://u:hunter2@h', written: hunter2, long: LONG, '@at': '@@at', ref: '@db.database_id', secret: '@db.database_id' } }\n\
                \x20 db: { service: d1 }\n";
    let world = World::new();
    let plan = world.plan(&declare(&text.replace("LONG", &"x".repeat(500))), Options::default()).unwrap();
    let text = shown(&plan);
    assert!(!text.contains("hunter2"), "{text}");
    golden::check("plan/values.txt", &text);
}

#[test]
fn a_secret_that_leaves_its_broker_is_mentioned() {
    let text = "  t: { service: token, params: { resources: {} } }\n  x: { service: other/mail, params: { a: '@t.token', b: '@t.id' } }\n";
    let plan = World::new().plan(&declare(text), Options::default()).unwrap();
    assert_eq!(
        plan.warnings,
        ["x: t.token, which may be secret, goes from the broker edge to the broker other"]
    );
}

#[test]
fn a28_everything_in_the_way_is_told_with_its_place() {
    let mut files: Vec<_> =
        fs::read_dir(golden::path("bad/plan")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 8);
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let source = Source { path: name.into(), text: format!("{HEAD}{text}").into(), format: Format::Yaml };
        let config = parse(&source).unwrap_or_else(|problems| panic!("{problems}"));
        let problems: PlanError = World::new().plan(&config, Options::default()).expect_err(name);
        let shown = problems.to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        golden::check(&format!("plan/{name}.txt"), &format!("{shown}\n"));
    }
}
