//! References as people write them: besides outputs, variables (`var.region`), what an instance is repeated for
//! (`each.key`), and one of many instances (`site[a].url`, `site[each.key].url`). All of those are gone once a
//! configuration has been composed.

use std::borrow::Cow;

use super::grammar::{Flaw, Mention, Part, Template, escape, is_handle, is_word, mention, parse_with};

/// The name that variables go by: `var.NAME`. No instance is called so.
pub const VARIABLE: &str = "var";
/// The name that what an instance is repeated for goes by: `each.key`, `each.value`. No instance is called so.
pub const EACH: &str = "each";

/// A reference as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<'t> {
    /// The ref of an instance, or [`VARIABLE`], or [`EACH`].
    pub target: &'t str,
    /// Which of many instances.
    pub index: Option<Index<'t>>,
    /// What of it, possibly with a path into it.
    pub key: &'t str,
}

/// Which of many instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index<'t> {
    /// The one with this key.
    Key(&'t str),
    /// The one whose key a variable, or what is repeated for, says.
    Said(Mention<'t>),
}

/// Reads a text that may hold references of any form.
///
/// # Errors
/// When it looks like a reference and is none.
pub fn parse(text: &str) -> Result<Template<'_, Written<'_>>, Flaw> {
    parse_with(text, written)
}

/// `ref.key` or `ref[index].key`.
fn written(text: &str) -> Option<Written<'_>> {
    let Some((target, rest)) = text.split_once('[') else {
        let Mention { target, key } = mention(text)?;
        return Some(Written { target, index: None, key });
    };
    let (index, key) = rest.split_once("].")?;
    let index = match mention(index) {
        Some(said) if is_reserved(said.target) => Index::Said(said),
        Some(_) => return None,
        None => Index::Key(Some(index).filter(|index| is_index(index))?),
    };
    (is_handle(target) && super::is_key(key)).then_some(Written { target, index: Some(index), key })
}

/// Whether a name means something else than an instance.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    name == VARIABLE || name == EACH
}

/// Whether a text can tell one of many instances from the others: it becomes part of a ref.
#[must_use]
pub fn is_index(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(is_word)
}

/// A piece of a text that is put together anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'p> {
    /// Text that means itself.
    Text(Cow<'p, str>),
    /// A reference, without anything around it.
    Output(String),
}

/// Writes a text so that reading it gives these pieces again.
#[must_use]
pub fn join(pieces: &[Piece<'_>]) -> String {
    let (mut whole, mut pending) = (String::new(), String::new());
    for piece in pieces {
        match piece {
            Piece::Text(text) => pending.push_str(text),
            Piece::Output(mention) => {
                flush(&mut pending, &mut whole);
                // A dollar in front of a reference would escape it.
                let dollars = whole.bytes().rev().take_while(|byte| *byte == b'$').count();
                whole.extend(std::iter::repeat_n('$', dollars));
                whole.push_str("${");
                whole.push_str(mention);
                whole.push('}');
            }
        }
    }
    flush(&mut pending, &mut whole);
    whole
}

/// Only what begins a text can be taken for a whole reference.
fn flush(pending: &mut String, whole: &mut String) {
    let escaped = escape(pending);
    match escaped.strip_prefix("@@") {
        Some(rest) if !whole.is_empty() => {
            whole.push('@');
            whole.push_str(rest);
        }
        _ => whole.push_str(&escaped),
    }
    pending.clear();
}

/// Reads a text outside of parameters, where only variables and what is repeated for mean something; nothing when it
/// holds neither.
#[must_use]
pub fn parse_elsewhere(text: &str) -> Option<Template<'_>> {
    if super::is_plain(text) {
        return None;
    }
    let reserved = |text| mention(text).filter(|mention| is_reserved(mention.target));
    if let Some(rest) = text.strip_prefix('@') {
        if let Some(mention) = reserved(rest) {
            return Some(Template::Whole(mention));
        }
        if let Some(literal) = rest.strip_prefix('@').filter(|rest| reserved(rest).is_some()) {
            return Some(Template::Literal(Cow::Borrowed(&text[text.len() - literal.len() - 1..])));
        }
    }
    let (mut parts, mut literal, mut rest, mut is_any) = (Vec::new(), String::new(), text, false);
    while let Some(brace) = rest.find("${") {
        let inside =
            rest[brace + 2..].split_once('}').and_then(|(inside, _)| Some((inside, reserved(inside)?)));
        let Some((inside, mention)) = inside else {
            literal.push_str(&rest[..brace + 2]);
            rest = &rest[brace + 2..];
            continue;
        };
        is_any = true;
        let after = brace + 2 + inside.len() + 1;
        let dollars = rest[..=brace].bytes().rev().take_while(|byte| *byte == b'$').count();
        literal.push_str(&rest[..brace + 1 - dollars + dollars / 2]);
        if dollars % 2 == 0 {
            literal.push_str(&rest[brace + 1..after]);
        } else {
            parts.push(Part::Text(Cow::Owned(std::mem::take(&mut literal))));
            parts.push(Part::Output(mention));
        }
        rest = &rest[after..];
    }
    literal.push_str(rest);
    parts.push(Part::Text(Cow::Owned(literal)));
    is_any.then_some(Template::Embedded(parts))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_of_many_is_named_by_its_key_or_by_what_says_it() {
        let whole = |text| match parse(text) {
            Ok(Template::Whole(written)) => Some((written.target, written.index, written.key)),
            _ => None,
        };
        let each = Index::Said(Mention { target: "each", key: "key" });
        assert_eq!(whole("@site[a].url"), Some(("site", Some(Index::Key("a")), "url")));
        assert_eq!(whole("@site[each.key].a.b"), Some(("site", Some(each), "a.b")));
        assert_eq!(whole("@var.region"), Some(("var", None, "region")));
        for wrong in
            ["@site[].x", "@site[a]", "@site[a]x", "@site[db.x].y", "@site[a b].x", "@[a].x", "@site[a].b c"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn outside_of_parameters_only_variables_mean_something() {
        for literal in ["@db.x", "${db.x}", "a$", "@@x", "${", "${var.}"] {
            assert_eq!(parse_elsewhere(literal), None, "{literal}");
        }
        let shown = |text: &str| match parse_elsewhere(text).unwrap() {
            Template::Literal(text) => text.into_owned(),
            Template::Whole(mention) => format!("<{}.{}>", mention.target, mention.key),
            Template::Embedded(parts) => parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => text.to_string(),
                    Part::Output(mention) => format!("<{}.{}>", mention.target, mention.key),
                })
                .collect(),
        };
        for (written, means) in [
            ("@var.x", "<var.x>"),
            ("@@var.x", "@var.x"),
            ("a-${var.x}-${db.y}${each.key}", "a-<var.x>-${db.y}<each.key>"),
            ("$${var.x}", "${var.x}"),
            ("$$${var.x}", "$<var.x>"),
        ] {
            assert_eq!(shown(written), means, "{written}");
        }
    }

    proptest! {
        #[test]
        fn what_is_put_together_is_read_as_the_same_pieces(
            texts in proptest::collection::vec("[a@${}x]{0,6}", 1..5),
        ) {
            let mut pieces = Vec::new();
            for (at, text) in texts.iter().enumerate() {
                if at > 0 {
                    pieces.push(Piece::Output("db.k".to_owned()));
                }
                pieces.push(Piece::Text(text.as_str().into()));
            }
            let read = match parse(&join(&pieces)).unwrap() {
                Template::Literal(text) => text.into_owned(),
                Template::Whole(_) => "<>".to_owned(),
                Template::Embedded(parts) => parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text.as_ref(),
                        Part::Output(_) => "<>",
                    })
                    .collect(),
            };
            prop_assert_eq!(read, texts.join("<>"));
        }
    }
}
