//! The calls of Vectorize, as they mean something to an index.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;

use super::super::client::{Api, Call, CallError, Endpoint, Place, Probe, Product};
use crate::providers::Sent;

pub(super) static LIST: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/vectorize/v2/indexes" };
pub(super) static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
pub(super) static READ: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/vectorize/v2/indexes/{index}" };
pub(super) static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
pub(super) static INFO: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/vectorize/v2/indexes/{index}/info" };
pub(super) static PROPERTIES: Endpoint = Endpoint {
    method: Method::GET,
    template: "/accounts/{account}/vectorize/v2/indexes/{index}/metadata_index/list",
};
pub(super) static ADD: Endpoint = Endpoint {
    method: Method::POST,
    template: "/accounts/{account}/vectorize/v2/indexes/{index}/metadata_index/create",
};
pub(super) static REMOVE: Endpoint = Endpoint {
    method: Method::POST,
    template: "/accounts/{account}/vectorize/v2/indexes/{index}/metadata_index/delete",
};

/// Vectorize: 3000 no such index, 3002 one of that name exists.
pub(super) static INDEXES: Product = Product {
    endpoints: &[&LIST, &CREATE, &READ, &DELETE, &INFO, &PROPERTIES, &ADD, &REMOVE],
    missing: &[3000],
    exists: &[3002],
    transient: &[],
    advice: &[
        (3001, "it does not accept the name; give the instance another one"),
        (3003, "it does not accept dimensions, metric or preset"),
        (3005, "an index of that name was deleted a short while ago; try again later"),
        (40004, "it does not accept the properties to filter by"),
        (40005, "it does not accept the properties to filter by"),
        (40026, "it does not accept the properties to filter by"),
    ],
};

/// Shows whether the token may see them.
pub(in super::super) static PROBE: Probe = Probe {
    product: &INDEXES,
    endpoint: &LIST,
    place: Place::Account(&[]),
    query: &[],
    headers: &[],
    permissions: "Vectorize Write",
};

/// All Vectorize indexes of the account.
#[derive(Debug)]
pub struct Indexes {
    pub(super) api: Api,
}

/// An index as Cloudflare shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Shown {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    pub(super) config: Config,
}

#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub(super) dimensions: u32,
    pub(super) metric: String,
}

/// An index with its properties.
#[derive(Debug)]
pub(crate) struct Index {
    pub(super) shown: Shown,
    /// What values of each property are.
    pub(super) properties: BTreeMap<String, String>,
}

impl Indexes {
    /// There is neither a filter nor a second page.
    pub(super) async fn all(&self) -> Result<Vec<Shown>, CallError> {
        self.api.send(&Call::new(&LIST, &[])).await?.into()
    }

    pub(super) async fn properties(&self, name: &str) -> Result<BTreeMap<String, String>, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Property {
            property_name: String,
            index_type: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            #[serde(default)]
            metadata_indexes: Vec<Property>,
        }
        let answer: Answer = self.api.send(&Call::new(&PROPERTIES, &[name])).await?.into()?;
        let pair = |property: Property| (property.property_name, property.index_type.to_lowercase());
        Ok(answer.metadata_indexes.into_iter().map(pair).collect())
    }

    pub(super) async fn has_vectors(&self, name: &str) -> Result<bool, CallError> {
        let answer = self.api.send(&Call::new(&INFO, &[name])).await?;
        answer.result["vectorCount"].as_u64().map(|count| count > 0).ok_or(CallError::incomplete(Sent::No))
    }
}
