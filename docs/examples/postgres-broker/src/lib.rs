//! A broker for databases in a PostgreSQL of one's own: an example that `docs/examples/hyperdrive` uses.

pub mod offering;
pub mod provider;
pub mod server;
