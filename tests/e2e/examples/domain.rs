//! A domain is rehearsed: bought once, set up, proven and certified; what a registrar keeps is all that is left.

use serde_json::Value;
use sutler_tests::cloudflare::Kind;
use sutler_tests::world::{Canary, World};

use super::{applied, text, torn_down_but};
use crate::shop::opened_env;

/// The records of the name server, without those that it began with.
async fn records(world: &World) -> Vec<String> {
    let names = world.names().expect("a name server");
    let mut records = names.bind().records(names.zone()).await.expect("it answers");
    records.retain(|line| !line.contains(" NS ") && !line.starts_with("ns1."));
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn the_domain_is_planned_applied_checked_and_torn_down() {
    let world = applied("domain", 6).await;
    let live = world.fake().live().await.expect("Cloudflare answers");
    let bought: Vec<&str> = live.things(Kind::RehearsedRegistration).map(|one| one.name.as_str()).collect();
    assert_eq!(bought, ["rehearsed-shop.com"]);
    assert_eq!(live.things(Kind::Registration).count(), 0, "nothing is registered");
    assert_eq!(live.things(Kind::Charge).count(), 0, "nothing is paid");

    let hosted = world.dnsimple().expect("a DNSimple").things().await.expect("DNSimple answers");
    let hosted: Vec<(&str, &str, &Value)> = hosted
        .iter()
        .map(|thing| {
            (
                thing["kind"].as_str().unwrap_or(""),
                thing["name"].as_str().unwrap_or(""),
                &thing["shown"]["type"],
            )
        })
        .collect();
    assert_eq!(
        hosted,
        [("domain", "rehearsed-shop.com", &Value::Null), ("record", "rehearsed-shop.com", &"TXT".into())]
    );

    let there = records(&world).await;
    assert!(there.iter().any(|line| line == "www.rehearsed-shop.com 300 A 192.0.2.1"), "{there:#?}");
    assert!(there.iter().any(|line| line.starts_with("_osb-challenge.rehearsed-shop.com ")), "{there:#?}");
    assert!(there.iter().all(|line| !line.contains("_acme-challenge")), "proofs are removed: {there:#?}");

    let env = opened_env(&world).await;
    let (chain, key) = (text(&env["TLS_CERTIFICATE"]), text(&env["TLS_KEY"]));
    let serial = assert_pair(&chain, &key);
    let pebble = world.names().expect("an authority").pebble();
    assert_eq!(pebble.status(&serial).await.expect("it answers").as_deref(), Some("Valid"));

    let mut canary = Canary::of(&world);
    canary.watch("where the registrant lives", "Registrant-Street 1");
    canary.watch("key of the certificate", key.lines().nth(1).expect("a line of the key"));
    for (name, secret) in world.names().expect("a name server").secrets() {
        canary.watch(name, secret);
    }
    canary.allow(world.project().join("sutler.yaml"));
    torn_down_but(&world, &canary, &["RehearsedRegistration"]).await;
    assert_eq!(pebble.status(&serial).await.expect("it answers").as_deref(), Some("Revoked"));
    let left = records(&world).await;
    assert!(
        left.iter().all(|line| line.starts_with("_osb-challenge.")) && left.len() == 1,
        "what a person has set is left to that person, and nothing else: {left:#?}"
    );
}

/// A server can use both together. Gives the serial number.
fn assert_pair(chain: &str, key: &str) -> String {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let certificates = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .expect("certificates");
    let serial = serial(&certificates[0]);
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .expect("the key is that of the certificate");
    serial
}

/// The serial number in hexadecimal: the first integer after the version, [0] { 2 } (RFC 5280 section 4.1).
fn serial(der: &[u8]) -> String {
    let version = [0xa0, 0x03, 0x02, 0x01, 0x02];
    let at = der.windows(5).position(|part| part == version).expect("a version") + 5;
    let (tag, length) = (der[at], usize::from(der[at + 1]));
    assert_eq!(tag, 2, "a serial number comes next");
    der[at + 2..at + 2 + length].iter().map(|byte| format!("{byte:02x}")).collect()
}
