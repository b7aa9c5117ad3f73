//! Why a body could not be read, said without quoting it: a body may be nothing but secrets.

use std::fmt;

use serde_json::error::Category;

/// What is wrong with a body. `serde_json`'s own errors quote the value that they stumble over; this does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyError(String);

impl BodyError {
    /// Keeps of an error what cannot be a value: its kind, its place, names of fields and types.
    pub(crate) fn of(error: &serde_json::Error) -> Self {
        let place = match (error.line(), error.column()) {
            (0, _) => String::new(),
            (line, column) => format!(" at line {line} column {column}"),
        };
        let kind = match error.classify() {
            Category::Io => "cannot be read".to_owned(),
            Category::Syntax => "is not JSON".to_owned(),
            Category::Eof => "ends too early".to_owned(),
            Category::Data => mismatch(&error.to_string()),
        };
        Self(format!("{kind}{place}"))
    }
}

/// What serde says about a wrong form: `missing field NAME`, or `KIND VALUE, expected WHAT` with the expectation last.
/// Fields and expectations are ours, values are not; any other text may be made of values.
fn mismatch(text: &str) -> String {
    const KINDS: [&str; 4] = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "];
    if let Some(field) = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return format!("has no field '{field}'");
    }
    let expected = match text.rsplit_once(", expected ") {
        Some((found, expected)) if KINDS.iter().any(|kind| found.starts_with(kind)) => expected,
        _ => return "holds a value that is not allowed".to_owned(),
    };
    let expected = expected.split(" at line ").next().unwrap_or_default();
    format!("holds something else where it should hold {expected}")
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body {}", self.0)
    }
}

impl std::error::Error for BodyError {}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{BindingBody, LastOperation, ServiceId};

    fn said<T: for<'a> Deserialize<'a> + fmt::Debug>(text: &str) -> String {
        BodyError::of(&serde_json::from_str::<T>(text).expect_err(text)).to_string()
    }

    #[test]
    fn the_reason_is_kept_and_the_value_is_not() {
        let cases = [
            (
                said::<BindingBody>(r#"{"credentials":"c4n4ry"}"#),
                "the body holds something else where it should hold a map at line 1 column 23",
            ),
            (said::<LastOperation>("{}"), "the body has no field 'state' at line 1 column 2"),
            (said::<LastOperation>("{c4n4ry"), "the body is not JSON at line 1 column 2"),
            (said::<LastOperation>("{"), "the body ends too early at line 1 column 1"),
            (
                said::<LastOperation>(r#"{"state":"c4n4ry"}"#),
                "the body holds something else where it should hold one of `in progress`, `succeeded`, `failed` at \
                 line 1 column 17",
            ),
            (said::<ServiceId>(r#""/c4n4ry""#), "the body holds a value that is not allowed"),
            (
                said::<BindingBody>(r#"{"credentials":"a, expected \"c4n4ry"}"#),
                "the body holds something else where it should hold a map at line 1 column 37",
            ),
            (
                said::<BindingBody>(r#"{"metadata":{"expires_at":"a, expected c4n4ry"}}"#),
                "the body holds a value that is not allowed at line 1 column 47",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }
}
