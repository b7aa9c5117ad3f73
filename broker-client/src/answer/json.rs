//! Reading a peer's JSON: an object, not too deep; and saying what is wrong with it without repeating a value.

use serde::de::DeserializeOwned;

/// How deep a body may nest (S-29). Parsers recurse; this is checked before one runs.
const MAXIMUM_DEPTH: usize = 64;

/// Reads a body that must be a JSON object of the given form, or says what is wrong, and where.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err("the body is empty; a JSON object is expected".to_owned()),
        Some(b'{') => {}
        Some(_) => return Err("the body is not a JSON object".to_owned()),
    }
    check_depth(body)?;
    serde_json::from_slice(body).map_err(|error| complaint::<T>(body, &error))
}

/// Refuses a body that nests too deep.
pub(super) fn check_depth(body: &[u8]) -> Result<(), String> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAXIMUM_DEPTH {
            return Err(format!("the body nests deeper than {MAXIMUM_DEPTH} levels"));
        }
    }
    Ok(())
}

/// What is wrong, and at which field. Reads the body a second time; only failures pay for that.
fn complaint<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> String {
    let what = without_values(error);
    let position = format!("line {}, column {}", error.line(), error.column());
    if !error.is_data() {
        return format!("the body is not JSON: {what} ({position})");
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(tracked) if tracked.path().iter().len() > 0 => format!("{}: {what} ({position})", tracked.path()),
        _ => format!("{what} ({position})"),
    }
}

/// An error's text without its position and without what it quotes from the body, which may be a secret.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    // The parser's own texts, and names of fields that our types define, quote nothing from the body.
    if !error.is_data() || text.starts_with("missing field `") {
        return text.to_owned();
    }
    let (found, expected) = match text.rfind(", expected ") {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let quote = |character: char| matches!(character, '"' | '`' | '\'');
    let found = match (found.find(quote), found.rfind(quote)) {
        (Some(first), Some(last)) if first < last => {
            format!("{}…{}", &found[..first], &found[last + 1..])
        }
        _ => found.to_owned(),
    };
    format!("{found}{expected}")
}

#[cfg(test)]
mod tests {
    use sutler_spec::{BindingBody, Catalog, LastOperation};

    use super::*;

    fn wrong<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> String {
        read::<T>(body.as_bytes()).expect_err(body)
    }

    #[test]
    fn a_complaint_says_what_is_wrong_and_where() {
        for (body, what) in [
            ("", "the body is empty; a JSON object is expected"),
            (" \n", "the body is empty; a JSON object is expected"),
            ("<html>", "the body is not a JSON object"),
            ("[\"succeeded\"]", "the body is not a JSON object"),
            ("null", "the body is not a JSON object"),
            ("{\"state\": \"succ", "the body is not JSON: EOF while parsing a string (line 1, column 15)"),
            ("{}", "missing field `state` (line 1, column 2)"),
            (
                "{\"state\": \"done\"}",
                "state: unknown variant …, expected one of `in progress`, `succeeded`, `failed` (line 1, column 16)",
            ),
            (
                "{\"state\": \"failed\", \"description\": {\"a\": 1}}",
                "description: invalid type: map, expected a string (line 1, column 35)",
            ),
        ] {
            assert_eq!(wrong::<LastOperation>(body), what);
        }
        let catalog = "{\"services\": [{\"name\": \"a\", \"id\": \"\"}]}";
        assert_eq!(wrong::<Catalog>(catalog), "services[0].id: the service id is empty (line 1, column 37)");
    }

    #[test]
    fn a_complaint_never_repeats_a_value() {
        for body in [
            "{\"credentials\": \"c4n4ry\"}",
            "{\"credentials\": \"c4n4ry, expected nothing\"}",
            "{\"endpoints\": \"c4n4ry\"}",
            "{\"endpoints\": [{\"host\": \"h\", \"ports\": 44444444}]}",
            "{\"metadata\": {\"expires_at\": \"c4n4ry\"}}",
            "{\"volume_mounts\": [{\"driver\": \"d\", \"container_dir\": \"/\", \"mode\": \"c4n4ry\"}]}",
        ] {
            let what = wrong::<BindingBody>(body);
            assert!(!what.contains("c4n4ry") && !what.contains("4444"), "{what}");
        }
    }

    #[test]
    fn depth_is_bounded_before_anything_recurses() {
        let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        let read = |text: &str| read::<serde_json::Value>(text.as_bytes());
        assert!(read(&nested(64)).is_ok());
        for depth in [65, 100_000] {
            assert_eq!(read(&nested(depth)), Err("the body nests deeper than 64 levels".to_owned()));
        }
        let brackets_in_text = format!("{{\"x\":\"\\\"\\\\\\\"{}\"}}", "[".repeat(1_000));
        assert!(read(&brackets_in_text).is_ok());
    }
}
