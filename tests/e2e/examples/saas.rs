//! The service: a name for each customer, and everything at Stripe that a subscription needs.

use sutler_tests::cloudflare::Kind;
use sutler_tests::world::Canary;

use super::{applied, assert_sealed, only_one, text, torn_down};
use crate::shop::{opened_env, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_planned_applied_checked_and_torn_down() {
    let world = applied("saas", 9).await;
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

    let names = |live: &sutler_tests::world::Live| {
        let mut names: Vec<String> = live.things(Kind::DnsRecord).map(|record| record.name.clone()).collect();
        names.sort();
        names
    };
    let live = world.fake().live().await.expect("Cloudflare answers");
    assert_eq!(names(&live), ["ada.saas.example", "grace.saas.example"]);

    // one more customer changes nothing about the others
    let changed = world.config().expect("readable").replace("[ada, grace]", "[ada, grace, edsger]");
    world.write_config(&changed).expect("writable");
    let plan = run(&world, &["plan", "--detailed-exitcode"], 3).await;
    assert!(plan.stdout.contains("1 to create"), "{}", plan.everything());
    run(&world, &["apply", "--yes"], 0).await;
    let live = world.fake().live().await.expect("Cloudflare answers");
    assert_eq!(names(&live), ["ada.saas.example", "edsger.saas.example", "grace.saas.example"]);

    let mut canary = Canary::of(&world);
    canary.watch("signing secret", text(&endpoint["secret"]));
    torn_down(&world, &canary).await;
}
