//! `stripe-entitlement-feature`.

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};

use super::{Service, Vendor, archive_all, keeps_the_contract};

struct Features;

fn make(vendor: &Vendor, key: &str, metadata: Value) {
    let body = json!({ "lookup_key": key, "name": "theirs", "metadata": metadata });
    vendor.somebody("features.create", "", body);
}

impl Service for Features {
    const NAME: &'static str = "stripe-entitlement-feature";

    fn wishes() -> Wishes {
        Wishes::new(json!({ "lookup_key": "api-access", "name": "API access" }))
            .update(json!({ "name": "API" }))
            .refused(json!({ "lookup_key": "", "name": "API access" }))
            .refused(json!({ "lookup_key": "api access", "name": "API access" }))
            .refused(json!({ "lookup_key": "api-access" }))
    }

    /// The key is taken, as it stays when somebody archives the feature.
    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        make(vendor, "api-access", json!({}));
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        (0..101).for_each(|number| make(vendor, &format!("crowd-{number}"), json!({})));
        true
    }

    fn vanish(vendor: &Vendor) {
        archive_all(vendor, "entitlements.feature", "features.update");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_entitlement_feature_keeps_the_contract() {
    keeps_the_contract::<Features>(&[]).await;
}
