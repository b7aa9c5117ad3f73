//! The whole shop: at the end, its Worker has what three brokers made at two vendors.

use serde_json::{Value, json};
use sutler_tests::cloudflare::Kind;
use sutler_tests::world::{ACCOUNT, Binaries, Canary, Live, World};

use super::{applied, assert_sealed, only_one, text, torn_down};
use crate::shop::opened_env;

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_shop_is_planned_applied_checked_and_torn_down() {
    let world = applied("shop-full", 10).await;
    let live = world.fake().live().await.expect("Cloudflare answers");
    let env = opened_env(&world).await;

    let (database, tokens) = (live.databases()[0].1.clone(), live.tokens());
    assert_eq!((live.databases().len(), tokens.len()), (1, 3));
    assert_eq!(live.migrations_of(&database), ["0001_products.sql", "0002_stock.sql"]);
    let namespace = live.things(Kind::Namespace).next().expect("a namespace").id.clone();
    let zone = live.things(Kind::Zone).next().expect("a zone").id.clone();
    let mut records: Vec<&str> = live.things(Kind::DnsRecord).map(|record| record.name.as_str()).collect();
    records.sort_unstable();
    assert_eq!(records, ["shop.example", "www.shop.example"]);
    assert!(live.things(Kind::DnsRecord).all(|record| record.hidden["zone"] == zone.as_str()));
    assert_eq!(live.active_pages_domains(), ["www.shop.example"]);

    let endpoint = only_one(&world, "webhook_endpoint").await;
    let product = only_one(&world, "product").await;
    let prices = world.stripe().in_use().await.expect("Stripe answers");
    let price = |amount: u64| {
        let found = prices.iter().find(|one| one["object"] == "price" && one["unit_amount"] == amount);
        text(&found.unwrap_or_else(|| panic!("a price of {amount}: {prices:#?}"))["id"])
    };
    assert_eq!(product["default_price"], price(450).as_str());

    let secrets = live.worker_secrets("shop");
    assert_eq!(secrets.len(), 5);
    assert_eq!(
        secrets["STRIPE_SIGNING_SECRET"],
        text(&endpoint["secret"]),
        "Stripe's secret is in the Worker"
    );
    assert!(tokens.contains(&secrets["DB_TOKEN"]), "the Worker has a token that lives");
    assert!(world.fake().accepts_token(&secrets["DB_TOKEN"]).await.expect("Cloudflare answers"));
    assert_eq!(secrets["PRICES"], format!("once={};monthly={}", price(450), price(1200)));
    let key = text(&env["AWS_ACCESS_KEY_ID"]);
    assert_eq!(secrets["STORES"], format!("db={database};sessions={namespace};pictures={key}"));
    let secret_key = text(&env["AWS_SECRET_ACCESS_KEY"]);
    assert_eq!(secrets["PICTURES_KEY"], secret_key, "the Worker signs with the key that was tried");
    assert_opens_the_bucket(&world, &live, &env).await;
    assert_eq!((&env["D1_ID"], &env["KV_ID"]), (&database.into(), &namespace.into()));
    let dns_token = text(&env["DNS_TOKEN"]);
    assert!(
        tokens.contains(&dns_token) && dns_token != secrets["DB_TOKEN"],
        "each purpose has its own token"
    );
    assert_sealed(&world, &dns_token);
    assert_sealed(&world, &secret_key);

    assert_sent_as_compared(&world).await;
    let mut canary = Canary::of(&world);
    canary.watch("token of the database", secrets["DB_TOKEN"].clone());
    canary.watch("token of the zone", dns_token.clone());
    canary.watch("key of the bucket", secret_key);
    canary.watch("signing secret", secrets["STRIPE_SIGNING_SECRET"].clone());
    torn_down(&world, &canary).await;
    assert!(!world.fake().accepts_token(&dns_token).await.expect("Cloudflare answers"), "revoked");
}

/// The bucket is as it was asked for, and its key belongs to a token that reaches it and nothing else; it was tried at the
/// very address that an app is given.
async fn assert_opens_the_bucket(world: &World, live: &Live, env: &Value) {
    let bucket = live.things(Kind::Bucket).next().expect("a bucket");
    assert_eq!((&bucket.shown["jurisdiction"], &env["PICTURES_BUCKET"]), (&json!("eu"), &json!(bucket.name)));
    assert_eq!(bucket.hidden["cors"][0]["allowed"]["methods"], json!(["GET", "PUT"]));
    let endpoint = format!("{}/{ACCOUNT}/eu", world.fake().s3_base_url());
    assert_eq!(env["AWS_ENDPOINT_URL_S3"], endpoint);
    let id = text(&env["AWS_ACCESS_KEY_ID"]);
    let token = live.snapshot().tokens.iter().find(|token| token.id == id).expect("its token");
    let resource = format!("com.cloudflare.edge.r2.bucket.{ACCOUNT}_eu_{}", bucket.name);
    assert_eq!(token.policies[0]["resources"], json!({ resource: "*" }));
    let ledger = world.fake().ledger().await.expect("Cloudflare answers");
    let tried = ledger.iter().any(|entry| {
        entry.operation.as_deref() == Some("s3.list_objects")
            && entry.status == Some(200)
            && entry.authenticated_as == Some(format!("token:{id}"))
    });
    assert!(tried, "the key was tried before it was handed out");
}

/// The texts that D1 was sent are those that `scripts/compare-d1` runs in D1's own engine. `UPDATE_GOLDEN=1` writes them anew.
async fn assert_sent_as_compared(world: &World) {
    let ledger = world.fake().ledger().await.expect("Cloudflare answers");
    let bodies = ledger
        .iter()
        .filter(|entry| entry.path.ends_with("/query"))
        .filter_map(|entry| entry.request_body.as_ref());
    let texts: Vec<&str> =
        bodies.filter(|body| body.get("params").is_none()).filter_map(|body| body["sql"].as_str()).collect();
    assert_eq!(texts.len(), 3, "the ledger's table and two migrations: {texts:#?}");
    let sent = json!({ "databases": [{ "name": "docs/examples/shop-full", "texts": texts }] });
    let path = Binaries::workspace().join("tests/contracts/d1-sent.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&sent).expect("JSON");
        std::fs::write(&path, text + "\n").expect("writable");
    }
    let compared = std::fs::read_to_string(&path).expect("readable");
    let compared: serde_json::Value = serde_json::from_str(&compared).expect("JSON");
    assert!(
        compared == sent,
        "{} differs; UPDATE_GOLDEN=1 writes it anew, then run scripts/compare-d1",
        path.display()
    );
}
