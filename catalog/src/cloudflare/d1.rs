//! `cloudflare-d1`: an SQLite database at Cloudflare.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, NoParameters, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("768afe86-2cae-470f-b250-af833fe776aa");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("e3a772a3-b0ff-40f8-b335-819695929a2a");
/// Its name.
pub const NAME: &str = "cloudflare-d1";

/// Keys of outputs.
pub mod output {
    /// Credentials and attributes: the database's UUID.
    pub const DATABASE_ID: &str = "database_id";
    /// Credentials and attributes: its name at Cloudflare.
    pub const DATABASE_NAME: &str = "database_name";
    /// Credentials: the account it lives in.
    pub const ACCOUNT_ID: &str = "account_id";
    /// Attributes: where its data must stay, if that was asked for.
    pub const JURISDICTION: &str = "jurisdiction";
    /// Attributes: where it should be created, if that was asked for.
    pub const PRIMARY_LOCATION_HINT: &str = "primary_location_hint";
}

/// Bytes of one migration's SQL. Cloudflare takes texts of 100,000 bytes, and the migration's entry in the ledger is in the
/// same text. The schema counts characters, the provider bytes.
pub const MIGRATION_BYTES: usize = 99_800;

/// Where the primary copy should be; Cloudflare may decide otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Cloudflare's own words")]
pub enum LocationHint {
    Wnam,
    Enam,
    Weur,
    Eeur,
    Apac,
    Oc,
}

/// Where all data must stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Cloudflare's own words")]
pub enum Jurisdiction {
    Eu,
    Fedramp,
    Us,
}

/// Whether copies answer reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReadReplication {
    /// Cloudflare places copies where they are read.
    Auto,
    /// There is only the primary.
    #[default]
    Disabled,
}

/// One change of the database's own schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Names the migration in the database's ledger, `d1_migrations`; each name is applied at most once.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,128}$"))]
    pub name: String,
    /// SQL statements, applied together or not at all; at most 99,800 bytes.
    #[schemars(length(min = 1, max = MIGRATION_BYTES))]
    pub sql: String,
}

/// Parameters of a D1 database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["primary_location_hint", "jurisdiction"] }))]
pub struct Parameters {
    /// Where the primary copy should be: a hint, fixed at creation. Not together with `jurisdiction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_location_hint: Option<LocationHint>,
    /// Where all data must stay, fixed at creation. Not together with `primary_location_hint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<Jurisdiction>,
    /// Whether copies close to readers answer reads; `disabled` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_replication: Option<ReadReplication>,
    /// SQL to apply, in this order, each at most once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrations: Vec<Migration>,
}

/// What can change in a D1 database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateParameters {
    /// Whether copies close to readers answer reads; null returns to `disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_replication: Option<ReadReplication>,
    /// The whole list: those applied before, unchanged and in the same order, then new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Migration>")]
    pub migrations: Option<Vec<Migration>>,
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "A serverless SQLite database (Cloudflare D1), with read replication and migrations";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An SQLite database that Workers reach by a binding and everything else over HTTP. Location and \
             jurisdiction are fixed at creation. Migrations are applied in order, each at most once, and recorded in \
             the table d1_migrations, which wrangler reads too. Deleting the instance deletes the data at once.",
        )
        .tags(&["cloudflare", "d1", "database", "sqlite", "sql"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::DATABASE_ID, "The database's UUID, for Worker bindings and the API", Sensitivity::Public)
        .output(output::DATABASE_NAME, "The database's name at Cloudflare", Sensitivity::Public)
        .output(output::ACCOUNT_ID, "The account it lives in", Sensitivity::Public)
        .output(output::JURISDICTION, "Where its data must stay, if asked for", Sensitivity::Public)
        .output(output::PRIMARY_LOCATION_HINT, "Where it should be created, if asked for", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare D1", "d1/")
}

fn standard() -> Plan {
    let description = "One database. Free within the limits of a free account; a paid account pays per use";
    Plan::new(STANDARD, "standard", description)
        .display_name("Standard")
        .bullet("Free account: 10 databases of 500 MB, 5 GB in all")
        .bullet("Free account: 5 million rows read and 100,000 rows written a day")
        .bullet("Paid account: 10 GB a database; pays for rows read, rows written and storage beyond what is included")
        .bullet("Restored to any minute of the last 7 days (free) or 30 days (paid)")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(3_600)
        .provision::<Parameters>()
        .update::<UpdateParameters>()
        .bind::<NoParameters>()
}
