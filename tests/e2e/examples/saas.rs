//! The service: each customer's own host name, and everything at Stripe that a subscription needs.

use serde_json::Value;
use sutler_tests::cloudflare::Kind;
use sutler_tests::world::{Canary, Live};

use super::{applied, assert_sealed, only_one, text, torn_down};
use crate::shop::{opened_env, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_planned_applied_checked_and_torn_down() {
    let world = applied("saas", 10).await;
    let env = opened_env(&world).await;
    let (meter, link) = (only_one(&world, "billing.meter").await, only_one(&world, "payment_link").await);
    let (portal, endpoint) =
        (only_one(&world, "billing_portal.configuration").await, only_one(&world, "webhook_endpoint").await);
    only_one(&world, "entitlements.feature").await;
    assert_eq!(env["METER_EVENT"], meter["event_name"]);
    assert_eq!(env["BUY_URL"], link["url"]);
    assert_eq!(env["STRIPE_PORTAL"], portal["id"]);
    assert_eq!(env["STRIPE_SIGNING_SECRET"], endpoint["secret"]);
    assert_sealed(&world, &text(&endpoint["secret"]));
    let prices = world.stripe().in_use().await.expect("Stripe answers");
    let metered = prices.iter().find(|price| price["recurring"]["meter"] == meter["id"]);
    assert!(metered.is_some(), "a price counts with the meter: {prices:#?}");

    let hostnames = |live: &Live| {
        let found = live.things(Kind::CustomHostname);
        let mut names: Vec<String> = found.map(|hostname| hostname.name.clone()).collect();
        names.sort();
        names
    };
    let live = world.fake().live().await.expect("Cloudflare answers");
    assert_eq!(hostnames(&live), ["app.ada.example", "invoices.grace.example"]);
    let mut records: Vec<&str> = live.things(Kind::DnsRecord).map(|record| record.name.as_str()).collect();
    records.sort_unstable();
    assert_eq!(records, ["app.saas.example", "customers.saas.example"]);
    let all = live.things(Kind::CustomHostname);
    let origins: Vec<&Value> = all.map(|hostname| &hostname.shown["custom_origin_server"]).collect();
    assert_eq!(origins, ["app.saas.example"; 2]);
    // applied means that it works: host name and certificate
    for customer in ["customer-ada", "customer-grace"] {
        let outputs = run(&world, &["outputs", customer], 0).await;
        let told: Vec<&str> = outputs.stdout.lines().filter(|line| line.contains("status")).collect();
        assert!(
            told.len() == 2 && told.iter().all(|line| line.contains("active")),
            "{}",
            outputs.everything()
        );
    }

    // one more customer changes nothing about the others
    let before =
        [", grace: invoices.grace.example", ", grace: invoices.grace.example, edsger: go.edsger.example"];
    let changed = world.config().expect("readable").replace(before[0], before[1]);
    world.write_config(&changed).expect("writable");
    let plan = run(&world, &["plan", "--detailed-exitcode"], 3).await;
    assert!(plan.stdout.contains("1 to create"), "{}", plan.everything());
    run(&world, &["apply", "--yes"], 0).await;
    let live = world.fake().live().await.expect("Cloudflare answers");
    assert_eq!(hostnames(&live), ["app.ada.example", "go.edsger.example", "invoices.grace.example"]);

    let mut canary = Canary::of(&world);
    canary.watch("signing secret", text(&endpoint["secret"]));
    torn_down(&world, &canary).await;
}
