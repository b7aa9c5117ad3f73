//! What the configuration means: every name checked, every reference found. Past this line nobody re-checks.

mod address;
mod check;
mod compose;
mod derive;
mod file;
mod files;
mod fit;
mod load;
mod mask;
mod place;
mod problem;
mod schema;
mod secret;
mod shape;
mod strict;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use serde_json::Value;
use sutler_secrets::SecretString;
use url::Url;

pub use check::is_hostile;
pub use compose::Choices;
pub use derive::{derive, named};
use files::Files;
pub use load::{FILE_NAMES, find, load, load_as, parse, parse_as};
pub(crate) use mask::is_secret_looking;
pub use place::{BucketPlace, PostgresPlace, Transport};
pub(crate) use problem::{At, Finding, pointer};
pub use problem::{Place, Problem, Problems, Problems as ConfigError};
pub use schema::schema;
pub use secret::{SecretVariables, Unread};
use tree::Tree;

use crate::graph::Graph;
use crate::name::{BrokerName, InstanceRef, StackName, VariableName};
use crate::reference::Use;

/// A configuration that holds together: names are unique, references resolve, there is no cycle.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which stack this declares.
    pub stack: StackName,
    /// The brokers, by handle, in the order they are written.
    pub brokers: IndexMap<BrokerName, BrokerConfig>,
    /// Where state lives.
    pub state: StateUrl,
    /// Where credentials land.
    pub sinks: Vec<SinkConfig>,
    /// Who is told what happened.
    pub events: EventsConfig,
    /// The instances, in the order they are written.
    pub instances: IndexMap<InstanceRef, Declaration>,
    /// What was declared under another ref before: from each old one to the one of now.
    pub moved: IndexMap<InstanceRef, InstanceRef>,
    /// What is to be forgotten: its record goes, and what it stands for stays.
    pub removed: IndexSet<InstanceRef>,
    /// Who needs whom, by position in `instances`; without loops.
    pub graph: Graph,
    links: Links,
    /// Variables that are secrets.
    pub secrets: Arc<SecretVariables>,
    /// What is allowed but should not stay so.
    pub warnings: Vec<String>,
    /// The file it was read from. Paths above are already seen from the working directory.
    pub source: Source,
    /// Where everything was written, when more than that file made it.
    composition: Option<Arc<compose::Composition>>,
}

/// The text a configuration was read from, kept for pointing at lines.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: std::sync::Arc<str>,
    /// How it is written.
    pub format: Format,
}

/// What was worked out of the uses while checking them.
#[derive(Debug, Clone)]
struct Links {
    /// For each declaration, where its uses end in `targets`.
    ends: Vec<u32>,
    /// For each use, the position of the instance that it refers to.
    targets: Vec<u32>,
    /// The positions, producers first.
    order: Vec<u32>,
}

impl Config {
    /// The positions of all instances, each after what it needs.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.links.order
    }

    /// The same stack with other instances: the same brokers, state, sinks and variables. Nothing of it was moved or
    /// removed.
    ///
    /// # Errors
    /// When references among them do not resolve or go in a circle, or two of them claim one variable. There is no place
    /// to point at: they were not read from this file.
    pub fn with_instances(
        &self,
        declarations: impl IntoIterator<Item = Declaration>,
    ) -> Result<Self, Problems> {
        let declared = declarations.into_iter().map(|one| (one.reference.clone(), one));
        let (instances, graph, links) = check::instances(declared.collect(), (&self.sinks, &self.secrets))
            .map_err(Problems::without_source)?;
        let (moved, removed) = (IndexMap::new(), IndexSet::new());
        Ok(Self { instances, graph, links, moved, removed, ..self.clone() })
    }

    /// Which sinks there are, and how each keeps what it is given, as seen from the configuration: one that is added or
    /// changed gets everything anew.
    #[must_use]
    pub fn landing_places(&self) -> String {
        let folder = self.source.path.parent().unwrap_or(Path::new(""));
        let seen = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let mut places = String::new();
        for sink in &self.sinks {
            let kind = match &sink.kind {
                SinkKind::Dotenv { path, dialect } => format!("dotenv {} {dialect:?}", seen(path)),
                SinkKind::Json { path } => format!("json {}", seen(path)),
                SinkKind::Kubernetes { path, secret } => {
                    let SecretManifest { name, namespace, kind, provider } = secret;
                    format!("kubernetes {} {name} {namespace:?} {kind} {provider}", seen(path))
                }
                SinkKind::Command { words, .. } => format!("command {words:?}"),
            };
            let sealing = match &sink.sealing {
                Sealing::Sealed => "sealed".to_owned(),
                Sealing::SealedFor(recipient) => format!("sealed for {}", seen(recipient)),
                Sealing::Clear => "clear".to_owned(),
            };
            places.push_str(&format!("{} {kind} {sealing}\n", sink.name));
        }
        places
    }

    /// For each use of the declaration at a position, the position of the instance that it refers to.
    #[must_use]
    pub fn targets(&self, position: usize) -> &[u32] {
        let start = position.checked_sub(1).map_or(0, |before| self.links.ends[before]);
        &self.links.targets[start as usize..self.links.ends[position] as usize]
    }

    /// The same with one more instance, which refers to no other and to which none refers.
    #[must_use]
    pub fn with(mut self, declaration: Declaration) -> Self {
        let (size, position) = (self.instances.len(), self.instances.len() as u32);
        let edges =
            (0..position).flat_map(|node| self.graph.needs(node).iter().map(move |need| (node, *need)));
        self.graph = Graph::new(size + 1, edges.collect::<Vec<_>>());
        self.links.ends.push(self.links.targets.len() as u32);
        self.links.order.push(position);
        self.instances.insert(declaration.reference.clone(), declaration);
        self
    }

    /// Where each of these instances is declared; nothing for those that are not.
    pub(crate) fn places(&self, references: &[&str]) -> Vec<Option<Place>> {
        let find = |files: &Files, tree: &Tree| {
            let lines = files.lines();
            let place = |name: &str| lines.place(tree.key_span(&pointer(&["instances", name])));
            let declared = |name: &&str| self.instances.contains_key(*name);
            references.iter().map(|name| Some(*name).filter(declared).and_then(place)).collect()
        };
        match (&self.composition, Tree::parse(&self.source)) {
            (Some(composition), _) => find(&composition.files, &composition.tree),
            (None, Ok(tree)) => find(&Files::one(self.source.clone()), &tree),
            (None, Err(_)) => vec![None; references.len()],
        }
    }

    /// Problems that were found later, each with its place.
    pub(crate) fn problems(&self, findings: Vec<Finding>) -> Problems {
        match &self.composition {
            Some(composition) => composition.problems(findings),
            None => Problems::locate(findings, &self.source),
        }
    }

    /// Everything that was written to make it what it is, for comparing it with another one. Holds no secret that is
    /// not in one of its files.
    #[must_use]
    pub fn written(&self) -> std::borrow::Cow<'_, [u8]> {
        let Some(composition) = &self.composition else { return self.source.text.as_bytes().into() };
        let mut written = Vec::new();
        let texts = composition.files.sources().map(|source| source.text.as_ref());
        for text in texts.chain(composition.said.iter().map(String::as_str)) {
            written.extend_from_slice(&(text.len() as u64).to_le_bytes());
            written.extend_from_slice(text.as_bytes());
        }
        written.into()
    }
}

impl Source {
    /// A path of the file as seen from the working directory.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }
}

/// How a configuration is written; told by the file's ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.yaml`, `.yml`
    Yaml,
    /// `.toml`
    Toml,
    /// `.json`
    Json,
}

/// How to reach a broker. The secret is read when the broker is connected, not when the file is.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Base address; `/v2/…` is appended.
    pub url: Url,
    /// How to authenticate.
    pub authentication: Authentication,
    /// A file with certificates to trust instead of the system's.
    pub certificate_authority: Option<PathBuf>,
    /// At most so many requests at once to this broker.
    pub parallelism: Option<usize>,
    /// Time for one request; default 60 s.
    pub call_timeout: Option<Duration>,
    /// What is done about requests of which nobody knows what became.
    pub on_ambiguous: Option<OnAmbiguous>,
}

/// What is done about a request of an earlier run of which nobody knows what became.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnAmbiguous {
    /// Ask the broker how far it is, and send the same request again, under the same id.
    #[default]
    Resume,
    /// Delete what may have come of it, and make another under a new id. A change is never undone: it is sent again.
    Mitigate,
    /// Leave it as it is: somebody wants to look.
    Pause,
}

impl OnAmbiguous {
    /// The words for it, in the configuration and on the command line.
    pub const WORDS: [(&str, Self); 3] =
        [("resume", Self::Resume), ("mitigate", Self::Mitigate), ("pause", Self::Pause)];

    /// Reads a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
    }
}

/// How to authenticate to a broker.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// Not at all.
    None,
    /// HTTP Basic.
    Basic {
        /// The user.
        username: String,
        /// Its password.
        password: SecretSource,
    },
    /// A bearer token.
    Bearer(SecretSource),
}

/// Where a secret comes from.
#[derive(Debug)]
pub enum SecretSource {
    /// An environment variable.
    Environment(String),
    /// A file; one trailing line break is dropped.
    File(PathBuf),
    /// Written in the file: for loopback brokers only, with a warning.
    Literal(SecretString),
}

impl Clone for SecretSource {
    fn clone(&self) -> Self {
        match self {
            Self::Environment(name) => Self::Environment(name.clone()),
            Self::File(path) => Self::File(path.clone()),
            Self::Literal(secret) => Self::Literal(secret.duplicate()),
        }
    }
}

/// Where state lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateUrl {
    /// `sqlite:PATH`
    Sqlite(PathBuf),
    /// `postgres://USER@HOST/DATABASE`
    Postgres(PostgresPlace),
    /// `s3://BUCKET/PREFIX`
    Bucket(BucketPlace),
    /// `memory:`, for trying things; nothing is kept.
    Memory,
}

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

/// How an instance is replaced that cannot be changed in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// The new one is made, consumers move to it, then the old one is deleted.
    CreateFirst,
    /// The old one is deleted first: both cannot be there at once, since something about them is exclusive.
    DeleteFirst,
    /// Not at all: such a change is refused.
    Never,
}

impl Replacement {
    /// The words for it, in the configuration.
    pub const WORDS: [(&str, Self); 3] =
        [("create_first", Self::CreateFirst), ("delete_first", Self::DeleteFirst), ("never", Self::Never)];

    /// Reads a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
    }
}

/// One declared instance.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Its handle.
    pub reference: InstanceRef,
    /// The broker, when `service` is written as `broker/service`.
    pub broker: Option<BrokerName>,
    /// The offering's name.
    pub service: String,
    /// The service plan's name; may be left out when the offering has one plan.
    pub service_plan: Option<String>,
    /// What the vendor object is called; the ref when left out.
    pub name: String,
    /// Never deleted or replaced unless forced.
    pub protected: bool,
    /// How it is replaced where it cannot be changed; as its catalog says, or else the new one first, when left out.
    pub replace: Option<Replacement>,
    /// Output key → variable, in the order written.
    pub bind: IndexMap<String, VariableName>,
    /// As written, references not resolved: an object.
    pub parameters: Value,
    /// Every reference below `parameters` to an output of another instance.
    pub uses: Vec<Use>,
    /// Every reference below `parameters` to a variable that is a secret.
    pub secrets: Vec<SecretUse>,
}

/// A reference to a variable that is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// JSON pointer to the text that holds it, below the parameters.
    pub pointer: String,
    /// The variable.
    pub variable: String,
}
