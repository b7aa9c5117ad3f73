//! Our extensions of the protocol, under a path of their own. A platform that does not know them loses nothing; an offering
//! names those it has in its metadata (`metadata.sutler.extensions`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::InstanceId;

/// `GET`: objects at the vendor that instances of an offering could be. Query: `service_id`; `cursor` for a further page;
/// `object` for one object by its vendor's id, with everything that is known of it.
pub const DISCOVER_PATH: &str = "/x-sutler/v1/discover";

/// One page of what a vendor has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DiscoveredPage {
    /// The objects, in the vendor's order.
    pub objects: Vec<DiscoveredObject>,
    /// To be handed back for the next page; opaque. Absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An object at the vendor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiscoveredObject {
    /// The vendor's id of it: what adopting names.
    pub id: String,
    /// The vendor's name for it, or whatever a person finds it by. Not secret.
    pub name: String,
    /// Whose it is.
    pub owner: ObjectOwner,
    /// Why it cannot be adopted; absent when it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_adoptable: Option<String>,
    /// Parameters that describe it as it is; all of them when it was asked for by its id.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
}

/// Whose an object at the vendor is, as far as a broker knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ObjectOwner {
    /// Nobody's: it carries no mark, and the broker has no record of it.
    Nobody,
    /// An instance of this broker's.
    Instance {
        /// Which.
        instance_id: InstanceId,
    },
    /// It carries a mark of an instance that this broker does not know: another installation's, or one that is forgotten.
    Elsewhere,
}
