//! Instances that an OpenAPI document asks for, as a configuration declares them.

use std::path::Path;

use serde_json::{Map, Value};

use super::{
    fit, load,
    problem::{At, Finding, Problems},
    shape,
    tree::{Entry, Kind, Tree},
};
use crate::{
    name::InstanceRef,
    nearest::listed,
    reference::{self, written},
};

/// Where a document says what it asks for.
const EXTENSIONS: [&str; 2] = ["x-sutler-provision", "x-suluk-provision"];

/// Reads what a document asks for: a map from refs to instances.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn derive(path: &Path) -> Result<Map<String, Value>, Problems> {
    let source = load::read(path).map_err(|finding| Problems::without_source(vec![finding]))?;
    let tree = Tree::parse(&source).map_err(|findings| Problems::locate_in(findings, &source, None))?;
    let mut findings = fit::duplicates(&tree);
    let instances = document(&tree, &mut findings);
    match instances {
        Some(instances) if findings.is_empty() => Ok(instances),
        _ => Err(Problems::locate_in(findings, &source, Some(&tree))),
    }
}

fn document(tree: &Tree, findings: &mut Vec<Finding>) -> Option<Map<String, Value>> {
    let root = tree.root();
    let version = tree.entry(root, "openapi");
    let is_openapi =
        version.and_then(|entry| tree.text(entry.value)).is_some_and(|text| text.starts_with("3."));
    if !is_openapi {
        let at = version.map_or(0..0, |entry| entry.key_span.clone());
        let finding = Finding::new("this is no OpenAPI document of version 3").at(At::Span(at));
        findings.push(finding.help("it begins with openapi: 3.1.0, or another version from 3"));
        return None;
    }
    let mut asked = EXTENSIONS.iter().filter_map(|name| tree.entry(root, name));
    let Some(entry) = asked.next() else {
        let message = format!("the document has no {}", EXTENSIONS[0]);
        let help = "write a map from refs to instances there, each as in a configuration";
        findings.push(Finding::new(message).at(At::Span(0..0)).help(help));
        return None;
    };
    if let Some(other) = asked.next() {
        let message = format!("'{}' and '{}' are the same thing", entry.key, other.key);
        let finding = Finding::new(message).at(At::Span(other.key_span.clone()));
        findings.push(
            finding.related(At::Span(entry.key_span.clone()), "first here").help("write only one of them"),
        );
    }
    let Kind::Map(members) = &tree.node(entry.value).kind else {
        let finding = Finding::new(format!("{} has to be a map from refs to instances", entry.key));
        findings.push(finding.at(At::Span(entry.key_span.clone())));
        return None;
    };
    Some(members.iter().filter_map(|member| instance(tree, member, findings)).collect())
}

fn instance(tree: &Tree, entry: &Entry, findings: &mut Vec<Finding>) -> Option<(String, Value)> {
    let at = || At::Span(entry.key_span.clone());
    if let Err(error) = InstanceRef::new(&entry.key) {
        findings.push(Finding::new(error.to_string()).at(at()));
    } else if written::is_reserved(&entry.key) {
        findings.push(Finding::new(format!("no instance can be called '{}'", entry.key)).at(at()));
    }
    let misfits = fit::misfits_of(tree, entry, &shape::INSTANCE);
    let fits = misfits.is_empty();
    findings.extend(misfits);
    if !fits {
        return None;
    }
    match tree.json(entry.value) {
        Ok(value) => {
            let parameters = ["params", "parameters"].iter().find_map(|key| value.get(key));
            reference::visit(parameters.unwrap_or(&Value::Null), &mut |below, text| {
                if let Err(flaw) = written::parse(text) {
                    let finding = Finding::new(format!("{}{}: {flaw}", entry.key, below.replace('/', ".")));
                    findings.push(finding.at(at()).help(flaw.help()));
                }
            });
            Some((entry.key.clone(), value))
        }
        Err(error) => {
            findings.push(Finding::new(format!("{}: {error}", entry.key)).at(at()));
            None
        }
    }
}

/// The refs, for a sentence.
#[must_use]
pub fn named(instances: &Map<String, Value>) -> String {
    listed(instances.keys().map(String::as_str))
}
