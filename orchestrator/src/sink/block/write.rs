//! Putting a file together again: our block changed, everything else as it was.

use std::collections::BTreeSet;

use sutler_secrets::SecretString;
use zeroize::Zeroizing;

use super::Grammar;
use super::parse::{File, Item, Markers, mark_line};
use crate::name::VariableName;
use crate::sink::decide::{Change, Changes};

/// The new text.
pub(super) fn render<G: Grammar>(
    file: &File<'_, G>,
    (markers, grammar): (&Markers, &G),
    changes: &Changes,
) -> Zeroizing<Vec<u8>> {
    let lines = block(file, grammar, changes);
    let filled = lines.iter().any(Line::is_variable);
    let (begin, end) = (markers.begin_line(grammar.form()), markers.end_line());
    let head = grammar.head();
    let mut text = Text::default();
    let (mut inside, mut placed) = (false, false);
    for item in &file.items {
        match item {
            Item::Begin(_) => {
                (inside, placed) = (true, true);
                if filled {
                    text.line(begin.as_bytes());
                    text.push(head.as_bytes());
                    lines.iter().for_each(|line| line.write(&mut text));
                } else {
                    lines.iter().for_each(|line| line.write_foreign(&mut text));
                }
            }
            Item::End(raw) => {
                inside = false;
                if filled {
                    text.line(raw);
                }
            }
            Item::Foreign { raw, .. } if !inside => text.push(raw),
            _ => {}
        }
    }
    if !placed && filled {
        text.line(begin.as_bytes());
        text.push(head.as_bytes());
        lines.iter().for_each(|line| line.write(&mut text));
        text.line(end.as_bytes());
    }
    text.join()
}

/// One line of our block.
enum Line<'f> {
    /// Somebody's note between ours, as it stands.
    Foreign(&'f [u8]),
    /// A variable as it stands.
    Kept { mark: Option<String>, raw: &'f [u8] },
    /// A variable anew.
    New { mark: String, line: SecretString },
}

impl<'f> Line<'f> {
    fn is_variable(&self) -> bool {
        !matches!(self, Line::Foreign(_))
    }

    fn write<'s>(&'s self, text: &mut Text<'s>)
    where
        'f: 's,
    {
        match self {
            Line::Foreign(raw) => text.line(raw),
            Line::Kept { mark, raw } => {
                mark.iter().for_each(|mark| text.line(mark.as_bytes()));
                text.line(raw);
            }
            Line::New { mark, line } => {
                text.line(mark.as_bytes());
                text.line(line.expose().as_bytes());
            }
        }
    }

    fn write_foreign<'s>(&'s self, text: &mut Text<'s>)
    where
        'f: 's,
    {
        if let Line::Foreign(raw) = self {
            text.line(raw);
        }
    }
}

/// The lines of our block: those there are, changed in place, and each new one before the first that sorts after it.
fn block<'f, G: Grammar>(file: &File<'f, G>, grammar: &G, changes: &Changes) -> Vec<Line<'f>> {
    let new = |variable: &VariableName, change: &Change| match change {
        Change::Put(written) => Some(Line::New {
            mark: mark_line(grammar.indent(), variable, &written.mark),
            line: grammar.line(variable, written.text.expose()),
        }),
        Change::Remove => None,
    };
    let mut added = changes.iter().filter(|(variable, _)| !file.ours.contains_key(*variable)).peekable();
    let (mut lines, mut seen, mut inside) = (Vec::new(), BTreeSet::new(), false);
    for item in &file.items {
        match item {
            Item::Begin(_) => inside = true,
            Item::End(_) => inside = false,
            Item::Foreign { raw, .. } if inside => lines.push(Line::Foreign(raw)),
            Item::Foreign { .. } | Item::Mark(_) | Item::Head(_) => {}
            Item::Ours { raw, variable, .. } => {
                while let Some((name, change)) = added.next_if(|(name, _)| *name < variable) {
                    lines.extend(new(name, change));
                }
                if seen.insert(variable) {
                    match changes.get(variable) {
                        Some(change) => lines.extend(new(variable, change)),
                        None => {
                            let mark = file.marks.get(variable);
                            let mark = mark.map(|mark| mark_line(grammar.indent(), variable, mark));
                            lines.push(Line::Kept { mark, raw });
                        }
                    }
                }
            }
        }
    }
    lines.extend(added.filter_map(|(variable, change)| new(variable, change)));
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
