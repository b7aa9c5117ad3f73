//! The sorts of objects that Cloudflare's ledger speaks of.

use serde::{Deserialize, Serialize};

use crate::vendor::ledger;

/// One call to Cloudflare.
pub type Entry = ledger::Entry<Kind>;
/// One change to one object of Cloudflare.
pub type Effect = ledger::Effect<Kind>;

/// The sorts of vendor objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A D1 database.
    #[serde(rename = "d1_database")]
    Database,
    /// An account token.
    Token,
    /// A secret of a Worker.
    WorkerSecret,
    /// A Pages project.
    PagesProject,
    /// A custom domain of a Pages project.
    PagesDomain,
    /// The tags of an object.
    Tags,
    /// A namespace of Workers KV.
    #[serde(rename = "kv_namespace")]
    Namespace,
    /// A queue.
    Queue,
    /// A Turnstile widget.
    Widget,
    /// A Hyperdrive configuration.
    Hyperdrive,
    /// A Vectorize index.
    VectorIndex,
    /// A zone.
    Zone,
    /// A DNS record.
    DnsRecord,
    /// A redirect rule of a zone.
    RedirectRule,
    /// A host name of a Worker.
    WorkerDomain,
    /// A customer's host name that a zone serves.
    CustomHostname,
    /// An R2 bucket.
    #[serde(rename = "r2_bucket")]
    Bucket,
    /// A domain that is registered.
    Registration,
    /// A domain in the registrar's sandbox.
    RehearsedRegistration,
    /// Money that was taken.
    Charge,
}
