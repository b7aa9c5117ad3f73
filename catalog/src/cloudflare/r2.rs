//! `cloudflare-r2`: a bucket of objects behind the S3 interface; each binding has keys of its own for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::d1::{Jurisdiction, LocationHint};
use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

mod rules;

pub use rules::{CorsMethod, CorsRule, CustomDomain, LifecycleRule, MinimumTls};

/// The offering's id.
pub const ID: Guid = Guid::new("a2a7d67f-fb18-42b6-9c34-55141769645a");
/// The id of the plan for objects that are read often.
pub const STANDARD: Guid = Guid::new("a4095460-874a-4e58-82a0-11b767175eb1");
/// The id of the plan for objects that are read seldom.
pub const INFREQUENT_ACCESS: Guid = Guid::new("3d0ae4f2-a759-473c-8d20-c95d915fde34");
/// Its name.
pub const NAME: &str = "cloudflare-r2";

/// Keys of outputs.
pub mod output {
    /// Credentials and attributes: the bucket's name at Cloudflare.
    pub const BUCKET: &str = "bucket";
    /// Credentials and attributes: where the S3 interface is.
    pub const ENDPOINT: &str = "endpoint";
    /// Credentials: the region that an S3 client has to name.
    pub const REGION: &str = "region";
    /// Credentials: the account it lives in.
    pub const ACCOUNT_ID: &str = "account_id";
    /// Credentials: the id of the key; no secret.
    pub const ACCESS_KEY_ID: &str = "access_key_id";
    /// Credentials: the key.
    pub const SECRET_ACCESS_KEY: &str = "secret_access_key";
    /// Attributes: where its data must stay, if that was asked for.
    pub const JURISDICTION: &str = "jurisdiction";
    /// Attributes: where Cloudflare put it.
    pub const LOCATION: &str = "location";
    /// Attributes: its host name below r2.dev, if that is open.
    pub const R2_DEV_DOMAIN: &str = "r2_dev_domain";
}

/// Parameters of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    {},
    { "jurisdiction": "eu", "cors": [{ "origins": ["https://shop.example.com"], "methods": ["GET", "PUT"] }] },
    { "lifecycle": [{ "id": "logs", "prefix": "logs/", "delete_after": 2_592_000 }] },
    { "lifecycle": [{ "id": "campaign", "prefix": "campaign/", "delete_on": "2027-01-31" }] },
]))]
pub struct Parameters {
    /// Where all data must stay, fixed at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sutler-fixed" = true, "examples" = ["eu"]))]
    pub jurisdiction: Option<Jurisdiction>,
    /// Where the bucket should be created, fixed at creation; not together with `jurisdiction`. Cloudflare follows it
    /// only for a name that it sees for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sutler-fixed" = true, "examples" = ["weur"]))]
    pub location_hint: Option<LocationHint>,
    /// Which web pages of others may read and write objects from a browser; none if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub cors: Vec<CorsRule>,
    /// What happens to objects by themselves as they grow old, or from a day on. A rule for the whole bucket that only gives up unfinished
    /// uploads, such as the one that every new bucket has, is never removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub lifecycle: Vec<LifecycleRule>,
    /// Whether everybody can read all objects at an address below `r2.dev`, meant for trying things; `false` if left
    /// out.
    #[serde(default)]
    pub r2_dev: bool,
    /// Host names at which everybody can read all objects. The instance is ready when all of them work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub custom_domains: Vec<CustomDomain>,
    /// Whether a bucket with objects in it, or with host names that were attached by others, is kept when the instance
    /// is to be deleted: the deletion is refused then. `true` if left out.
    #[serde(default = "yes")]
    pub protect: bool,
    /// Whether deleting the instance deletes all objects, one by one; needs `protect` to be `false`. Without it, only an
    /// empty bucket can be deleted. `false` if left out.
    #[serde(default)]
    pub force_empty: bool,
}

fn yes() -> bool {
    true
}

/// What a key may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Read and list objects.
    Read,
    /// Read, list, write and delete objects.
    #[default]
    ReadWrite,
}

/// Parameters of a binding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{}, { "access": "read", "ttl_hours": 24 }]))]
pub struct BindingParameters {
    /// What the key may do; `read-write` if left out.
    #[serde(default)]
    pub access: Access,
    /// Hours that the key lives; for ever if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8_760))]
    pub ttl_hours: Option<u32>,
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description =
        "A bucket of objects behind the S3 interface, without fees for reading out (Cloudflare R2)";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "Objects of any size, kept until they are deleted. Each binding is a key of its own that reaches this one \
             bucket and nothing else; it works with every S3 client that addresses by path, and is revoked with the \
             binding. Rules for browsers and for ageing objects, an address below r2.dev, and host names of your own \
             can be changed at any time. Deleting a bucket that has objects is refused, unless protect is set to false \
             and force_empty to true. Somebody has to accept R2's terms once in the account's dashboard.",
        )
        .tags(&["cloudflare", "r2", "s3", "objects", "storage"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::BUCKET, "The bucket's name", Sensitivity::Public)
        .output(output::ENDPOINT, "Where the S3 interface is", Sensitivity::Public)
        .output(output::REGION, "The region that an S3 client has to name", Sensitivity::Public)
        .output(output::ACCOUNT_ID, "The account it lives in", Sensitivity::Public)
        .output(output::ACCESS_KEY_ID, "Names the binding's key", Sensitivity::Public)
        .output(output::SECRET_ACCESS_KEY, "The binding's key", Sensitivity::Secret)
        .output(output::JURISDICTION, "Where its data must stay, if asked for", Sensitivity::Public)
        .output(output::LOCATION, "Where Cloudflare put it", Sensitivity::Public)
        .output(output::R2_DEV_DOMAIN, "Its host name below r2.dev, while that is open", Sensitivity::Public)
        .with_plan(standard())
        .with_plan(infrequent_access());
    super::described(offering, "Cloudflare R2", "r2/")
}

fn standard() -> Plan {
    plan(STANDARD, "standard", "Objects that are read often; pays per use beyond what is included each month")
        .display_name("Standard")
        .bullet("10 GB, a million changes and ten million reads a month are included")
}

fn infrequent_access() -> Plan {
    plan(
        INFREQUENT_ACCESS,
        "infrequent-access",
        "Objects that are read seldom; pays per use, nothing is included",
    )
    .display_name("Infrequent access")
    .bullet("Keeping costs less and reading costs more; every object is paid for 30 days at least")
}

fn plan(id: Guid, name: &str, description: &str) -> Plan {
    Plan::new(id, name, description)
        .free(false)
        .bullet("Keys for one bucket, revoked on unbind; an account holds at most 500")
        .bullet("Changing the plan counts for objects written later")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(86_400)
        .plan_updateable(true)
        .parameters::<Parameters>()
        .bind::<BindingParameters>()
}
