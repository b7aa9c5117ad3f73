//! A domain is rehearsed: bought once, then set up; what a registrar keeps is all that is left.

use sutler_tests::cloudflare::Kind;
use sutler_tests::world::Canary;

use super::{applied, torn_down_but};

#[tokio::test(flavor = "multi_thread")]
async fn the_domain_is_planned_applied_checked_and_torn_down() {
    let world = applied("domain", 3).await;
    let live = world.fake().live().await.expect("Cloudflare answers");
    let bought: Vec<&str> = live.things(Kind::RehearsedRegistration).map(|one| one.name.as_str()).collect();
    assert_eq!(bought, ["rehearsed-shop.com"]);
    assert_eq!(live.things(Kind::Registration).count(), 0, "nothing is registered");
    assert_eq!(live.things(Kind::Charge).count(), 0, "nothing is paid");
    let zone = live.things(Kind::Zone).next().expect("a zone");
    assert_eq!(zone.name, "rehearsed-shop.com");
    assert_eq!(live.things(Kind::DnsRecord).count(), 2);

    let mut canary = Canary::of(&world);
    canary.watch("where the registrant lives", "Registrant-Street 1");
    canary.allow(world.project().join("sutler.yaml"));
    torn_down_but(&world, &canary, &["RehearsedRegistration"]).await;
}
