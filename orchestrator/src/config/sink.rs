//! What the configuration means: where credentials land, and who is told what happened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::broker::SecretSource;

/// Where credentials land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkConfig {
    /// The sink's handle in the configuration.
    pub name: String,
    /// What it is.
    pub kind: SinkKind,
    /// Whether values are sealed; the default where it can be.
    pub sealing: Sealing,
}

/// What a sink is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkKind {
    /// A dotenv file.
    Dotenv {
        /// The file.
        path: PathBuf,
        /// Who reads it.
        dialect: Dialect,
    },
    /// A JSON file: an object of variables.
    Json {
        /// The file.
        path: PathBuf,
    },
    /// A Secret in a Kubernetes manifest.
    Kubernetes {
        /// The file.
        path: PathBuf,
        /// The Secret.
        secret: SecretManifest,
    },
    /// A program that gets what changed as JSON on its standard input.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
        /// The folder it runs in: that of the configuration.
        folder: PathBuf,
        /// Time for one run.
        patience: Duration,
        /// Where keyed digests of what it was given are kept.
        ledger: PathBuf,
    },
}

impl SinkKind {
    /// The file that it keeps, if it keeps one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Dotenv { path, .. } | Self::Json { path } | Self::Kubernetes { path, .. } => Some(path),
            Self::Command { .. } => None,
        }
    }
}

/// Who reads a dotenv file, and so what its lines look like in clear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Dotenv readers and POSIX shells, all alike; what they disagree about is refused.
    #[default]
    Dotenv,
    /// `docker run --env-file` and its like: a line as it is, without quotes.
    Docker,
    /// A POSIX shell; variables are exported.
    Shell,
}

/// What a Secret is called, and what service bindings are told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretManifest {
    /// Its name.
    pub name: String,
    /// Its namespace, when it is to have one.
    pub namespace: Option<String>,
    /// The `type` of the binding.
    pub kind: String,
    /// The `provider` of the binding.
    pub provider: String,
}

/// Whether a sink seals what it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealing {
    /// Values are sealed for this key ring; `sutler env` opens them.
    Sealed,
    /// Values are sealed for the public key in this file; `sutler env` opens them where its key ring is.
    SealedFor(PathBuf),
    /// Values are written in clear, on request.
    Clear,
}

/// Who is told what happened.
#[derive(Debug, Clone, Default)]
pub struct EventsConfig {
    /// A file of JSON Lines that events are appended to.
    pub file: Option<PathBuf>,
    /// Addresses that events are posted to, in the order they are written.
    pub webhooks: Vec<WebhookConfig>,
}

impl EventsConfig {
    /// Whether nobody is told anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.file.is_none() && self.webhooks.is_empty()
    }
}

/// An address that events are posted to.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// Its handle.
    pub name: String,
    /// The address.
    pub url: Url,
    /// What posts are signed with.
    pub secret: SecretSource,
}
