//! Values in clear, quoted so that POSIX shells and dotenv readers all read back the same; or refused.
//!
//! Readers disagree about escapes, so none is used: single quotes where the value has none, else double quotes where
//! nothing in the value means anything between them.

use sutler_secrets::SecretString;

/// The value with its quotes.
///
/// # Errors
/// What it holds that some reader would change.
pub(super) fn quote(value: &str) -> Result<SecretString, &'static str> {
    if let Some(what) = value.chars().find_map(never) {
        return Err(what);
    }
    if value.contains("${") {
        return Err("'${', which some readers replace");
    }
    if !value.contains('\'') {
        return if is_literal_in_single_quotes(value) {
            Ok(SecretString::from(format!("'{value}'")))
        } else {
            Err("a backslash before another one or at its end, which readers disagree about")
        };
    }
    if value.contains(['"', '\\', '$', '`', '!']) {
        return Err("single quotes together with \" \\ $ ` or !, which readers disagree about");
    }
    Ok(SecretString::from(format!("\"{value}\"")))
}

fn never(character: char) -> Option<&'static str> {
    match character {
        '\0' => Some("a NUL character"),
        '\r' => Some("a carriage return, which some readers change"),
        '\n' | '\t' => None,
        c if c.is_control() => Some("a control character"),
        _ => None,
    }
}

/// Some readers take `\\` and `\'` as escapes between single quotes too.
fn is_literal_in_single_quotes(value: &str) -> bool {
    !value.contains("\\\\") && !value.ends_with('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_one_form_or_none() {
        for (value, quoted) in [
            ("", "''"),
            ("plain", "'plain'"),
            ("p$w\"d `x` # no comment", "'p$w\"d `x` # no comment'"),
            ("{\"a\":\"b\\n\"}", "'{\"a\":\"b\\n\"}'"),
            ("two\nlines", "'two\nlines'"),
            ("it's", "\"it's\""),
        ] {
            assert_eq!(quote(value).unwrap().expose(), quoted, "{value}");
        }
        for value in ["\0", "\r\n", "\u{1b}[0m", "a\\", "a\\\\b", "'$x'", "'\"'", "'\\'", "${HOME}"] {
            assert!(quote(value).is_err(), "{value:?}");
        }
    }
}
