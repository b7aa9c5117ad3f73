//! The probe: each plan behaves as it is called.

use reqwest::Method;
use serde_json::{Value, json};
use sutler_catalog::probe::{Behaviour, MAINTENANCE_VERSION};

use crate::world::{Answer, World, send};

const ACCEPTS: &str = "accepts_incomplete=true";

fn ids(behaviour: Behaviour) -> (&'static str, &'static str) {
    (behaviour.home().id().as_str(), behaviour.id().as_str())
}

fn body(behaviour: Behaviour, fields: Value) -> Value {
    let (service, plan) = ids(behaviour);
    let mut body = json!({ "service_id": service, "plan_id": plan });
    for (key, value) in fields.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn path(behaviour: Behaviour) -> String {
    format!("/v2/service_instances/{}", behaviour.name())
}

/// One instance of the plan, told by its name, and what can be done to it.
struct Probed<'a>(&'a World, Behaviour);

impl Probed<'_> {
    async fn provision(&self, query: &str) -> Answer {
        let fields = json!({ "organization_guid": "o", "space_guid": "s" });
        self.0.put(&format!("{}?{query}", path(self.1)), &body(self.1, fields)).await
    }

    /// Provisions, however long that takes.
    async fn ready(&self) -> &Self {
        let answer = self.provision(ACCEPTS).await;
        if answer.status == 202 {
            let settled = self.0.settle(&path(self.1), &answer.operation()).await;
            assert_eq!(settled.body["state"], "succeeded", "{settled:?}");
        } else {
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        self
    }

    async fn update(&self, query: &str, fields: Value) -> Answer {
        let mut fields = fields;
        fields["service_id"] = json!(ids(self.1).0);
        self.0.patch(&format!("{}?{query}", path(self.1)), &fields).await
    }

    async fn bind(&self, id: &str, query: &str, fields: Value) -> Answer {
        let path = format!("{}/service_bindings/{id}?{query}", path(self.1));
        self.0.put(&path, &body(self.1, fields)).await
    }

    async fn delete(&self, below: &str, query: &str) -> Answer {
        let (service, plan) = ids(self.1);
        let query = format!("{query}&service_id={service}&plan_id={plan}");
        send(self.0.request(Method::DELETE, &format!("{}{below}?{query}", path(self.1)))).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plan_is_as_asynchronous_as_its_name_says() {
    let world = World::start().await;
    for (behaviour, provision, update, bind) in [
        (Behaviour::Instant, 201, 200, 201),
        (Behaviour::Slow, 202, 202, 201),
        (Behaviour::AsyncOnly, 202, 202, 202),
        (Behaviour::SlowUpdate, 201, 202, 201),
        (Behaviour::AsyncBinding, 201, 200, 202),
    ] {
        let probed = Probed(&world, behaviour);
        let change = json!({ "parameters": { "note": "changed" } });
        // without the platform's consent, what is asynchronous is refused and nothing else is
        let stubborn = probed.provision("").await;
        assert_eq!(stubborn.status, if provision == 202 { 422 } else { 201 }, "{behaviour:?}");
        let created = probed.provision(ACCEPTS).await;
        assert_eq!(created.status, if provision == 202 { 202 } else { 200 }, "{behaviour:?}");
        if created.status == 202 {
            world.settle(&path(behaviour), &created.operation()).await;
        }
        let stubborn = probed.update("", change.clone()).await;
        assert_eq!(stubborn.status, if update == 202 { 422 } else { 200 }, "{behaviour:?}");
        let updated = probed.update(ACCEPTS, change).await;
        assert_eq!(updated.status, update, "{behaviour:?}");
        if update == 202 {
            world.settle(&path(behaviour), &updated.operation()).await;
        }
        assert_eq!(world.get(&path(behaviour)).await.body["metadata"]["attributes"]["updates"], 1);
        let stubborn = probed.bind("b", "", json!({})).await;
        assert_eq!(stubborn.status, if bind == 202 { 422 } else { 201 }, "{behaviour:?}");
        if bind == 202 {
            let bound = probed.bind("b", ACCEPTS, json!({})).await;
            assert_eq!((bound.status, &bound.body["credentials"]), (202, &Value::Null));
            world.settle(&format!("{}/service_bindings/b", path(behaviour)), &bound.operation()).await;
        }
        let fetched = world.get(&format!("{}/service_bindings/b", path(behaviour))).await;
        assert!(fetched.body["credentials"]["password"].is_string(), "{fetched:?}");
        let unbound = probed.delete("/service_bindings/b", ACCEPTS).await;
        assert_eq!(unbound.status, if bind == 202 { 202 } else { 200 }, "{behaviour:?}");
        if bind == 202 {
            world.settle(&format!("{}/service_bindings/b", path(behaviour)), &unbound.operation()).await;
        }
        let deleted = probed.delete("", ACCEPTS).await;
        assert_eq!(deleted.status, if provision == 202 { 202 } else { 200 }, "{behaviour:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_fails_at_its_stage_and_can_be_deleted() {
    let world = World::start().await;
    let refused = Probed(&world, Behaviour::FailsProvision);
    assert_eq!(refused.provision("").await.status, 422);
    assert_eq!(refused.delete("", "").await.status, 410, "nothing was made");

    let late = Probed(&world, Behaviour::FailsProvisionLate);
    let accepted = late.provision(ACCEPTS).await;
    let settled = world.settle(&path(late.1), &accepted.operation()).await;
    assert_eq!(settled.body["state"], "failed");
    assert_eq!(world.get(&path(late.1)).await.status, 404);
    assert_eq!(late.delete("", ACCEPTS).await.status, 202, "I-15: what failed can be deleted");

    let deleted = Probed(&world, Behaviour::FailsDeprovisionOnce);
    deleted.ready().await;
    let failed = deleted.delete("", "").await;
    assert_eq!((failed.status, &failed.body["instance_usable"]), (500, &json!(true)));
    assert_eq!(world.get(&path(deleted.1)).await.status, 200, "B-DEP-10: it can be used");
    assert_eq!(deleted.delete("", "").await.status, 200);
    deleted.ready().await;
    assert_eq!(deleted.delete("", "").await.status, 500, "another instance with the same id starts anew");

    let bound = Probed(&world, Behaviour::FailsBind);
    assert_eq!(bound.ready().await.bind("b", "", json!({})).await.status, 500);
    assert_eq!(bound.delete("/service_bindings/b", "").await.status, 200);
    assert_eq!(bound.delete("/service_bindings/b", "").await.status, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_upd_16_parameters_say_what_a_failed_update_leaves() {
    let world = World::start().await;
    let probed = Probed(&world, Behaviour::FailsUpdate);
    probed.ready().await;
    for (usable, repeatable) in [(true, true), (true, false), (false, true), (false, false)] {
        let parameters = json!({ "instance_usable": usable, "update_repeatable": repeatable });
        let accepted = probed.update(ACCEPTS, json!({ "parameters": parameters })).await;
        assert_eq!(accepted.status, 202, "{accepted:?}");
        let state = world.settle(&path(probed.1), &accepted.operation()).await.body;
        assert_eq!(
            (&state["state"], &state["instance_usable"], &state["update_repeatable"]),
            (&json!("failed"), &json!(usable), &json!(repeatable))
        );
        assert_eq!(world.get(&path(probed.1)).await.body["parameters"], json!({}), "B-UPD-15");
    }
    let repaired = probed.update(ACCEPTS, json!({ "parameters": { "succeed": true } })).await;
    let state = world.settle(&path(probed.1), &repaired.operation()).await.body;
    assert_eq!(state["state"], "succeeded");
    let refused = Probed(&world, Behaviour::UpdateRefused);
    refused.ready().await;
    let answer = refused.update("", json!({ "parameters": { "note": "x" } })).await;
    assert_eq!((answer.status, &answer.body["update_repeatable"]), (422, &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bindings_yield_what_their_plan_is_for() {
    let world = World::start().await;
    for (behaviour, key) in [
        (Behaviour::LogDrain, "syslog_drain_url"),
        (Behaviour::Route, "route_service_url"),
        (Behaviour::Volume, "volume_mounts"),
    ] {
        let bound = Probed(&world, behaviour).ready().await.bind("b", "", json!({})).await;
        assert_eq!(bound.status, 201);
        for other in ["syslog_drain_url", "route_service_url", "volume_mounts"] {
            assert_eq!(bound.body.get(other).is_some(), other == key, "{behaviour:?}: {other}");
        }
    }
    let unbindable = Probed(&world, Behaviour::NotBindable);
    assert_eq!(unbindable.ready().await.bind("b", "", json!({})).await.status, 400);
    let needy = Probed(&world, Behaviour::RequiresApp);
    let refused = needy.ready().await.bind("b", "", json!({})).await;
    assert_eq!((refused.status, refused.error()), (422, "RequiresApp"));
    for (id, fields) in
        [("top", json!({ "app_guid": "a" })), ("nested", json!({ "bind_resource": { "app_guid": "a" } }))]
    {
        assert_eq!(needy.bind(id, "", fields).await.status, 201, "B-BIND-14: {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b_rot_a_binding_is_replaced_and_both_work() {
    let world = World::start().await;
    for behaviour in [Behaviour::Rotatable, Behaviour::Expiring] {
        let probed = Probed(&world, behaviour);
        let first = probed.ready().await.bind("one", "", json!({ "parameters": { "note": "kept" } })).await;
        let rotation = json!({ "predecessor_binding_id": "one" });
        let two = format!("{}/service_bindings/two", path(behaviour));
        let second = world.put(&two, &rotation).await;
        assert_eq!((first.status, second.status), (201, 201), "B-ROT-06: {second:?}");
        assert_ne!(first.body["credentials"]["password"], second.body["credentials"]["password"]);
        let fetched = world.get(&two).await.body;
        assert_eq!(fetched["parameters"]["note"], "kept", "B-ROT-02");
        let one = world.get(&format!("{}/service_bindings/one", path(behaviour))).await;
        assert_eq!(one.body["credentials"], first.body["credentials"], "B-ROT-04");
        assert_eq!(world.put(&two, &rotation).await.status, 200, "B-ROT-05");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b_rot_03_only_a_working_binding_of_the_instance_is_replaced() {
    let world = World::start().await;
    let probed = Probed(&world, Behaviour::Expiring);
    let parameters = json!({ "parameters": { "lifetime_seconds": 1 } });
    probed.ready().await.bind("short", "", parameters).await;
    let rotate = |id: String, predecessor: &'static str| {
        let path = format!("{}/service_bindings/{id}", path(Behaviour::Expiring));
        let world = &world;
        async move { world.put(&path, &json!({ "predecessor_binding_id": predecessor })).await }
    };
    assert_eq!(rotate("orphan".to_owned(), "never").await.status, 400);
    let mut attempts = 0;
    loop {
        let answer = rotate(format!("successor-{attempts}"), "short").await;
        if answer.status == 400 {
            assert!(answer.description().contains("predecessor_binding_id"), "{answer:?}");
            break;
        }
        assert_eq!(answer.status, 201, "{answer:?}");
        attempts += 1;
        assert!(attempts < 200, "the binding does not expire");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let unrotatable = Probed(&world, Behaviour::Instant);
    unrotatable.ready().await.bind("one", "", json!({})).await;
    let answer = unrotatable.bind("two", "", json!({ "predecessor_binding_id": "one" })).await;
    assert_eq!(answer.status, 400, "B-ROT-01");
    let full = Probed(&world, Behaviour::Rotatable);
    full.ready().await.bind("one", "", json!({})).await;
    let rotation = json!({ "predecessor_binding_id": "one" });
    assert_eq!(full.bind("two", "", rotation.clone()).await.status, 201);
    let short = world.put(&format!("{}/service_bindings/two", path(full.1)), &rotation).await;
    assert_eq!(short.status, 200, "B-ROT-06: with and without service and plan it is the same rotation");
}

#[tokio::test(flavor = "multi_thread")]
async fn b_bro_02_03_lifetimes_have_the_form_of_the_specification() {
    let world = World::start().await;
    let probed = Probed(&world, Behaviour::Expiring);
    let bound = probed.ready().await.bind("b", "", json!({})).await.body;
    let (renew, expire) = (&bound["metadata"]["renew_before"], &bound["metadata"]["expires_at"]);
    let (renew, expire) = (renew.as_str().unwrap(), expire.as_str().unwrap());
    assert!(renew < expire, "{renew} {expire}");
    for text in [renew, expire] {
        let form: String =
            text.chars().map(|letter| if letter.is_ascii_digit() { 'd' } else { letter }).collect();
        assert_eq!(form, "dddd-dd-ddTdd:dd:dd.dZ");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b_upd_01_10_plans_change_only_between_the_two_that_allow_it() {
    let world = World::start().await;
    let probed = Probed(&world, Behaviour::Schema);
    probed.ready().await;
    let refused = probed.update("", json!({ "plan_id": Behaviour::Instant.id().as_str() })).await;
    assert_eq!(refused.status, 422);
    for name in ["'schema'", "'instant'", "schema-large"] {
        assert!(refused.description().contains(name), "{}", refused.description());
    }
    let changed = probed.update("", json!({ "plan_id": Behaviour::SchemaLarge.id().as_str() })).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let fetched = world.get(&path(probed.1)).await.body;
    assert_eq!(fetched["plan_id"], Behaviour::SchemaLarge.id().as_str());
    let back = probed.update("", json!({ "plan_id": Behaviour::Schema.id().as_str() })).await;
    assert_eq!(back.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_prov_07_the_version_of_the_catalog_is_the_only_one() {
    let world = World::start().await;
    let probed = Probed(&world, Behaviour::Maintenance);
    let wanted = |info: Value| {
        let fields = json!({ "organization_guid": "o", "space_guid": "s", "maintenance_info": info });
        body(Behaviour::Maintenance, fields)
    };
    for other in ["2.1.1", "2.1.1+other", "no version"] {
        let refused = world.put(&path(probed.1), &wanted(json!({ "version": other }))).await;
        assert_eq!((refused.status, refused.error()), (422, "MaintenanceInfoConflict"), "{other}");
    }
    let made = world.put(&path(probed.1), &wanted(json!({ "version": MAINTENANCE_VERSION }))).await;
    assert_eq!(made.status, 201);
    assert_eq!(world.get(&path(probed.1)).await.body["maintenance_info"]["version"], MAINTENANCE_VERSION);
    assert_eq!(world.put(&path(probed.1), &wanted(json!({}))).await.status, 200, "quirk 6");
}

#[tokio::test(flavor = "multi_thread")]
async fn b_prov_16_18_b_upd_17_19_a_202_says_what_is_known_already() {
    let world = World::start().await;
    let probed = Probed(&world, Behaviour::AsyncOnly);
    let created = probed.provision(ACCEPTS).await;
    let dashboard = created.body["dashboard_url"].as_str().unwrap();
    assert!(dashboard.ends_with("/async-only"), "{dashboard}");
    assert_eq!(created.body["metadata"]["attributes"]["behaviour"], "async-only");
    let again = probed.provision(ACCEPTS).await;
    assert_eq!((again.status, &again.body), (202, &created.body), "B-PROV-12");
    world.settle(&path(probed.1), &created.operation()).await;
    let fetched = world.get(&path(probed.1)).await.body;
    assert_eq!(fetched["dashboard_url"], dashboard);

    let updated = probed.update(ACCEPTS, json!({ "parameters": { "note": "x" } })).await;
    assert_eq!((updated.status, &updated.body["dashboard_url"]), (202, &json!(dashboard)));
    assert_eq!(updated.body["metadata"]["attributes"]["behaviour"], "async-only");
    world.settle(&path(probed.1), &updated.operation()).await;

    let bound = probed.bind("b", ACCEPTS, json!({})).await;
    let keys: Vec<&str> = bound.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((bound.status, keys), (202, vec!["operation"]), "B-BIND-20");
}
