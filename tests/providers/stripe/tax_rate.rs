//! `stripe-tax-rate`.

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};

use super::{Service, Vendor, archive_all, keeps_the_contract};

struct TaxRates;

fn make(vendor: &Vendor, name: &str, metadata: Value) {
    let body = json!({ "display_name": name, "percentage": 7, "inclusive": true, "metadata": metadata });
    vendor.somebody("tax_rates.create", "", body);
}

impl Service for TaxRates {
    const NAME: &'static str = "stripe-tax-rate";

    fn wishes() -> Wishes {
        Wishes::new(json!({
            "display_name": "VAT", "percentage": 8.1, "inclusive": false, "country": "CH", "tax_type": "vat",
        }))
        .update(json!({ "display_name": "MWST", "country": null, "description": "Switzerland" }))
        .refused(json!({ "display_name": "VAT", "percentage": 120, "inclusive": false }))
        .refused(json!({ "display_name": "VAT", "percentage": 8.12345, "inclusive": false }))
        .refused(json!({ "display_name": "VAT", "inclusive": false }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        make(vendor, "theirs", json!({ "sutler_mark": target.marker.hex(32) }));
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        (0..101).for_each(|number| make(vendor, &format!("crowd {number}"), json!({})));
        true
    }

    fn vanish(vendor: &Vendor) {
        archive_all(vendor, "tax_rate", "tax_rates.update");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_tax_rate_keeps_the_contract() {
    keeps_the_contract::<TaxRates>(&[]).await;
}
