//! Putting a dotenv file together again: our block changed, everything else as it was.

use std::collections::{BTreeMap, BTreeSet};

use sutler_secrets::SecretString;
use zeroize::Zeroizing;

use super::parse::{File, Item, Markers};
use crate::name::VariableName;

/// What our block is to say; variables that are not named stay as they are.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    changes: BTreeMap<VariableName, Change>,
}

#[derive(Debug)]
enum Change {
    /// It stands there already.
    Keep,
    /// Written so, with its quotes.
    Put(SecretString),
    /// Not at all.
    Remove,
}

impl Wanted {
    /// The variable is to be there: so, or as it is.
    pub(super) fn put(&mut self, variable: &VariableName, written: Option<SecretString>) {
        self.changes.insert(variable.clone(), written.map_or(Change::Keep, Change::Put));
    }

    /// The variable is not to be there.
    pub(super) fn remove(&mut self, variable: &VariableName) {
        self.changes.insert(variable.clone(), Change::Remove);
    }
}

/// The new text; none when it would be the old one.
pub(super) fn render(file: &File<'_>, markers: &Markers, wanted: &Wanted) -> Option<Zeroizing<Vec<u8>>> {
    if !changes_anything(file, wanted) {
        return None;
    }
    let lines = block(file, wanted);
    let (begin, end) = (markers.begin_line(), markers.end_line());
    let mut text = Text::default();
    let (mut inside, mut placed) = (false, false);
    for item in &file.items {
        match item {
            Item::Begin(raw) => {
                (inside, placed) = (true, true);
                if !lines.is_empty() {
                    text.line(raw);
                    lines.iter().for_each(|line| line.write(&mut text));
                }
            }
            Item::End(raw) => {
                inside = false;
                if !lines.is_empty() {
                    text.line(raw);
                }
            }
            Item::Foreign { raw, .. } if !inside => text.push(raw),
            Item::Foreign { .. } | Item::Ours { .. } => {}
        }
    }
    if !placed && !lines.is_empty() {
        text.line(begin.as_bytes());
        lines.iter().for_each(|line| line.write(&mut text));
        text.line(end.as_bytes());
    }
    Some(text.join())
}

fn changes_anything(file: &File<'_>, wanted: &Wanted) -> bool {
    wanted.changes.iter().any(|(variable, change)| match change {
        Change::Keep => false,
        Change::Put(_) => true,
        Change::Remove => file.ours.contains_key(variable),
    })
}

/// One line of our block.
enum Line<'f> {
    /// As it stands.
    Kept(&'f [u8]),
    /// Anew.
    New(&'f VariableName, &'f SecretString),
}

impl<'f> Line<'f> {
    fn write(&self, text: &mut Text<'f>) {
        match self {
            Line::Kept(raw) => text.line(raw),
            Line::New(variable, value) => {
                text.line(variable.as_str().as_bytes());
                text.push(b"=");
                text.push(value.expose().as_bytes());
                text.push(b"\n");
            }
        }
    }
}

/// The lines of our block: those there are, changed in place, and each new one before the first that sorts after it.
fn block<'f>(file: &'f File<'_>, wanted: &'f Wanted) -> Vec<Line<'f>> {
    let mut added = wanted
        .changes
        .iter()
        .filter_map(|(variable, change)| match change {
            Change::Put(value) if !file.ours.contains_key(variable) => Some((variable, value)),
            _ => None,
        })
        .peekable();
    let (mut lines, mut seen, mut inside) = (Vec::new(), BTreeSet::new(), false);
    for item in &file.items {
        match item {
            Item::Begin(_) => inside = true,
            Item::End(_) => inside = false,
            Item::Foreign { raw, .. } if inside => lines.push(Line::Kept(raw)),
            Item::Foreign { .. } => {}
            Item::Ours { raw, variable, .. } => {
                while let Some((new, value)) = added.next_if(|(new, _)| *new < variable) {
                    lines.push(Line::New(new, value));
                }
                if seen.insert(variable) {
                    match wanted.changes.get(variable) {
                        Some(Change::Remove) => {}
                        Some(Change::Put(value)) => lines.push(Line::New(variable, value)),
                        Some(Change::Keep) | None => lines.push(Line::Kept(raw)),
                    }
                }
            }
        }
    }
    lines.extend(added.map(|(variable, value)| Line::New(variable, value)));
    lines
}

/// A text in the making: pieces that are joined once, so that no shorter copy of a secret is left behind.
#[derive(Default)]
struct Text<'f>(Vec<&'f [u8]>);

impl<'f> Text<'f> {
    fn push(&mut self, bytes: &'f [u8]) {
        if !bytes.is_empty() {
            self.0.push(bytes);
        }
    }

    /// What begins a line of its own.
    fn line(&mut self, bytes: &'f [u8]) {
        if self.0.last().is_some_and(|last| !last.ends_with(b"\n")) {
            self.0.push(b"\n");
        }
        self.push(bytes);
    }

    fn join(self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.concat())
    }
}
