//! `cloudflare-kv`: a namespace of keys and values that Workers read everywhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::d1::Jurisdiction;
use crate::{Asynchronous, Guid, NoParameters, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("fcb48f2a-f208-4190-9507-978723989d9b");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("71933453-e9ec-46b6-bb2a-0523f51dec1d");
/// Its name.
pub const NAME: &str = "cloudflare-kv";

/// Keys of outputs.
pub mod output {
    /// Credentials and attributes: the namespace's id.
    pub const NAMESPACE_ID: &str = "namespace_id";
    /// Credentials and attributes: its title at Cloudflare.
    pub const NAMESPACE_TITLE: &str = "namespace_title";
    /// Credentials: the account it lives in.
    pub const ACCOUNT_ID: &str = "account_id";
    /// Attributes: where its data must stay, if that was asked for.
    pub const JURISDICTION: &str = "jurisdiction";
}

/// Parameters of a KV namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{}, { "jurisdiction": "eu" }, { "protect": false }]))]
pub struct Parameters {
    /// Where all data must stay, fixed at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sutler-fixed" = true, "examples" = ["eu"]))]
    pub jurisdiction: Option<Jurisdiction>,
    /// Whether a namespace with keys in it is kept when the instance is to be deleted: the deletion is refused then.
    /// `true` if left out.
    #[serde(default = "yes")]
    pub protect: bool,
}

fn yes() -> bool {
    true
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "A namespace of keys and values, read fast everywhere (Cloudflare Workers KV)";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "Keys and values that Workers reach by a binding and everything else over HTTP. What is written is seen \
             elsewhere within a minute or so. A binding gives ids and no token: Cloudflare has no scope for one \
             namespace; make a token that reaches all of them with cloudflare-token. Deleting the instance deletes all \
             keys at once; while there are keys, it is refused until protect is set to false.",
        )
        .tags(&["cloudflare", "kv", "key-value", "cache"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::NAMESPACE_ID, "The namespace's id, for Worker bindings and the API", Sensitivity::Public)
        .output(output::NAMESPACE_TITLE, "The namespace's title at Cloudflare", Sensitivity::Public)
        .output(output::ACCOUNT_ID, "The account it lives in", Sensitivity::Public)
        .output(output::JURISDICTION, "Where its data must stay, if asked for", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare Workers KV", "kv/")
}

fn standard() -> Plan {
    let description = "One namespace. Free within the limits of a free account; a paid account pays per use";
    Plan::new(STANDARD, "standard", description)
        .display_name("Standard")
        .bullet("Values of up to 25 MiB, keys of up to 512 bytes")
        .bullet("Free account: 100,000 reads and 1,000 writes a day, 1 GB in all")
        .bullet("Paid account: pays for reads, writes, deletions, lists and storage beyond what is included")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600)
        .parameters::<Parameters>()
        .bind::<NoParameters>()
}
