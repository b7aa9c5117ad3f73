//! Each checker finds what it is for, and nothing in a world that is right.

use serde_json::json;

use super::{
    super::evidence::{Answer, Call},
    Moment,
    samples::{World, database, exchange, name_of_database, name_of_token, poll, token, world},
};
use crate::cloudflare::{Effect, EffectAction, Entry, Kind};

fn broken(moment: Moment, change: impl FnOnce(&mut World)) -> Vec<&'static str> {
    let mut world = world();
    change(&mut world);
    world.broken(moment)
}

fn entry(sequence: u64, effect: Effect) -> Entry {
    let entry = json!({
        "sequence": sequence, "time": "2026-01-01T00:00:00Z", "method": "POST", "path": "/", "query": {},
        "request_body": null, "operation": null, "status": 200, "error_codes": [], "outcome": [effect],
        "authenticated_as": null, "contract_violations": [], "faults": [], "answered": true,
    });
    serde_json::from_value(entry).unwrap()
}

fn effect(action: EffectAction, name: &str) -> Effect {
    Effect { action, kind: Kind::Database, id: format!("id of {name}"), name: name.to_owned() }
}

#[test]
fn i_01_an_object_without_a_row_is_found_at_any_instant() {
    for moment in [Moment::Instant, Moment::Quiet] {
        assert!(broken(moment, |world| world.store.instances.clear()).contains(&"I-01"));
        assert!(broken(moment, |world| world.store.bindings.clear()).contains(&"I-01"));
        assert_eq!(broken(moment, |world| world.vendor.databases.push(database("osb-0"))), ["I-01"]);
    }
    assert_eq!(broken(Moment::Quiet, |world| drop(world.vendor.databases.pop())), ["I-01"]);
    assert_eq!(broken(Moment::Quiet, |world| drop(world.vendor.tokens.pop())), ["I-01"]);
    assert!(broken(Moment::Instant, |world| drop(world.vendor.tokens.pop())).is_empty());
}

#[test]
fn i_02_a_twin_is_found_once_it_is_quiet() {
    let twin = |world: &mut World| {
        let mut twin = token(&name_of_token());
        twin.id.push('2');
        world.vendor.tokens.push(twin);
    };
    assert_eq!(broken(Moment::Quiet, twin), ["I-02"]);
    // a create that shows its value once may have two for a moment
    assert!(broken(Moment::Instant, twin).is_empty());
    let twin = |world: &mut World| {
        world.vendor.databases.push(database(&format!("x-{}", &name_of_database()[4..28])))
    };
    assert_eq!(broken(Moment::Quiet, twin), ["I-02"]);
}

#[test]
fn i_03_what_is_not_ours_may_not_even_be_touched() {
    for changed in [
        broken(Moment::Instant, |world| drop(world.vendor.databases.remove(0))),
        broken(Moment::Instant, |world| world.vendor.tokens[0].status = "disabled".to_owned()),
        broken(Moment::Instant, |world| {
            world.ledger.push(entry(1, effect(EffectAction::Changed, "somebody-elses")));
        }),
    ] {
        assert_eq!(changed, ["I-03"]);
    }
    assert!(
        broken(Moment::Instant, |world| world.ledger.push(entry(1, effect(EffectAction::Created, "x"))))
            .is_empty()
    );
}

#[test]
fn i_06_and_i_07_what_is_told_to_be_deleted_is_nowhere() {
    let deleted = |call| move |world: &mut World| world.history.push(exchange(call, (200, json!({}))));
    assert_eq!(broken(Moment::Quiet, deleted(Call::Deprovision)), ["I-06"]);
    assert_eq!(broken(Moment::Quiet, deleted(Call::Unbind)), ["I-07"]);
    let lost = |world: &mut World| {
        let mut lost = exchange(Call::Unbind, (0, json!({})));
        lost.answer = Answer::Lost;
        world.history.push(lost);
    };
    assert!(broken(Moment::Quiet, lost).is_empty(), "nobody knows whether it is deleted");
    let gone = |world: &mut World| {
        world.history.push(exchange(Call::Unbind, (200, json!({}))));
        world.vendor.tokens.pop();
        world.store.bindings.clear();
    };
    assert!(broken(Moment::Quiet, gone).is_empty());
}

#[test]
fn i_09_what_was_accepted_is_in_the_store() {
    assert!(broken(Moment::Instant, |world| world.store.operations.clear()).contains(&"I-09"));
    let unknown = |world: &mut World| {
        world.store.instances.retain(|row| row.id != "tokens");
        world.store.bindings.clear();
        world.vendor.tokens.pop();
    };
    assert_eq!(broken(Moment::Instant, unknown), ["I-09"]);
}

#[test]
fn i_10_an_end_is_an_end() {
    let back = |world: &mut World| world.history.push(poll("o", "in progress"));
    assert_eq!(broken(Moment::Instant, back), ["I-10"]);
    let other = |world: &mut World| world.history.push(poll("o", "failed"));
    assert_eq!(broken(Moment::Instant, other), ["I-10"]);
    for change in [
        |world: &mut World| world.store.operations[0].state = "failed".to_owned(),
        |world: &mut World| world.store.operations[0].ended = false,
        |world: &mut World| world.store.operations[0].owner = Some("somebody".to_owned()),
        |world: &mut World| world.store.operations[0].sealed = true,
    ] {
        assert!(broken(Moment::Instant, change).contains(&"I-10"));
    }
}

#[test]
fn i_11_a_repeat_means_the_same() {
    let other = |world: &mut World| {
        world.store.operations.push(super::super::dump::OperationRow {
            id: "p".into(),
            instance: "db".into(),
            work: "provision".into(),
            state: "failed".into(),
            ended: true,
            ..Default::default()
        });
        world.history.insert(1, exchange(Call::Provision, (202, json!({ "operation": "p" }))));
    };
    assert_eq!(broken(Moment::Instant, other), ["I-11"]);
    let after_a_failure = |world: &mut World| {
        other(world);
        world.store.operations[0].state = "failed".to_owned();
        world.history[2] = poll("o", "failed");
        world.history[3] = poll("p", "failed");
    };
    assert!(broken(Moment::Instant, after_a_failure).is_empty(), "what has failed is tried anew");
    let same = |world: &mut World| {
        world.history.insert(1, exchange(Call::Provision, (202, json!({ "operation": "o" }))))
    };
    assert!(broken(Moment::Instant, same).is_empty());
    let body = |world: &mut World| {
        world.history.push(exchange(Call::Bind, (200, json!({ "credentials": { "a": 1 } }))))
    };
    assert_eq!(broken(Moment::Instant, body), ["I-11"]);
    let granted = |world: &mut World| {
        let mut other = exchange(Call::Provision, (200, json!({})));
        other.asked.wish = "another".to_owned();
        world.history.push(other);
    };
    assert_eq!(broken(Moment::Instant, granted), ["I-11"]);
}

#[test]
fn i_13_a_refusal_did_nothing() {
    let refused = |sequence| {
        move |world: &mut World| {
            let mut refused = exchange(Call::Provision, (400, json!({})));
            refused.asked.wish = "refused".to_owned();
            refused.ledger = (4, 5);
            world.history.push(refused);
            world.ledger.push(entry(sequence, effect(EffectAction::Created, "x")));
        }
    };
    assert_eq!(broken(Moment::Instant, refused(5)), ["I-13"]);
    assert!(broken(Moment::Instant, refused(4)).is_empty(), "that was before");
    assert!(broken(Moment::Instant, refused(6)).is_empty(), "that was later");
}

#[test]
fn i_14_and_i_40_once_it_is_quiet_everything_has_ended_and_was_told_once() {
    let running = |world: &mut World| {
        world.history.truncate(1);
        world.store.operations[0].state = "in progress".to_owned();
        world.store.operations[0].ended = false;
    };
    assert!(broken(Moment::Quiet, running).contains(&"I-14"));
    assert_eq!(broken(Moment::Quiet, |world| drop(world.store.events.pop())), ["I-40"]);
    let twice = |world: &mut World| world.store.events.push(world.store.events[1].clone());
    assert_eq!(broken(Moment::Quiet, twice), ["I-40"]);
}

#[test]
fn i_01_i_03_and_i_06_hold_for_secrets_and_domains_too() {
    use super::resources::{DOMAIN, SECRETS};
    let made = |world: &mut World| {
        for (id, service) in [("i-1", SECRETS), ("i-2", DOMAIN)] {
            world.store.instances.push(super::super::dump::InstanceRow {
                id: id.to_owned(),
                state: "ready".to_owned(),
                service: service.to_owned(),
            });
            let mut asked = exchange(Call::Provision, (201, json!({})));
            asked.asked.instance = id.to_owned();
            world.history.push(asked);
        }
        world.set_secret("I_1_A", "ours");
        world.add_domain("i-2.shop.example");
    };
    let found = |moment, change: fn(&mut World)| {
        broken(moment, |world| {
            made(world);
            change(world);
        })
    };
    assert!(found(Moment::Quiet, |_| {}).is_empty());
    for lost in [
        |world: &mut World| drop(world.vendor.scripts[0].secrets.remove("I_1_A")),
        |world: &mut World| drop(world.vendor.projects[0].domains.pop()),
    ] {
        assert_eq!(found(Moment::Quiet, lost), ["I-01"], "ready, and not there");
    }
    for unknown in [
        |world: &mut World| world.set_secret("I_9_A", "whose"),
        |world: &mut World| world.add_domain("i-9.shop.example"),
    ] {
        assert_eq!(found(Moment::Instant, unknown), ["I-01"], "there, and not in the store");
    }
    for foreign in [
        |world: &mut World| world.set_secret("SOMEBODY_ELSES", "ours now"),
        |world: &mut World| drop(world.vendor.projects[0].domains.remove(0)),
    ] {
        assert_eq!(found(Moment::Instant, foreign), ["I-03"]);
    }
    for instance in ["i-1", "i-2"] {
        let left = broken(Moment::Quiet, |world| {
            made(world);
            let mut deleted = exchange(Call::Deprovision, (200, json!({})));
            deleted.asked.instance = instance.to_owned();
            world.history.push(deleted);
        });
        assert_eq!(left, ["I-06"]);
    }
}

#[test]
fn i_09_a_binding_that_was_made_is_in_the_store() {
    let lost = |world: &mut World| {
        world.store.bindings.clear();
        world.vendor.tokens.pop();
    };
    assert_eq!(broken(Moment::Instant, lost), ["I-09"]);
    let unbound = |world: &mut World| {
        lost(world);
        world.history.push(exchange(Call::Unbind, (200, json!({}))));
    };
    assert!(broken(Moment::Quiet, unbound).is_empty());
}
