//! `domain-zone`, at each of the vendors behind it.

mod guards;

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{self, Target, Wishes};
use sutler_broker_server::providers::{Provider, cloudflare as of_cloudflare, dnsimple as of_dnsimple};
use sutler_spec::Credentials;

use crate::zone::Zones;
use crate::{NEITHER_BOUND_NOR_MARKED, cloudflare, dnsimple};

const NAME: &str = "contract.example";

/// The plan `cloudflare`.
struct AtCloudflare;

impl cloudflare::Service for AtCloudflare {
    fn prepare(vendor: &cloudflare::Vendor) {
        Zones::prepare(vendor);
    }

    fn provider(client: &of_cloudflare::Client) -> Arc<dyn Provider> {
        Arc::new(of_cloudflare::DomainZone::new(client))
    }

    fn wishes() -> Wishes {
        Zones::wishes().refused(json!({ "name": NAME, "type": "partial" }))
    }

    fn occupy(vendor: &cloudflare::Vendor, target: &Target<'_>) -> Option<Work> {
        Zones::occupy(vendor, target)
    }

    fn crowd(vendor: &cloudflare::Vendor) -> bool {
        Zones::crowd(vendor)
    }

    fn vanish(vendor: &cloudflare::Vendor) {
        Zones::vanish(vendor);
    }

    fn accepts(vendor: &cloudflare::Vendor, credentials: &Credentials) -> Option<bool> {
        Zones::accepts(vendor, credentials)
    }
}

/// The plan `dnsimple`.
struct AtDnsimple;

impl dnsimple::Service for AtDnsimple {
    fn prepare(vendor: &dnsimple::Vendor) {
        vendor.control().take_elsewhere("taken.example");
    }

    fn provider(client: &of_dnsimple::Client) -> Arc<dyn Provider> {
        Arc::new(of_dnsimple::DomainZone::new(client))
    }

    fn wishes() -> Wishes {
        Wishes::new(json!({ "name": NAME }))
            .update(json!({ "protect": false }))
            .refused(json!({ "name": "localhost" }))
            .refused(json!({ "name": "taken.example" }))
            .refused(json!({ "name": "a.invalid" }))
    }

    fn occupy(vendor: &dnsimple::Vendor, _target: &Target<'_>) -> Option<Work> {
        vendor.domain(NAME);
        Some(Work::Provision)
    }

    fn vanish(vendor: &dnsimple::Vendor) {
        let is_there = vendor.control().things().iter().any(|found| found.name == NAME);
        if is_there {
            vendor.somebody("domains.delete", &[("domain", NAME)], Value::Null);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_zone_at_cloudflare_keeps_the_contract() {
    let report = contract::run::<cloudflare::Stage<AtCloudflare>>().await;
    assert_eq!(report.not_tried(), [""; 0], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_zone_at_dnsimple_keeps_the_contract() {
    let report = contract::run::<dnsimple::Stage<AtDnsimple>>().await;
    // a domain is asked for by its name, and no list of domains is read
    let expected = [&NEITHER_BOUND_NOR_MARKED[..], &["second_page"]].concat();
    assert_eq!(report.not_tried(), expected, "{report}");
}
