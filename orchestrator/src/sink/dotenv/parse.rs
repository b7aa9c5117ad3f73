//! Taking a dotenv file apart: which lines are ours, which variables are somebody else's. Keeps every byte.

use std::collections::{BTreeMap, HashMap};

use crate::name::{StackName, VariableName};

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

    pub(super) fn begin_line(&self) -> String {
        format!("{} written by sutler; change the configuration instead\n", self.begin)
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
    /// A variable in our block.
    Ours {
        /// As it stands.
        raw: &'t [u8],
        /// Its name.
        variable: VariableName,
        /// What stands between the quotes.
        value: &'t [u8],
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

/// A dotenv file, taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct File<'t> {
    /// Every piece, in order.
    pub(super) items: Vec<Item<'t>>,
    /// The variables in our block, with what stands between the quotes; of two with one name, the first.
    pub(super) ours: BTreeMap<VariableName, &'t [u8]>,
    /// The lines at which others assign to a key.
    pub(super) foreign: HashMap<&'t [u8], usize>,
}

impl<'t> File<'t> {
    /// Takes it apart.
    ///
    /// # Errors
    /// The line and what is wrong with the markers there.
    pub(super) fn parse(text: &'t [u8], markers: &Markers) -> Result<Self, (usize, &'static str)> {
        let (mut items, mut rest, mut line) = (Vec::new(), text, 1);
        let (mut inside, mut seen) = (None, false);
        while !rest.is_empty() {
            let entry = Entry::first(rest);
            let (raw, after) = rest.split_at(entry.length);
            if markers.begins(raw) {
                if seen {
                    return Err((line, "there is a second block of Sutler's for this stack and sink"));
                }
                (inside, seen) = (Some(line), true);
                items.push(Item::Begin(raw));
            } else if markers.ends(raw) {
                if inside.take().is_none() {
                    return Err((line, "the marker line before Sutler's block is missing"));
                }
                items.push(Item::End(raw));
            } else {
                items.push(entry.item(raw, inside.is_some(), line));
            }
            line += raw.iter().filter(|byte| **byte == b'\n').count();
            rest = after;
        }
        match inside {
            Some(line) => Err((line, "the marker line after Sutler's block is missing")),
            None => Ok(Self::indexed(items)),
        }
    }

    fn indexed(items: Vec<Item<'t>>) -> Self {
        let (mut ours, mut foreign) = (BTreeMap::new(), HashMap::new());
        for item in &items {
            match item {
                Item::Ours { variable, value, .. } => {
                    ours.entry(variable.clone()).or_insert(*value);
                }
                Item::Foreign { key: Some(key), line, .. } => {
                    foreign.entry(*key).or_insert(*line);
                }
                _ => {}
            }
        }
        Self { items, ours, foreign }
    }
}

/// What begins at the start of a line.
struct Entry<'t> {
    key: Option<&'t [u8]>,
    value: &'t [u8],
    /// How long it is, with its line break.
    length: usize,
}

impl<'t> Entry<'t> {
    fn first(text: &'t [u8]) -> Self {
        let line = line_end(text, 0);
        let Some((key, at)) = assignment(&text[..line]) else {
            return Self { key: None, value: &[], length: line };
        };
        let quoted = text.get(at).filter(|quote| b"'\"`".contains(quote));
        match quoted.and_then(|quote| closing(&text[at + 1..], *quote)) {
            Some(length) => {
                let end = at + 1 + length;
                Self { key: Some(key), value: &text[at + 1..end], length: line_end(text, end) }
            }
            None => Self { key: Some(key), value: text[at..line].trim_ascii(), length: line },
        }
    }

    fn item(self, raw: &'t [u8], inside: bool, line: usize) -> Item<'t> {
        let variable = self.key.and_then(|key| VariableName::new(std::str::from_utf8(key).ok()?).ok());
        match variable {
            Some(variable) if inside => Item::Ours { raw, variable, value: self.value },
            _ => Item::Foreign { raw, key: self.key, line },
        }
    }
}

/// The end of the line that `from` is in, after its line break.
fn line_end(text: &[u8], from: usize) -> usize {
    text[from..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| from + at + 1)
}

/// The key that a line assigns to, and where its value begins.
fn assignment(line: &[u8]) -> Option<(&[u8], usize)> {
    let mut at = skip_blanks(line, if line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 });
    if line[at..].starts_with(b"export") && line.get(at + 6).is_some_and(|byte| b" \t".contains(byte)) {
        at = skip_blanks(line, at + 7);
    }
    let length = line[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte));
    let end = at + length.count();
    let equals = skip_blanks(line, end);
    (end > at && line.get(equals) == Some(&b'=')).then(|| (&line[at..end], skip_blanks(line, equals + 1)))
}

fn skip_blanks(line: &[u8], from: usize) -> usize {
    from + line[from..].iter().take_while(|byte| b" \t".contains(byte)).count()
}

/// Where the closing quote stands. A backslash escapes it, except between single quotes.
fn closing(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            byte if byte == quote => return Some(at),
            b'\\' if quote != b'\'' => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markers() -> Markers {
        Markers::new(&StackName::new("shop").unwrap(), "env")
    }

    fn keys(text: &str) -> Vec<(String, usize)> {
        let file = File::parse(text.as_bytes(), &markers()).unwrap();
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
        let text = format!("A=\"\n{}X=1\n{}\"\n", markers().begin_line(), markers().end_line());
        assert_eq!(keys(&text), [("A".to_owned(), 1)]);
    }

    #[test]
    fn half_a_block_is_an_error_that_names_its_line() {
        let (begin, end) = (markers().begin_line(), markers().end_line());
        for (text, line) in [
            (format!("A=1\n{begin}B=2\n"), 2),
            (format!("A=1\n\n{end}"), 3),
            (format!("{begin}{end}{begin}{end}"), 3),
            (format!("{begin}{begin}{end}"), 2),
        ] {
            assert_eq!(File::parse(text.as_bytes(), &markers()).unwrap_err().0, line, "{text}");
        }
    }
}
