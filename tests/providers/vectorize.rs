//! `cloudflare-vectorize`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, Vectorize};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor};

pub(crate) struct Indexes;

impl Service for Indexes {
    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(Vectorize::new(client))
    }

    fn wishes() -> Wishes {
        let of = |property: &str, of: &str| json!({ "property": property, "type": of });
        let properties = json!([of("language", "string"), of("year", "number")]);
        Wishes::new(json!({ "dimensions": 3, "metric": "cosine", "metadata_indexes": properties }))
            .update(json!({ "metadata_indexes": [of("language", "string"), of("year", "string")] }))
            .refused(json!({ "dimensions": 3 }))
            .refused(json!({ "preset": "openai/text-embedding-ada-002", "metric": "cosine" }))
            .refused(json!({ "dimensions": 2_000, "metric": "cosine" }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        let name = target.marker.name(Some(target.name), 63);
        let index = json!({ "name": name, "config": { "dimensions": 3, "metric": "cosine" } });
        vendor.somebody("vectorize.create", &[], index);
        Some(Work::Provision)
    }

    fn vanish(vendor: &Vendor) {
        vendor.vanish(Kind::VectorIndex, "vectorize.delete", "index_name");
    }
}
