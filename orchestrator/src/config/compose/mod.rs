//! One configuration out of several files and what was chosen: includes are put together, the stage is laid over them,
//! variables and what instances are repeated for are put where they are used. What comes out is a tree of the plain
//! form, in which every value still knows where it was written.
//!
//! ```text
//! gather ── files and their includes, one map          overlay ── the stage over it
//! variable ── what each variable is                    each ── what instances are repeated for
//! expand ── both put into place                        mention ── what each mention of them comes to
//! stage ── finding its file                            place ── a state and a name of the stage's own
//! ```

mod each;
mod expand;
mod gather;
mod kind;
mod mention;
mod overlay;
mod place;
mod stage;
mod variable;

use std::path::PathBuf;

use super::{
    Source,
    files::Files,
    load,
    problem::{Finding, Problems},
    secret::SecretVariables,
    tree::{Kind, Tree},
};

/// What is chosen when a configuration is used, beside the file.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// The stage: `stages/NAME.yaml` beside the configuration is laid over it.
    pub stage: Option<String>,
    /// `NAME=VALUE`, each.
    pub variables: Vec<String>,
    /// Files of variables, the later ones going first.
    pub variable_files: Vec<PathBuf>,
}

impl Choices {
    /// Whether nothing is chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stage.is_none() && self.variables.is_empty() && self.variable_files.is_empty()
    }
}

/// Where everything in a composed configuration was written.
#[derive(Debug)]
pub(super) struct Composition {
    pub(super) files: Files,
    pub(super) tree: Tree,
    /// What variables that are no secret were said to be on the command line.
    pub(super) said: Vec<String>,
}

impl Composition {
    /// Finds the places.
    pub(super) fn problems(&self, findings: Vec<Finding>) -> Problems {
        Problems::locate_among(findings, &self.files, &self.tree)
    }
}

/// A composed configuration, not checked yet.
pub(super) struct Composed {
    pub(super) composition: Composition,
    pub(super) secrets: SecretVariables,
    pub(super) warnings: Vec<String>,
}

/// Whether a file uses anything that has to be composed.
pub(super) fn is_composed(tree: &Tree) -> bool {
    let root = tree.root();
    let is_written = |key| tree.entry(root, key).is_some();
    let repeats =
        |map: usize| tree.entries(map).iter().any(|one| tree.entry(one.value, "for_each").is_some());
    is_written("variables")
        || is_written("include")
        || tree.entry(root, "instances").is_some_and(|instances| repeats(instances.value))
}

/// Composes a configuration.
///
/// # Errors
/// Everything that is wrong with how it is composed, each with its place.
pub(super) fn compose(source: &Source, choices: &Choices) -> Result<Composed, Problems> {
    let mut desk = Desk::default();
    match desk.compose(source, choices) {
        Some((root, secrets, warnings)) if desk.findings.is_empty() => {
            desk.tree.set_root(root);
            let composition =
                Composition { files: desk.files, tree: desk.tree, said: choices.variables.clone() };
            Ok(Composed { composition, secrets, warnings })
        }
        _ => {
            let problems = Problems::locate_among(desk.findings, &desk.files, &desk.tree);
            Err(problems.veiled(&desk.files, &desk.veiled))
        }
    }
}

/// Where the pieces are put together.
#[derive(Default)]
struct Desk {
    files: Files,
    tree: Tree,
    findings: Vec<Finding>,
    /// What somebody said although it is a secret: shown with no problem.
    veiled: Vec<std::ops::Range<usize>>,
}

impl Desk {
    fn compose(
        &mut self,
        source: &Source,
        choices: &Choices,
    ) -> Option<(usize, SecretVariables, Vec<String>)> {
        let root = self.gather(source)?;
        let stage = match &choices.stage {
            Some(name) => Some(self.stage(source, name)?),
            None => None,
        };
        let laid_over =
            self.tree.entry(root, "stack").and_then(|stack| self.tree.text(stack.value)).map(str::to_owned);
        let written = match &stage {
            Some(stage) => self.overlay(root, stage.root),
            None => root,
        };
        let given = self.given(choices);
        let variables = self.variables(written, given, source);
        if !self.findings.is_empty() {
            return None;
        }
        let before = self.tree.nodes().len();
        let mut root = self.expand(written, &variables);
        let mut warnings = Vec::new();
        if let Some(stage) = &stage {
            warnings.extend(self.shared_sinks(root, before, stage));
            root = self.own_place(root, stage, laid_over.as_deref());
        }
        Some((root, variables.into_secrets(), warnings))
    }

    /// Adds a file; returns its outermost node. What is wrong with it is noted.
    fn add(&mut self, source: Source) -> Option<usize> {
        let tree = Tree::parse(&source);
        let offset = self.files.add(source);
        match tree {
            Ok(tree) => {
                let twice = super::fit::duplicates(&tree);
                self.findings.extend(twice.into_iter().map(|finding| finding.shifted(offset)));
                Some(self.tree.adopt(tree, offset))
            }
            Err(findings) => {
                self.findings.extend(findings.into_iter().map(|finding| finding.shifted(offset)));
                None
            }
        }
    }

    /// Reads a file and adds it; what does not let it be read is a problem at a place.
    fn open(&mut self, path: &std::path::Path, at: Option<super::problem::At>) -> Option<usize> {
        match load::read(path) {
            Ok(source) => self.add(source),
            Err(finding) => {
                self.findings.push(match at {
                    Some(at) => finding.at(at),
                    None => finding,
                });
                None
            }
        }
    }

    /// A map without some of its members.
    fn without(&mut self, map: usize, keys: &[&str]) -> usize {
        let span = self.tree.node(map).span.clone();
        let kept = self.tree.entries(map).iter().filter(|entry| !keys.contains(&entry.key.as_str()));
        let kept = kept.cloned().collect();
        self.tree.grow(span, Kind::Map(kept))
    }
}
