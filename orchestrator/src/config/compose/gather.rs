//! A file and what it includes, as one map.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::Desk;
use crate::config::{
    Source,
    problem::{At, Finding},
    tree::{Entry, Kind},
};

/// What only the configuration itself may say.
const OWN: [&str; 2] = ["stack", "state"];

/// Files included at most.
const FILES: usize = 1000;

/// The files on the way from the configuration to the one that is read.
struct Chain<'c> {
    paths: Vec<PathBuf>,
    /// Every file read so far, and where it was included.
    read: &'c mut Vec<(PathBuf, Option<At>)>,
}

impl Desk {
    /// The configuration with everything it includes. Paths in included files are made paths of the configuration.
    pub(super) fn gather(&mut self, source: &Source) -> Option<usize> {
        let root = self.add(source.clone())?;
        let own = plain(&source.path);
        let mut read = vec![(own.clone(), None)];
        self.included(root, source, Chain { paths: vec![own], read: &mut read })
    }

    fn included(&mut self, root: usize, source: &Source, chain: Chain<'_>) -> Option<usize> {
        let Some(include) = self.tree.entry(root, "include").cloned() else { return Some(root) };
        let mut whole = self.without(root, &["include"]);
        let items = match &self.tree.node(include.value).kind {
            Kind::List(items) if !items.is_empty() => items.clone(),
            Kind::Null => Vec::new(),
            _ => {
                let finding = Finding::new("include names no file").at(At::Span(include.key_span.clone()));
                self.findings.push(finding.help("write a list of files: include: [databases.yaml]"));
                Vec::new()
            }
        };
        for item in items {
            let at = At::Span(self.tree.node(item).span.clone());
            let Some(text) = self.tree.text(item).filter(|text| !text.is_empty()).map(str::to_owned) else {
                let finding = Finding::new("include names no file").at(at);
                self.findings.push(finding.help("write a list of files: include: [databases.yaml]"));
                continue;
            };
            let path = source.resolve(Path::new(&text));
            if let Some(finding) = refused(&path, &at, &chain) {
                self.findings.push(finding);
                continue;
            }
            chain.read.push((plain(&path), Some(at.clone())));
            let Some(child) = self.open(&path, Some(at)) else { continue };
            self.rebase(child, &path, &chain.paths[0]);
            let mut paths = chain.paths.clone();
            paths.push(plain(&path));
            let (_, child_source) = self.files.at(self.tree.node(child).span.start)?;
            let child_source = child_source.clone();
            let child = self.included(child, &child_source, Chain { paths, read: &mut *chain.read })?;
            whole = self.united(whole, child);
        }
        Some(whole)
    }

    /// Both maps as one: sections are united, and nothing is said twice.
    fn united(&mut self, one: usize, other: usize) -> usize {
        let span = self.tree.node(one).span.clone();
        let mut entries = self.tree.entries(one).to_vec();
        let news = match &self.tree.node(other).kind {
            Kind::Map(news) => news.clone(),
            Kind::Null => Vec::new(),
            _ => {
                let at = At::Span(self.tree.node(other).span.start..self.tree.node(other).span.start);
                self.findings.push(Finding::new("an included file is a map, as the configuration is").at(at));
                Vec::new()
            }
        };
        for new in news {
            if OWN.contains(&new.key.as_str()) {
                let finding = Finding::new(format!("an included file cannot say '{}'", new.key));
                let at = At::Span(new.key_span.clone());
                self.findings
                    .push(finding.at(at).help("that is for the configuration itself; move it there"));
                continue;
            }
            match entries.iter().position(|entry| entry.key == new.key) {
                None => entries.push(new),
                Some(at) => {
                    let value = self.both(&entries[at].clone(), &new);
                    entries[at].value = value;
                }
            }
        }
        self.tree.grow(span, Kind::Map(entries))
    }

    /// A section that both files have.
    fn both(&mut self, own: &Entry, new: &Entry) -> usize {
        let span = self.tree.node(own.value).span.clone();
        match (&self.tree.node(own.value).kind, &self.tree.node(new.value).kind) {
            (_, Kind::Null) => own.value,
            (Kind::Null, _) => new.value,
            (Kind::List(items), Kind::List(more)) => {
                let all = items.iter().chain(more).copied().collect();
                self.tree.grow(span, Kind::List(all))
            }
            (Kind::Map(members), Kind::Map(more)) => {
                let mut all = members.clone();
                let known: HashMap<&str, &Entry> =
                    members.iter().map(|known| (known.key.as_str(), known)).collect();
                for member in more {
                    match known.get(member.key.as_str()) {
                        Some(known) => self.findings.push(twice(known, member)),
                        None => all.push(member.clone()),
                    }
                }
                self.tree.grow(span, Kind::Map(all))
            }
            _ => {
                self.findings.push(twice(own, new));
                own.value
            }
        }
    }

    /// Makes the paths of an included file, which are seen from it, paths seen from the configuration.
    fn rebase(&mut self, root: usize, file: &Path, configuration: &Path) {
        let folder = file.parent().map(plain).unwrap_or_default();
        let from = configuration.parent().map(plain).unwrap_or_default();
        let Some(prefix) = relative(&folder, &from) else { return };
        if prefix.as_os_str().is_empty() {
            return;
        }
        let mut paths = Vec::new();
        for section in self.tree.entries(root) {
            self.paths(section.value, &mut vec![section.key.clone()], &mut paths);
        }
        for number in paths {
            let said = self.tree.text(number).filter(|text| !text.starts_with('@')).map(str::to_owned);
            if let Some(text) = said {
                self.tree.set_text(number, prefix.join(text).to_string_lossy().into_owned());
            }
        }
    }

    /// Every node below that is a path.
    fn paths(&self, number: usize, trail: &mut Vec<String>, found: &mut Vec<usize>) {
        if trail.len() > 8 || trail[0] == "instances" {
            return;
        }
        let keys: Vec<&str> = trail.iter().map(String::as_str).collect();
        let is_path = match keys.as_slice() {
            ["brokers", _, "ca"] | ["events", "file"] => true,
            ["sinks", _, key] => ["dotenv", "json", "kubernetes", "recipient"].contains(key),
            ["brokers", _, "auth", .., "file"] | ["events", "webhooks", _, "secret", "file"] => true,
            ["variables", _, "from", "file"] => true,
            _ => false,
        };
        if is_path && !found.contains(&number) {
            found.push(number);
        }
        for entry in self.tree.entries(number) {
            trail.push(entry.key.clone());
            self.paths(entry.value, trail, found);
            trail.pop();
        }
    }
}

fn twice(own: &Entry, new: &Entry) -> Finding {
    Finding::new(format!("'{}' is declared twice", new.key))
        .at(At::Span(new.key_span.clone()))
        .label("again here")
        .related(At::Span(own.key_span.clone()), "first here")
        .help("keep one of them, or give one another name")
}

/// Why a file is not read, if it is not.
fn refused(path: &Path, at: &At, chain: &Chain<'_>) -> Option<Finding> {
    let own = plain(path);
    if let Some(start) = chain.paths.iter().position(|other| *other == own) {
        let around = chain.paths[start..].iter().chain([&own]);
        let names: Vec<String> = around.map(|path| path.display().to_string()).collect();
        let message = format!("these files include each other: {}", names.join(" → "));
        return Some(Finding::new(message).at(at.clone()).help("let one of them not include the other"));
    }
    if let Some((_, first)) = chain.read.iter().find(|(other, _)| *other == own) {
        let finding =
            Finding::new(format!("{} is included twice", path.display())).at(at.clone()).label("again here");
        let finding = finding.help("keep one of them");
        return Some(match first {
            Some(first) => finding.related(first.clone(), "first here"),
            None => finding,
        });
    }
    (chain.read.len() > FILES)
        .then(|| Finding::new(format!("more than {FILES} files are included")).at(at.clone()))
}

/// A path without detours, as it is written.
fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// A folder as seen from another one; nothing when they have nothing in common.
fn relative(folder: &Path, from: &Path) -> Option<PathBuf> {
    if folder.is_absolute() != from.is_absolute() {
        return Some(folder.to_owned());
    }
    let (mut there, mut here) = (folder.components().peekable(), from.components().peekable());
    while there.peek().is_some() && there.peek() == here.peek() {
        there.next();
        here.next();
    }
    let up = here.map(|_| std::path::Component::ParentDir);
    Some(up.chain(there).collect())
}
