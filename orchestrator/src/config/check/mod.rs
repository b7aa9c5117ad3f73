//! From what was written to what it means. Goes on after a problem, so that all are told.

mod broker;
mod event;
mod instance;
mod need;
mod past;
mod place;
mod sink;
mod variable;

pub use variable::is_hostile;

use indexmap::IndexMap;

use super::{
    Config, Declaration, Links, SecretVariables, SinkConfig, Source, file::ConfigFile, problem::At,
    problem::Finding,
};
use crate::graph::Graph;
use crate::name::{InstanceRef, NameError, StackName};

/// Problems gathered at most; nobody reads more.
const GATHERED: usize = 10_000;

/// Problems told with suggestions.
const DETAILED: usize = 100;

/// Gathers problems and warnings.
#[derive(Default)]
struct Gather {
    findings: Vec<Finding>,
    warnings: Vec<String>,
    /// A key stands there twice; where, the tree of the text tells.
    duplicates: bool,
}

impl Gather {
    fn add(&mut self, finding: Finding) {
        if self.findings.len() < GATHERED {
            self.findings.push(finding);
        }
    }

    /// The name, or a problem at the place.
    fn name<T>(&mut self, name: Result<T, NameError>, at: impl FnOnce() -> At) -> Option<T> {
        name.map_err(|error| self.add(Finding::new(error.to_string()).at(at()))).ok()
    }

    /// Whether problems are still told with suggestions, which cost a look at every name.
    fn is_detailed(&self) -> bool {
        self.findings.len() < DETAILED
    }
}

/// What holds instances together, for such as were not read from a file: who needs whom, and that no two claim one
/// variable.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn instances(
    mut instances: IndexMap<InstanceRef, Declaration>,
    (sinks, secrets): (&[SinkConfig], &SecretVariables),
) -> Result<(IndexMap<InstanceRef, Declaration>, Graph, Links), Vec<Finding>> {
    let mut gather = Gather::default();
    variable::claims(&instances, sinks, &mut gather);
    match need::connect(&mut instances, secrets, &mut gather) {
        Some((graph, links)) if gather.findings.is_empty() => Ok((instances, graph, links)),
        _ => Err(gather.findings),
    }
}

/// Decides what a file means.
///
/// # Errors
/// Everything that is wrong with it, except keys that stand there twice; nothing when that is all.
pub(super) fn config(
    file: ConfigFile,
    source: &Source,
    secrets: SecretVariables,
) -> Result<Config, Vec<Finding>> {
    let mut gather = Gather::default();
    let stack = gather.name(StackName::new(&file.stack), || At::value(&["stack"]));
    let brokers = broker::brokers(file.brokers, source, &mut gather);
    let state = place::state(file.state.as_deref(), (stack.as_ref(), source), &mut gather);
    let sinks = sink::sinks((file.sinks, &file.stack), source, &mut gather);
    let events = event::events(file.events, source, &mut gather);
    let mut instances = IndexMap::with_capacity(file.instances.0.len());
    instance::declare(file.instances, &brokers, &mut instances, &mut gather);
    variable::claims(&instances, &sinks, &mut gather);
    let moved = past::moved(file.moved, &instances, &mut gather);
    let removed = past::removed(file.removed, &instances, &mut gather);
    let needs = need::connect(&mut instances, &secrets, &mut gather);
    match (stack, state, needs) {
        (Some(stack), Some(state), Some((graph, links)))
            if gather.findings.is_empty() && !gather.duplicates =>
        {
            Ok(Config {
                stack,
                brokers: brokers.into_iter().filter_map(|(name, broker)| Some((name, broker?))).collect(),
                state,
                sinks,
                events,
                instances,
                moved,
                removed,
                graph,
                links,
                secrets: secrets.into(),
                warnings: gather.warnings,
                source: source.clone(),
                composition: None,
            })
        }
        _ => Err(gather.findings),
    }
}
