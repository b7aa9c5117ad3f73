//! How a dotenv file says a value, and how it is read back: each reader has its own idea.

use sutler_secrets::SecretString;
use zeroize::Zeroizing;

use super::portable;
use crate::config::Dialect;
use crate::name::VariableName;
use crate::sink::block::{Entry, line_end};

/// The value as it stands after the `=`.
///
/// # Errors
/// What it holds that the readers of this dialect would change.
pub(super) fn quote(dialect: Dialect, value: &str) -> Result<SecretString, &'static str> {
    match dialect {
        Dialect::Dotenv => portable::quote(value),
        Dialect::Docker => match not_on_a_line(value) {
            Some(what) => Err(what),
            None => Ok(SecretString::from(value)),
        },
        Dialect::Shell if value.contains('\0') => Err("a NUL character"),
        Dialect::Shell => Ok(SecretString::from(format!("'{}'", value.replace('\'', "'\\''")))),
    }
}

/// Readers of env files take a line as it is, and disagree about what surrounds it.
fn not_on_a_line(value: &str) -> Option<&'static str> {
    match value {
        _ if value.contains(['\n', '\r']) => Some("a line break"),
        _ if value.contains(|c: char| c != '\t' && c.is_control()) => Some("a control character"),
        _ if value != value.trim() => Some("blanks at its beginning or end, which some readers drop"),
        _ if value.starts_with(['\'', '"', '`']) => Some("a quote at its beginning, which some readers drop"),
        _ if value.starts_with('#') || value.contains(" #") => Some("what some readers take for a comment"),
        _ if value.contains('$') => Some("a dollar sign, which some readers replace"),
        _ => None,
    }
}

/// A line that sets a variable to a value that can be said.
pub(super) fn line(dialect: Dialect, variable: &VariableName, quoted: &SecretString) -> SecretString {
    let export = if dialect == Dialect::Shell { "export " } else { "" };
    SecretString::from(format!("{export}{variable}={}\n", quoted.expose()))
}

/// The value behind what stands after the `=`.
pub(super) fn read(dialect: Dialect, written: &str) -> Zeroizing<String> {
    Zeroizing::new(match dialect {
        Dialect::Docker => written.to_owned(),
        Dialect::Dotenv => match written.as_bytes() {
            [open @ (b'\'' | b'"' | b'`'), .., close] if open == close => {
                written[1..written.len() - 1].to_owned()
            }
            _ => written.to_owned(),
        },
        Dialect::Shell => match written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(inner) => inner.replace("'\\''", "'"),
            None => written.to_owned(),
        },
    })
}

/// What begins at the start of a line, as the readers of this dialect take it.
pub(super) fn entry(dialect: Dialect, text: &[u8]) -> Entry<'_> {
    let line = line_end(text, 0);
    let Some((key, at)) = assignment(&text[..line]) else {
        return Entry { key: None, value: &[], length: line };
    };
    let quoted = text.get(at).filter(|quote| dialect != Dialect::Docker && b"'\"`".contains(quote));
    let end = quoted.and_then(|quote| match dialect {
        Dialect::Shell if *quote == b'\'' => closing_segments(&text[at..]),
        _ => closing(&text[at + 1..], *quote).map(|length| length + 2),
    });
    match end {
        Some(length) => {
            let end = at + length;
            Entry { key: Some(key), value: &text[at..end], length: line_end(text, end - 1) }
        }
        None => Entry { key: Some(key), value: text[at..line].trim_ascii(), length: line },
    }
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

/// How long a word of single-quoted pieces is whose single quotes stand between them, each after a backslash.
fn closing_segments(text: &[u8]) -> Option<usize> {
    let mut end = 0;
    loop {
        end += 1 + closing(&text[end + 1..], b'\'')? + 1;
        if !text[end..].starts_with(b"\\''") {
            return Some(end);
        }
        end += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Dialect; 3] = [Dialect::Dotenv, Dialect::Docker, Dialect::Shell];

    #[test]
    fn each_dialect_says_a_value_in_its_own_way_or_not_at_all() {
        for (value, said) in [
            ("plain", [Some("'plain'"), Some("plain"), Some("'plain'")]),
            ("", [Some("''"), Some(""), Some("''")]),
            ("it's $5", [None, None, Some("'it'\\''s $5'")]),
            ("two\nlines", [Some("'two\nlines'"), None, Some("'two\nlines'")]),
            (" padded ", [Some("' padded '"), None, Some("' padded '")]),
            ("\"quoted\"", [Some("'\"quoted\"'"), None, Some("'\"quoted\"'")]),
            ("a #b", [Some("'a #b'"), None, Some("'a #b'")]),
            ("a#b=c", [Some("'a#b=c'"), Some("a#b=c"), Some("'a#b=c'")]),
            ("cr\r", [None, None, Some("'cr\r'")]),
            ("nul\0", [None, None, None]),
        ] {
            for (dialect, said) in ALL.into_iter().zip(said) {
                let quoted = quote(dialect, value);
                assert_eq!(
                    quoted.as_ref().ok().map(|quoted| quoted.expose().as_str()),
                    said,
                    "{dialect:?} {value:?}"
                );
            }
        }
    }

    #[test]
    fn what_a_dialect_says_it_reads_back() {
        let variable = VariableName::new("A").unwrap();
        for value in ["", "x", "it's", "''", "'", "a'b'c'", "\\''", "two\nB='x'\n", "tab\t", "ünï", "a=b"] {
            for dialect in ALL {
                let Ok(quoted) = quote(dialect, value) else { continue };
                let text = format!("{}B=2\n", line(dialect, &variable, &quoted).expose());
                let entry = entry(dialect, text.as_bytes());
                assert_eq!(entry.key, Some(&b"A"[..]), "{dialect:?} {value:?}");
                assert_eq!(&text[entry.length..], "B=2\n", "{dialect:?} {value:?}");
                let written = std::str::from_utf8(entry.value).unwrap();
                assert_eq!(read(dialect, written).as_str(), value, "{dialect:?}");
            }
        }
    }
}
