//! `stripe-coupon`.

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};

use super::{Service, Vendor, archive_all, keeps_the_contract};

struct Coupons;

fn make(vendor: &Vendor, id: &str) {
    vendor.somebody("coupons.create", "", json!({ "id": id, "percent_off": 5, "duration": "once" }));
}

impl Service for Coupons {
    const NAME: &'static str = "stripe-coupon";

    /// A code that is restricted otherwise makes place for another of its text.
    fn wishes() -> Wishes {
        Wishes::new(json!({
            "name": "Spring", "percent_off": 12.5, "duration": "repeating", "duration_in_months": 3,
            "promotion_codes": { "FRIENDS-26": { "max_redemptions": 10 } },
        }))
        .update(json!({ "name": "Summer", "promotion_codes": { "FRIENDS-26": { "max_redemptions": 20 } } }))
        .refused(json!({ "percent_off": 5, "amount_off": 5, "currency": "eur", "duration": "once" }))
        .refused(json!({ "amount_off": 5, "duration": "once" }))
        .refused(json!({ "percent_off": 5, "duration": "repeating" }))
        .refused(json!({ "percent_off": 5, "duration": "once", "promotion_codes": { "a b": {} } }))
        .refused(json!({ "percent_off": 5, "duration": "once", "promotion_codes": { "a": {}, "A": {} } }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        make(vendor, &format!("osb_{}", target.marker.hex(32)));
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        (0..101).for_each(|number| make(vendor, &format!("crowd_{number}")));
        true
    }

    fn vanish(vendor: &Vendor) {
        archive_all(vendor, "promotion_code", "promotion_codes.update");
        for object in vendor.control().objects() {
            if object["object"] == "coupon" {
                vendor.somebody("coupons.delete", object["id"].as_str().unwrap(), Value::Null);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_coupon_keeps_the_contract() {
    keeps_the_contract::<Coupons>(&[]).await;
}
