//! Taking a file apart: which lines are ours, which variables are somebody else's. Keeps every byte.

use std::collections::{BTreeMap, HashMap};

use super::Grammar;
use crate::name::{StackName, VariableName};
use crate::sink::mark::Mark;

/// The lines around our block.
#[derive(Debug, Clone)]
pub(super) struct Markers {
    begin: String,
    end: String,
}

impl Markers {
    pub(super) fn new(stack: &StackName, sink: &str) -> Self {
        let sink: String = sink.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
        Self { begin: format!("# >>> sutler {stack}/{sink}:"), end: format!("# <<< sutler {stack}/{sink}") }
    }

    /// The line before our block, which also tells in which of several forms the block is.
    pub(super) fn begin_line(&self, form: &str) -> String {
        format!("{} written by sutler{form}; change the configuration instead\n", self.begin)
    }

    pub(super) fn end_line(&self) -> String {
        format!("{}\n", self.end)
    }

    /// Whether one of the lines around our block stands somewhere in a piece.
    pub(super) fn is_in(&self, raw: &[u8]) -> bool {
        raw.split(|byte| *byte == b'\n').any(|line| self.begins(line) || self.ends(line))
    }

    fn begins(&self, line: &[u8]) -> bool {
        line.starts_with(self.begin.as_bytes())
    }

    fn ends(&self, line: &[u8]) -> bool {
        line.trim_ascii_end() == self.end.as_bytes()
    }
}

/// A piece of the file: one line, or several that a quoted value runs over.
#[derive(Debug, PartialEq)]
pub(super) enum Item<'t> {
    /// The marker line before our block.
    Begin(&'t [u8]),
    /// The marker line after it.
    End(&'t [u8]),
    /// What the block begins with, the same for all its variables.
    Head(&'t [u8]),
    /// The mark of a variable, before it.
    Mark(&'t [u8]),
    /// A variable in our block.
    Ours {
        /// As it stands.
        raw: &'t [u8],
        /// Its name.
        variable: VariableName,
        /// What stands for its value, with its quotes.
        value: &'t [u8],
        /// Its line, from 1.
        line: usize,
    },
    /// Anything else, wherever it stands.
    Foreign {
        /// As it stands.
        raw: &'t [u8],
        /// What it assigns to, if it does.
        key: Option<&'t [u8]>,
        /// Its line, from 1.
        line: usize,
    },
}

/// A file, taken apart.
#[derive(Debug)]
pub(super) struct File<'t, G> {
    /// How our block is written; in another form than the next one, perhaps.
    pub(super) grammar: Option<G>,
    /// Every piece, in order.
    pub(super) items: Vec<Item<'t>>,
    /// The variables in our block, with what stands for the value and the line; of two with one name, the first.
    pub(super) ours: BTreeMap<VariableName, (&'t [u8], usize)>,
    /// The marks in our block.
    pub(super) marks: BTreeMap<VariableName, Mark>,
    /// The lines at which others assign to a key.
    pub(super) foreign: HashMap<&'t [u8], usize>,
}

impl<'t, G: Grammar> File<'t, G> {
    /// Takes it apart.
    ///
    /// # Errors
    /// The line and what is wrong with the markers there.
    pub(super) fn parse(
        text: &'t [u8],
        markers: &Markers,
        grammar: &G,
    ) -> Result<Self, (usize, &'static str)> {
        let (mut items, mut marks, mut rest, mut line) = (Vec::new(), BTreeMap::new(), text, 1);
        let (mut inside, mut written) = (None, None);
        while !rest.is_empty() {
            let first = &rest[..line_end(rest, 0)];
            let mut raw = first;
            if markers.begins(first) {
                if written.is_some() {
                    return Err((line, "there is a second block of Sutler's for this stack and sink"));
                }
                (inside, written) = (Some(line), Some(grammar.as_written(first)));
                items.push(Item::Begin(raw));
            } else if markers.ends(first) {
                if inside.take().is_none() {
                    return Err((line, "the marker line before Sutler's block is missing"));
                }
                items.push(Item::End(raw));
            } else if let (Some((variable, mark)), Some(_)) = (mark(first), inside) {
                marks.entry(variable).or_insert(mark);
                items.push(Item::Mark(raw));
            } else if inside.is_some() && grammar.is_head(first) {
                items.push(Item::Head(raw));
            } else {
                let written = written.as_ref().filter(|_| inside.is_some());
                let entry = written.map_or_else(|| grammar.foreign(rest), |written| written.ours(rest));
                raw = &rest[..entry.length];
                items.push(entry.item(raw, inside.is_some(), line));
            }
            line += raw.iter().filter(|byte| **byte == b'\n').count();
            rest = &rest[raw.len()..];
        }
        match inside {
            Some(line) => Err((line, "the marker line after Sutler's block is missing")),
            None => Ok(Self { grammar: written, ..Self::indexed(items, marks) }),
        }
    }

    fn indexed(items: Vec<Item<'t>>, marks: BTreeMap<VariableName, Mark>) -> Self {
        let (mut ours, mut foreign) = (BTreeMap::new(), HashMap::new());
        for item in &items {
            match item {
                Item::Ours { variable, value, line, .. } => {
                    ours.entry(variable.clone()).or_insert((*value, *line));
                }
                Item::Foreign { key: Some(key), line, .. } => {
                    foreign.entry(*key).or_insert(*line);
                }
                _ => {}
            }
        }
        Self { grammar: None, items, ours, marks, foreign }
    }

    /// The marker line before our block, when there is one.
    pub(super) fn begin(&self) -> Option<&'t [u8]> {
        self.items.iter().find_map(|item| match item {
            Item::Begin(raw) => Some(*raw),
            _ => None,
        })
    }
}

const MARK: &str = "# sutler-mark ";

/// The line that a mark stands in.
pub(super) fn mark_line(indent: &str, variable: &VariableName, mark: &Mark) -> String {
    format!("{indent}{MARK}{variable} {mark}\n")
}

fn mark(line: &[u8]) -> Option<(VariableName, Mark)> {
    let rest = std::str::from_utf8(line).ok()?.trim().strip_prefix(MARK)?;
    let (variable, mark) = rest.split_once(' ')?;
    Some((VariableName::new(variable).ok()?, Mark::parse(mark)?))
}

/// What begins at the start of a line.
pub(in crate::sink) struct Entry<'t> {
    /// What it assigns to, if it does.
    pub(in crate::sink) key: Option<&'t [u8]>,
    /// What stands for the value, with its quotes.
    pub(in crate::sink) value: &'t [u8],
    /// How long it is, with its line break.
    pub(in crate::sink) length: usize,
}

impl<'t> Entry<'t> {
    fn item(self, raw: &'t [u8], inside: bool, line: usize) -> Item<'t> {
        let variable = self.key.and_then(|key| VariableName::new(std::str::from_utf8(key).ok()?).ok());
        match variable {
            Some(variable) if inside => Item::Ours { raw, variable, value: self.value, line },
            _ => Item::Foreign { raw, key: self.key, line },
        }
    }
}

/// The end of the line that `from` is in, after its line break.
pub(in crate::sink) fn line_end(text: &[u8], from: usize) -> usize {
    text[from..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| from + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Dialect;
    use crate::sink::dotenv::Lines;

    fn markers() -> Markers {
        Markers::new(&StackName::new("shop").unwrap(), "env")
    }

    fn keys(text: &str) -> Vec<(String, usize)> {
        let lines = Lines { dialect: Dialect::Dotenv };
        let file = File::parse(text.as_bytes(), &markers(), &lines).unwrap();
        let key = |item: &Item<'_>| match item {
            Item::Foreign { key: Some(key), line, .. } => Some((String::from_utf8_lossy(key).into(), *line)),
            _ => None,
        };
        file.items.iter().filter_map(key).collect()
    }

    #[test]
    fn keys_are_found_as_dotenv_readers_find_them() {
        let text = "# A=1\nB=2\n export  C = '3'\n\nD.x=4\nnothing\n\"E\"=5\n=6\nexport\nexportF=7\n";
        let expected = [("B", 2), ("C", 3), ("D.x", 5), ("exportF", 10)];
        assert_eq!(keys(text), expected.map(|(key, line)| (key.to_owned(), line)));
    }

    #[test]
    fn what_stands_inside_a_quoted_value_is_no_key() {
        let text = "A=\"one\nB=2\n\\\"C=3\n\" # rest\nD='x\nE=5'\nF=`\nG=7\n`\nH=\"open\nI=9\n";
        let expected = [("A", 1), ("D", 5), ("F", 7), ("H", 10), ("I", 11)];
        assert_eq!(keys(text), expected.map(|(key, line)| (key.to_owned(), line)));
    }

    #[test]
    fn a_marker_inside_somebody_elses_value_marks_nothing() {
        let text = format!("A=\"\n{}X=1\n{}\"\n", markers().begin_line(""), markers().end_line());
        assert_eq!(keys(&text), [("A".to_owned(), 1)]);
    }

    #[test]
    fn half_a_block_is_an_error_that_names_its_line() {
        let lines = Lines { dialect: Dialect::Dotenv };
        let (begin, end) = (markers().begin_line(""), markers().end_line());
        for (text, line) in [
            (format!("A=1\n{begin}B=2\n"), 2),
            (format!("A=1\n\n{end}"), 3),
            (format!("{begin}{end}{begin}{end}"), 3),
            (format!("{begin}{begin}{end}"), 2),
        ] {
            assert_eq!(File::parse(text.as_bytes(), &markers(), &lines).unwrap_err().0, line, "{text}");
        }
    }
}
