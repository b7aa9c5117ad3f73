//! `generate`: what differs from the last snapshot becomes a migration.

use super::{Named, chain, chain_to_extend, folder};
use crate::commands::failure::Failure;
use crate::commands::project::Project;
use crate::migrations::{Chain, DraftError, Literals, MigrationId, MigrationStep, NewEntry, draft};
use crate::plan::Protection;

/// What to generate.
#[derive(Debug, Clone)]
pub struct Generation {
    /// Where migrations are.
    pub folder: Named,
    /// What the new one is called; without its number.
    pub name: Option<String>,
    /// Whether protected instances may go.
    pub protection: Protection,
    /// Whether secrets may be written out.
    pub literals: Literals,
}

/// A migration that was written.
#[derive(Debug)]
pub struct Generated {
    /// Which; nothing when the configuration is as the last snapshot.
    pub migration: Option<MigrationId>,
    /// Where.
    pub path: String,
    /// What it does.
    pub steps: Vec<MigrationStep>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

/// Compares the configuration with the last snapshot, and writes what differs as a migration. Brokers are asked for their
/// catalogs, and only when something differs; state is not looked at.
///
/// # Errors
/// When the migrations there are cannot be used, a name is no name, a catalog cannot be had, or the change is impossible:
/// nothing was written.
pub async fn generate(project: &Project, generation: &Generation) -> Result<Generated, Failure> {
    let folder = folder(project, generation.folder.as_deref());
    // an empty folder is not made for nothing
    let chain_before = chain(&folder)?;
    if is_as_declared(project, &chain_before) {
        return Ok(nothing());
    }
    let id = |chain: &Chain| -> Result<MigrationId, Failure> {
        let usual = if chain.entries.is_empty() { "init" } else { "change" };
        let name = generation.name.as_deref().unwrap_or(usual);
        MigrationId::numbered(chain.next_number(), name).map_err(|error| Failure::usage(error.to_string()))
    };
    id(&chain_before)?;
    let brokers = project.connect_to(|_| true).await?;
    let writer = folder.writer().map_err(|damage| Failure::Migrations(vec![damage]))?;
    // somebody else may have been first
    let mut chain = chain_to_extend(&folder, &writer)?;
    let before = chain.head().map(|head| head.instances.clone()).unwrap_or_default();
    let catalogs = brokers.catalogs();
    let allowed = (generation.protection, generation.literals);
    let drafted = draft((&project.config, &catalogs), &before, allowed).map_err(failure)?;
    let notes: Vec<String> = project.config.warnings.iter().chain(&drafted.warnings).cloned().collect();
    if drafted.steps.is_empty() {
        return Ok(Generated { notes, ..nothing() });
    }
    let id = id(&chain)?;
    let entry = NewEntry {
        id: id.clone(),
        parent: chain.head().map(|head| head.id.clone()),
        steps: drafted.steps.clone(),
        stands_for: Vec::new(),
        instances: drafted.instances,
    };
    let added = writer.add(&mut chain, (vec![entry], &[])).await;
    added.map_err(|damage| Failure::Migrations(vec![damage]))?;
    let path = folder.path.join(id.as_str()).display().to_string();
    Ok(Generated { migration: Some(id), path, steps: drafted.steps, notes })
}

fn nothing() -> Generated {
    Generated { migration: None, path: String::new(), steps: Vec::new(), notes: Vec::new() }
}

/// Whether the last snapshot says exactly what is declared. No catalog is needed to see that.
fn is_as_declared(project: &Project, chain: &Chain) -> bool {
    let declared = &project.config.instances;
    let Some(head) = chain.head() else { return declared.is_empty() };
    let is = |(reference, was): (&crate::name::InstanceRef, &crate::migrations::Declared)| {
        declared.get(reference).is_some_and(|declaration| was.is(declaration))
    };
    head.instances.len() == declared.len() && head.instances.iter().all(is)
}

pub(super) fn failure(error: DraftError) -> Failure {
    match error {
        DraftError::Plan(problems) => Failure::Configuration(problems),
        DraftError::Ring(error) => Failure::State(error),
    }
}
