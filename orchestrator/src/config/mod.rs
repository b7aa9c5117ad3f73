//! What the configuration means: every name checked, every reference found. Past this line nobody re-checks.

mod address;
mod broker;
mod check;
mod compose;
mod declaration;
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
mod sink;
mod strict;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

pub use broker::{Authentication, BrokerConfig, OnAmbiguous, SecretSource};
pub use check::is_hostile;
pub use compose::Choices;
pub use declaration::{Declaration, Replacement, SecretUse};
pub use derive::{derive, named};
use files::Files;
pub use load::{FILE_NAMES, find, load, load_as, parse, parse_as};
pub(crate) use mask::is_secret_looking;
pub use place::{BucketPlace, PostgresPlace, Transport};
pub(crate) use problem::{At, Finding, pointer};
pub use problem::{Place, Problem, Problems, Problems as ConfigError};
pub use schema::schema;
pub use secret::{SecretVariables, Unread};
pub use sink::{Dialect, EventsConfig, Sealing, SecretManifest, SinkConfig, SinkKind, WebhookConfig};
use tree::Tree;

use crate::graph::Graph;
use crate::name::{BrokerName, InstanceRef, StackName};

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
