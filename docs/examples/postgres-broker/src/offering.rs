//! What can be asked for, and what a binding gives.

use serde::{Deserialize, Serialize};
use sutler_catalog::{
    Guid, Offering, Plan,
    schemars::{self, JsonSchema},
};
use sutler_secrets::SecretString;

const SERVICE: Guid = Guid::new("8b6f1c34-2d0e-4a57-9f3b-61c0de5e0001");
const STANDARD: Guid = Guid::new("8b6f1c34-2d0e-4a57-9f3b-61c0de5e0002");

/// A database.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// How many connections there may be at the same time.
    #[serde(default = "twenty")]
    #[schemars(range(min = 1, max = 1000))]
    pub connection_limit: i32,
}

fn twenty() -> i32 {
    20
}

/// What a binding gives: the right to do everything in one database.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Access {
    /// Where the server is.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name of the database.
    pub database: String,
    /// Who logs in. Every binding has its own.
    pub user: String,
    /// With what.
    #[serde(serialize_with = "sutler_secrets::exposed")]
    pub password: SecretString,
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    Offering::new(SERVICE, "postgres-database", "A database in a PostgreSQL of one's own")
        .long_description(
            "Each instance is a database, each binding a login for it. What a login makes belongs to the database, so \
             it stays when the binding goes. Deleting the instance deletes the database with everything in it.",
        )
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .outputs_of::<Access>()
        .with_plan(
            Plan::new(STANDARD, "standard", "One database")
                .maximum_polling_duration(600)
                .parameters::<Database>(),
        )
}
