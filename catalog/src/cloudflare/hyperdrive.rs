//! `cloudflare-hyperdrive`: a fast way from Workers to a database elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secrets::SecretText;
use crate::{Asynchronous, Guid, NoParameters, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("9449de21-3dc8-4159-a0c8-4eef4251b2a3");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("03591bdd-f677-4a46-af4f-d4b17266a285");
/// Its name.
pub const NAME: &str = "cloudflare-hyperdrive";

/// Keys of outputs.
pub mod output {
    /// Credentials and attributes: the configuration's id.
    pub const HYPERDRIVE_ID: &str = "hyperdrive_id";
    /// Attributes: its name at Cloudflare.
    pub const HYPERDRIVE_NAME: &str = "hyperdrive_name";
    /// Credentials: the account it lives in.
    pub const ACCOUNT_ID: &str = "account_id";
}

/// How the database is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "names of protocols")]
pub enum Scheme {
    Postgres,
    Postgresql,
    Mysql,
}

/// The database behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Its host name or address, which Cloudflare must be able to reach.
    #[schemars(length(max = 253), regex(pattern = r"^[A-Za-z0-9._:-]+$"), extend("examples" = ["db.example.com"]))]
    pub host: String,
    /// Its port; that of the protocol if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: Option<u16>,
    /// The name of the database.
    #[schemars(length(min = 1, max = 255))]
    pub database: String,
    /// Who logs in.
    #[schemars(length(min = 1, max = 255))]
    pub user: String,
    /// With what.
    pub password: SecretText,
}

impl Origin {
    /// The port, whether it was said or not.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.scheme {
            Scheme::Postgres | Scheme::Postgresql => 5432,
            Scheme::Mysql => 3306,
        })
    }
}

/// What is remembered of answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caching {
    /// Nothing is.
    #[serde(default)]
    pub disabled: bool,
    /// Seconds that an answer is used; 60 if left out.
    #[serde(default = "minute")]
    #[schemars(range(min = 1, max = 3_600))]
    pub max_age: u32,
    /// Seconds that an old answer is used while a new one is asked for; 15 if left out.
    #[serde(default = "quarter")]
    #[schemars(range(min = 0, max = 3_600))]
    pub stale_while_revalidate: u32,
}

impl Default for Caching {
    fn default() -> Self {
        Self { disabled: false, max_age: minute(), stale_while_revalidate: quarter() }
    }
}

fn minute() -> u32 {
    60
}

fn quarter() -> u32 {
    15
}

/// Parameters of a Hyperdrive configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "origin": {
    "scheme": "postgres", "host": "db.example.com", "database": "shop", "user": "shop", "password": "…"
} }]))]
pub struct Parameters {
    /// The database; in an update, the whole of it.
    pub origin: Origin,
    /// What is remembered of answers; as Cloudflare does it by default if left out.
    #[serde(default)]
    pub caching: Caching,
    /// How many connections to the database are kept at most; left to Cloudflare if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 100))]
    pub connection_limit: Option<u32>,
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "A fast way from Workers to a PostgreSQL or MySQL database (Cloudflare Hyperdrive)";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "Keeps connections to a database open close to it, and remembers answers. Cloudflare connects to the \
             database when the instance is created or its origin changes; if it cannot, the request fails. The password \
             is given to Cloudflare and never shown again by anybody. Everything can be changed.",
        )
        .tags(&["cloudflare", "hyperdrive", "database", "postgresql", "mysql"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::HYPERDRIVE_ID, "The configuration's id, for Worker bindings", Sensitivity::Public)
        .output(output::HYPERDRIVE_NAME, "The configuration's name at Cloudflare", Sensitivity::Public)
        .output(output::ACCOUNT_ID, "The account it lives in", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare Hyperdrive", "hyperdrive/")
}

fn standard() -> Plan {
    Plan::new(
        STANDARD,
        "standard",
        "One database behind Hyperdrive, free of charge within the limits of the account",
    )
    .display_name("Standard")
    .bullet("Free account: 10 configurations; paid account: 25")
    .bullet("PostgreSQL and MySQL that Cloudflare can reach")
    .asynchronous(Asynchronous::Possible)
    .maximum_polling_duration(600)
    .parameters::<Parameters>()
    .bind::<NoParameters>()
}
