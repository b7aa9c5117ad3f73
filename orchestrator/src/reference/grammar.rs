//! How references are written. Nothing here knows what they resolve to.

use std::borrow::Cow;

/// A reference as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mention<'t> {
    /// The ref of an instance.
    pub target: &'t str,
    /// The output, possibly with a path into it.
    pub key: &'t str,
}

/// Whether a reference is the whole value or part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `@ref.key`: keeps the output's JSON type.
    Whole,
    /// `${ref.key}`: rendered into the text.
    Embedded,
}

/// What a text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template<'t, M = Mention<'t>> {
    /// Itself, escapes undone.
    Literal(Cow<'t, str>),
    /// An output.
    Whole(M),
    /// Text and outputs; at least one output.
    Embedded(Vec<Part<'t, M>>),
}

/// A part of a text with references in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'t, M = Mention<'t>> {
    /// Text.
    Text(Cow<'t, str>),
    /// An output.
    Output(M),
}

/// Why a text that looks like a reference is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Starts with `@` and goes on wrongly.
    #[error("'{text}' starts with '@' but is not a reference")]
    Whole {
        /// The text, shortened.
        text: String,
    },
    /// `${` and something else than a reference.
    #[error("'${{{text}}}' is not a reference")]
    Embedded {
        /// What stands between the braces, shortened.
        text: String,
    },
    /// `${` without `}`.
    #[error("'${{' is never closed")]
    Unclosed,
}

impl Flaw {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Whole { .. } => "write @ref.output, or @@… for a text that starts with '@'",
            Self::Embedded { .. } => "write ${ref.output}, or $${…} for the text ${…}",
            Self::Unclosed => "close it with '}', or write $${ for the text ${",
        }
    }
}

impl<'t> Template<'t> {
    /// The references in it.
    pub fn mentions(&self) -> impl Iterator<Item = (Mention<'t>, Form)> {
        let (whole, parts): (_, &[Part<'t>]) = match self {
            Self::Literal(_) => (None, &[]),
            Self::Whole(mention) => (Some((*mention, Form::Whole)), &[]),
            Self::Embedded(parts) => (None, parts),
        };
        whole.into_iter().chain(parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Output(mention) => Some((*mention, Form::Embedded)),
        }))
    }
}

/// Reads a text.
///
/// # Errors
/// When it looks like a reference and is none: it is never taken literally.
pub fn parse(text: &str) -> Result<Template<'_>, Flaw> {
    parse_with(text, mention)
}

/// The same for references of another form.
pub(super) fn parse_with<'t, M>(
    text: &'t str,
    mention: impl Fn(&'t str) -> Option<M>,
) -> Result<Template<'t, M>, Flaw> {
    if super::is_plain(text) {
        return Ok(Template::Literal(Cow::Borrowed(text)));
    }
    match text.strip_prefix('@') {
        Some(rest) if rest.starts_with('@') => embedded(rest, mention),
        Some(rest) => mention(rest).map(Template::Whole).ok_or_else(|| Flaw::Whole { text: shortened(text) }),
        None => embedded(text, mention),
    }
}

/// Reads references inside a text. Of the dollars before a brace every second one escapes.
fn embedded<'t, M>(text: &'t str, mention: impl Fn(&'t str) -> Option<M>) -> Result<Template<'t, M>, Flaw> {
    let (mut parts, mut pending, mut rest) = (Vec::new(), Cow::Borrowed(""), text);
    while let Some(brace) = rest.find("${") {
        let dollars = rest[..=brace].bytes().rev().take_while(|byte| *byte == b'$').count();
        append(&mut pending, &rest[..brace + 1 - dollars + dollars / 2]);
        rest = &rest[brace + 1..];
        if dollars % 2 == 0 {
            append(&mut pending, "{");
            rest = &rest[1..];
            continue;
        }
        let (inside, after) = rest[1..].split_once('}').ok_or(Flaw::Unclosed)?;
        let mention = mention(inside).ok_or_else(|| Flaw::Embedded { text: shortened(inside) })?;
        if !pending.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut pending)));
        }
        parts.push(Part::Output(mention));
        rest = after;
    }
    append(&mut pending, rest);
    if parts.is_empty() {
        return Ok(Template::Literal(pending));
    }
    if !pending.is_empty() {
        parts.push(Part::Text(pending));
    }
    Ok(Template::Embedded(parts))
}

fn append<'t>(text: &mut Cow<'t, str>, more: &'t str) {
    if text.is_empty() {
        *text = Cow::Borrowed(more);
    } else if !more.is_empty() {
        text.to_mut().push_str(more);
    }
}

/// Writes a text so that it means itself.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if super::is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    if text.starts_with('@') {
        escaped.push('@');
    }
    let mut rest = text;
    while let Some(brace) = rest.find("${") {
        let dollars = rest[..=brace].bytes().rev().take_while(|byte| *byte == b'$').count();
        escaped.push_str(&rest[..=brace]);
        escaped.extend(std::iter::repeat_n('$', dollars));
        escaped.push('{');
        rest = &rest[brace + 2..];
    }
    escaped.push_str(rest);
    Cow::Owned(escaped)
}

/// `ref.key`.
pub(super) fn mention(text: &str) -> Option<Mention<'_>> {
    let (target, key) = text.split_once('.')?;
    (is_handle(target) && is_key(key)).then_some(Mention { target, key })
}

/// Whether a text can be the ref of an instance.
pub(super) fn is_handle(text: &str) -> bool {
    text.len() <= 128 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(is_word)
}

/// Whether a text names an output, or a path into one: words of letters, digits, `-` and `_`, with dots between them.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.len() <= 512 && text.split('.').all(|word| !word.is_empty() && word.bytes().all(is_word))
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}
