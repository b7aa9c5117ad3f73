//! The forms a value takes in text that programs write.

use std::fmt;

use base64::{
    Engine,
    engine::GeneralPurpose,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};

use crate::canonical::write_text;

/// Shorter values are neither masked nor looked for: they occur by chance.
pub const MIN_CHARACTERS: usize = 6;

/// How many characters of a line of a PEM block give it away.
const PEM_EDGE: usize = 12;

/// The punctuation that URL encoders leave alone; they differ.
const KEPT_BY_ENCODERS: [&str; 15] = [
    "-._~",                    // RFC 3986, Go's query
    "-._~/",                   // Python
    "*-._",                    // forms
    "-_.!~*'()",               // JavaScript's encodeURIComponent
    "-_.!~*'();/?:@&=+$,#",    // JavaScript's encodeURI
    "-_.~$&+=:@",              // Go's path
    "-._~!$&'()*+,;=:@",       // all that RFC 3986 allows in a path
    "-._~!$&'()*+,",           // the WHATWG's user info
    "-._~!$&'()*+,;=:@|[]\\^", // its path segment, four ways
    "-._~!$&'()*+,;=:@|[]\\",
    "-._~!$&'()*+,;=:@|[]^",
    "-._~!$&'()*+,;=:@|[]",
    "-._~!$&'()*+,;=:@/?[]\\^`{|}", // its query, three ways
    "-._~!$&'()*+,;=:@/?[]\\^`{|}%",
    "-._~!$&()*+,;=:@/?[]\\^`{|}%",
];

/// How a secret was written where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Form {
    /// As it is, or without the white space around it.
    Raw,
    /// One line of several.
    Line,
    /// The beginning or end of a line of a PEM block.
    PemEdge,
    /// Inside a JSON text: escaped once or twice, with or without `\/` and `\u00xx`.
    Json,
    /// Percent-encoded for a URL or a form.
    Percent,
    /// In base64, alone or inside something longer.
    Base64,
    /// As hexadecimal digits.
    Hex,
    /// As Rust's `{:?}` or its `escape_…` functions print it.
    Debug,
    /// As a list of decimal bytes.
    Bytes,
    /// With XML or HTML entities.
    Markup,
    /// Quoted for a shell or a `.env` file.
    Shell,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Line => "a line of it",
            Self::PemEdge => "an edge of a PEM line",
            Self::Json => "JSON-escaped",
            Self::Percent => "percent-encoded",
            Self::Base64 => "base64",
            Self::Hex => "hexadecimal",
            Self::Debug => "Rust debug",
            Self::Bytes => "a list of bytes",
            Self::Markup => "XML or HTML",
            Self::Shell => "shell-quoted",
        })
    }
}

/// Every form of the value that can be found by exact matching, each once; none for a value of less than
/// [`MIN_CHARACTERS`].
pub fn forms(secret: &str) -> Vec<Vec<u8>> {
    labelled(secret).into_iter().map(|(_, bytes)| bytes).collect()
}

/// The forms, each with what it is.
pub(super) fn labelled(secret: &str) -> Vec<(Form, Vec<u8>)> {
    let mut forms = Forms(Vec::new());
    if is_long_enough(secret) {
        forms.add_whole(secret);
        forms.add_whole(secret.trim());
        forms.add_lines(secret);
    }
    forms.0
}

fn is_long_enough(text: &str) -> bool {
    text.chars().nth(MIN_CHARACTERS - 1).is_some()
}

struct Forms(Vec<(Form, Vec<u8>)>);

impl Forms {
    fn add(&mut self, form: Form, text: impl Into<Vec<u8>>) {
        let bytes = text.into();
        if self.0.iter().all(|(_, there)| *there != bytes) {
            self.0.push((form, bytes));
        }
    }

    fn add_whole(&mut self, text: &str) {
        if !is_long_enough(text) {
            return;
        }
        self.add(Form::Raw, text);
        self.add_json(text);
        self.add_percent(text);
        self.add_base64(text.as_bytes());
        self.add(Form::Hex, each(text, |byte| format!("{byte:02x}")));
        self.add(Form::Hex, each(text, |byte| format!("{byte:02X}")));
        self.add_debug(text);
        self.add_markup(text);
        self.add_shell(text);
    }

    fn add_lines(&mut self, text: &str) {
        let is_pem = text.trim_start().starts_with("-----BEGIN");
        let lines: Vec<_> = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
        // the first and last line of a PEM block are no secret, and the same in every one
        let secret = lines.iter().filter(|line| lines.len() > 1 && !(is_pem && line.starts_with("-----")));
        for line in secret.filter(|line| is_long_enough(line)) {
            self.add(Form::Line, *line);
            self.add(Form::Line, json(line));
            if is_pem && line.is_ascii() && line.len() > 2 * PEM_EDGE {
                self.add(Form::PemEdge, &line[..PEM_EDGE]);
                self.add(Form::PemEdge, &line[line.len() - PEM_EDGE..]);
            }
        }
    }

    fn add_json(&mut self, text: &str) {
        let once = json(text);
        self.add(Form::Json, json(&once));
        self.add(Form::Json, once.replace('/', "\\/"));
        for escaped in ["", "<>&", "<>&'", "<>&'+`"] {
            self.add(Form::Json, unicode_escaped(&once, escaped, |unit| format!("\\u{unit:04x}")));
            self.add(Form::Json, unicode_escaped(&once, escaped, |unit| format!("\\u{unit:04X}")));
        }
        let markup_only =
            |character: char| "<>&".contains(character) || "\u{2028}\u{2029}".contains(character);
        self.add(Form::Json, escape_where(&once, markup_only, |unit| format!("\\u{unit:04x}"))); // as Go does
        self.add(Form::Json, once);
    }

    fn add_percent(&mut self, text: &str) {
        for upper in [true, false] {
            for kept in KEPT_BY_ENCODERS {
                let keeps = |byte: u8| byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte);
                let encoded = percent(text, upper, keeps);
                self.add(Form::Percent, encoded.replace("%20", "+"));
                self.add(Form::Percent, encoded);
            }
            self.add(Form::Percent, percent(text, upper, |_| false));
        }
    }

    /// Base64 writes three bytes as four characters, so a value inside a longer one can start at three offsets. Its
    /// first and last character there may belong to the neighbours too; only what depends on the value alone is looked
    /// for, and the end of the encoding where the value is at the end.
    fn add_base64(&mut self, value: &[u8]) {
        for (padded, unpadded) in
            [(BASE64_STANDARD, BASE64_STANDARD_NO_PAD), (BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD)]
        {
            for offset in 0..3 {
                let shifted = [&[0; 2][..offset], value].concat();
                let start = (8 * offset).div_ceil(6);
                let within = 8 * shifted.len() / 6;
                let encode = |engine: &GeneralPurpose| engine.encode(&shifted);
                self.add(Form::Base64, &encode(&unpadded)[start..within]);
                self.add(Form::Base64, &encode(&unpadded)[start..]);
                self.add(Form::Base64, &encode(&padded)[start..]);
            }
        }
    }

    fn add_debug(&mut self, text: &str) {
        let once = debug(text);
        self.add(Form::Debug, debug(&once));
        self.add(Form::Debug, once);
        self.add(Form::Debug, text.escape_default().to_string());
        self.add(Form::Debug, text.as_bytes().escape_ascii().to_string());
        let decimal: Vec<_> = text.bytes().map(|byte| byte.to_string()).collect();
        self.add(Form::Bytes, decimal.join(", "));
        self.add(Form::Bytes, decimal.join(","));
    }

    fn add_markup(&mut self, text: &str) {
        let inner = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        for double in ["\"", "&quot;", "&#34;", "&#x22;"] {
            for single in ["'", "&#39;", "&apos;", "&#x27;"] {
                self.add(Form::Markup, inner.replace('"', double).replace('\'', single));
            }
        }
    }

    fn add_shell(&mut self, text: &str) {
        self.add(Form::Shell, text.replace('\'', r"'\''"));
        self.add(Form::Shell, text.replace('\'', r#"'"'"'"#));
        self.add(Form::Shell, text.replace('\'', r"\'"));
        let quoted = backslashed(text, "\\\"$`");
        self.add(Form::Shell, quoted.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t"));
        self.add(Form::Shell, quoted);
        self.add(Form::Shell, text.replace('\n', "\\n"));
        self.add(Form::Shell, text.replace('$', "$$")); // as Compose files want it
    }
}

/// The text inside a JSON text, without the quotes.
fn json(text: &str) -> String {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    write_text(text, &mut quoted).expect("writing to memory never fails");
    String::from_utf8_lossy(&quoted[1..quoted.len() - 1]).into_owned()
}

fn unicode_escaped(text: &str, escaped: &str, write: impl Fn(u16) -> String) -> String {
    escape_where(text, |character| !character.is_ascii() || escaped.contains(character), write)
}

fn escape_where(text: &str, is_escaped: impl Fn(char) -> bool, write: impl Fn(u16) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_escaped(character) {
            out.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| write(*unit)));
        } else {
            out.push(character);
        }
    }
    out
}

fn percent(text: &str, upper: bool, keeps: impl Fn(u8) -> bool) -> String {
    each(text, |byte| match (keeps(byte), upper) {
        (true, _) => char::from(byte).to_string(),
        (false, true) => format!("%{byte:02X}"),
        (false, false) => format!("%{byte:02x}"),
    })
}

fn backslashed(text: &str, special: &str) -> String {
    text.chars().flat_map(|c| special.contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// What `{:?}` prints, without the quotes.
fn debug(text: &str) -> String {
    let quoted = format!("{text:?}");
    quoted[1..quoted.len() - 1].to_owned()
}

fn each(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}
