//! What a vendor lets the broker do: asked before anything is served, by reading only.

/// Whether the broker may do what an offering needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// A harmless read was answered. Whether it may also change things is seen when it does: no vendor tells before.
    Given,
    /// The vendor said no.
    Lacking,
    /// Nobody knows; says why, and what to do.
    NotKnown(String),
}

/// One thing that an offering needs of a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The permissions, in the vendor's words.
    pub permissions: &'static str,
    /// Whose they are, where an offering has several credentials, such as `test mode`.
    pub of: Option<&'static str>,
    /// Whether they are there.
    pub right: Right,
}

/// What a vendor says of a credential in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What it is, such as `cloudflare: api_token`.
    pub name: String,
    /// Whether it is accepted.
    pub standing: Standing,
}

/// Whether a vendor accepts a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does, until then if it says so.
    Accepted {
        /// When it ends, as the vendor writes it.
        expires_on: Option<String>,
        /// What else is known of it, in our words.
        note: Option<String>,
    },
    /// It cannot say so yet, since nothing was done with it so far; says what comes.
    NotYet(String),
    /// It does not; says why, and what to do.
    Refused(String),
    /// It did not say; says why.
    NotKnown(String),
}
