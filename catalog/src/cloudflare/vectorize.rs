//! `cloudflare-vectorize`: an index of vectors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, NoParameters, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("f730c7b6-d944-4eee-8fee-1fb9bed545a5");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("9dfd235e-639e-4336-9e81-083666613be5");
/// Its name.
pub const NAME: &str = "cloudflare-vectorize";

/// Keys of outputs.
pub mod output {
    /// Credentials and attributes: the index's name at Cloudflare.
    pub const INDEX_NAME: &str = "index_name";
    /// Credentials: the account it lives in.
    pub const ACCOUNT_ID: &str = "account_id";
    /// Attributes: how many numbers a vector has.
    pub const DIMENSIONS: &str = "dimensions";
    /// Attributes: how vectors are compared.
    pub const METRIC: &str = "metric";
}

/// How vectors are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "words of mathematics")]
pub enum Metric {
    Cosine,
    Euclidean,
    DotProduct,
}

/// A model whose vectors are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "names of models")]
pub enum Preset {
    #[serde(rename = "@cf/baai/bge-small-en-v1.5")]
    BgeSmall,
    #[serde(rename = "@cf/baai/bge-base-en-v1.5")]
    BgeBase,
    #[serde(rename = "@cf/baai/bge-large-en-v1.5")]
    BgeLarge,
    #[serde(rename = "openai/text-embedding-ada-002")]
    Ada,
    #[serde(rename = "cohere/embed-multilingual-v2.0")]
    CohereMultilingual,
}

/// What a property's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "names of types")]
pub enum PropertyType {
    String,
    Number,
    Boolean,
}

/// A property of vectors that queries can filter by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetadataIndex {
    /// The property.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9_.-]+$"))]
    pub property: String,
    /// What its values are.
    pub r#type: PropertyType,
}

/// Parameters of an index: either `preset`, or `dimensions` and `metric`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "dimensions": 768, "metric": "cosine" }, { "preset": "@cf/baai/bge-base-en-v1.5" }]))]
pub struct Parameters {
    /// How many numbers a vector has, fixed at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_536), extend("x-sutler-fixed" = true))]
    pub dimensions: Option<u32>,
    /// How vectors are compared, fixed at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sutler-fixed" = true))]
    pub metric: Option<Metric>,
    /// The model whose vectors are kept, instead of `dimensions` and `metric`; fixed at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sutler-fixed" = true))]
    pub preset: Option<Preset>,
    /// What it is for, fixed at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500), extend("x-sutler-fixed" = true))]
    pub description: Option<String>,
    /// Properties that queries can filter by. One that is added counts for vectors inserted later only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), extend("examples" = [[{ "property": "language", "type": "string" }]]))]
    pub metadata_indexes: Vec<MetadataIndex>,
    /// Whether an index with vectors in it is kept when the instance is to be deleted: the deletion is refused then.
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
    let description = "An index of vectors, searched by likeness (Cloudflare Vectorize)";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "Vectors that Workers reach by a binding and everything else over HTTP. Dimensions, metric and description \
             are fixed at creation; properties to filter by can be added and removed. A binding gives names and no \
             token: Cloudflare has no scope for one index; make a token that reaches all of them with cloudflare-token. \
             Deleting the instance deletes all vectors at once; while there are some, it is refused until protect is set \
             to false.",
        )
        .tags(&["cloudflare", "vectorize", "vectors", "search"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::INDEX_NAME, "The index's name, for Worker bindings and the API", Sensitivity::Public)
        .output(output::ACCOUNT_ID, "The account it lives in", Sensitivity::Public)
        .output(output::DIMENSIONS, "How many numbers a vector has", Sensitivity::Public)
        .output(output::METRIC, "How vectors are compared", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare Vectorize", "vectorize/")
}

fn standard() -> Plan {
    let description = "One index. Free within the limits of a free account; a paid account pays per use";
    Plan::new(STANDARD, "standard", description)
        .display_name("Standard")
        .bullet("Up to 1,536 dimensions and 10 properties to filter by")
        .bullet("Free account: 100 indexes; paid account: 50,000")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600)
        .parameters::<Parameters>()
        .bind::<NoParameters>()
}
