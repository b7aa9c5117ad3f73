//! The rules of a bucket: for browsers, for objects that grow old, for host names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a web page may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "methods of HTTP")]
pub enum CorsMethod {
    Get,
    Put,
    Post,
    Delete,
    Head,
}

/// Web pages, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorsRule {
    /// Where the pages come from, such as `https://shop.example.com`; `*` is from anywhere.
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 255)))]
    pub origins: Vec<String>,
    /// What they may ask for.
    #[schemars(length(min = 1, max = 5))]
    pub methods: Vec<CorsMethod>,
    /// Headers that they may send; none but the harmless ones if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 255)))]
    pub headers: Vec<String>,
    /// Headers of answers that they may see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 255)))]
    pub expose_headers: Vec<String>,
    /// Seconds that a browser may remember this; left to the browser if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86_400))]
    pub max_age: Option<u32>,
}

/// What happens to objects of an age, or from a day on; at least one of these is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifecycleRule {
    /// Names the rule; no two rules have the same.
    #[schemars(length(min = 1, max = 255))]
    pub id: String,
    /// Counts for objects whose key begins so; for all if left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1_024))]
    pub prefix: String,
    /// Whether the rule is in force; `true` if left out.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Seconds after which an object is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3_153_600_000_u64))]
    pub delete_after: Option<u64>,
    /// The day from whose beginning (UTC) on all objects are deleted, such as `2027-01-31`; not together with
    /// `delete_after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub delete_on: Option<String>,
    /// Seconds after which an object is kept as in the plan `infrequent-access`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3_153_600_000_u64))]
    pub infrequent_access_after: Option<u64>,
    /// The day from whose beginning (UTC) on all objects are kept so; not together with `infrequent_access_after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub infrequent_access_on: Option<String>,
    /// Seconds after which an upload in parts that is not finished is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3_153_600_000_u64))]
    pub abort_uploads_after: Option<u64>,
}

fn yes() -> bool {
    true
}

/// The oldest TLS that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "versions of TLS")]
pub enum MinimumTls {
    #[serde(rename = "1.0")]
    V1_0,
    #[serde(rename = "1.1")]
    V1_1,
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}

/// A host name of the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomDomain {
    /// The host name; lies in the zone.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$")
    )]
    pub domain: String,
    /// The id of its zone, which is active in the same account.
    #[schemars(regex(pattern = r"^[0-9a-f]{32}$"))]
    pub zone_id: String,
    /// The oldest TLS that is spoken there; left to Cloudflare if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_tls: Option<MinimumTls>,
}
