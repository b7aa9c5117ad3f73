//! Finding a stage: `stages/NAME.yaml` beside the configuration, or `.yml`, `.toml`, `.json`.

use std::path::{Path, PathBuf};

use super::Desk;
use crate::{
    config::{
        Source,
        problem::{At, Finding},
        tree::Kind,
    },
    name::StackName,
    nearest::{listed, nearest},
};

/// A stage that was found.
pub(super) struct Stage {
    /// Its name.
    pub(super) name: String,
    /// Its file.
    pub(super) path: PathBuf,
    /// The outermost node of it.
    pub(super) root: usize,
}

const ENDINGS: [&str; 4] = ["yaml", "yml", "toml", "json"];

impl Desk {
    /// Finds and reads a stage.
    pub(super) fn stage(&mut self, source: &Source, name: &str) -> Option<Stage> {
        if StackName::new(name).is_err() {
            let message = format!("'{name}' cannot be the name of a stage");
            let help =
                "use lower-case letters, digits, '-' and '_', starting with a letter or digit, at most 64";
            self.findings.push(Finding::new(message).help(help));
            return None;
        }
        let folder = source.resolve(Path::new("stages"));
        let candidates = ENDINGS.iter().map(|ending| folder.join(format!("{name}.{ending}")));
        let there: Vec<PathBuf> = candidates.filter(|path| path.is_file()).collect();
        let path = match there.as_slice() {
            [only] => only.clone(),
            [] => {
                self.findings.push(unknown(name, &folder));
                return None;
            }
            [first, second, ..] => {
                let message = format!("both {} and {} are there", first.display(), second.display());
                self.findings.push(Finding::new(message).help("keep one of them"));
                return None;
            }
        };
        let root = self.open(&path, None)?;
        let span = self.tree.node(root).span.clone();
        if !matches!(self.tree.node(root).kind, Kind::Map(_) | Kind::Null) {
            let finding = Finding::new("a stage is a map, as the configuration is");
            self.findings.push(finding.at(At::Span(span.start..span.start)));
            return None;
        }
        if let Some(entry) = self.tree.entry(root, "include") {
            let finding = Finding::new("a stage cannot include files").at(At::Span(entry.key_span.clone()));
            self.findings.push(finding.help("include them in the configuration"));
            return None;
        }
        Some(Stage { name: name.to_owned(), path, root })
    }
}

fn unknown(name: &str, folder: &Path) -> Finding {
    let mut known: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    known.sort_unstable();
    let path = folder.join(format!("{name}.yaml"));
    let message = format!("there is no stage '{name}': {} is not there", path.display());
    let help = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("stages: {}", listed(known.iter().map(String::as_str))),
    };
    Finding::new(message).help(help)
}
