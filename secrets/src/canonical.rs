//! JSON in the one form that digests are made of.

use std::io::{self, Write};

use serde_json::{Number, Value};

/// Writes the canonical form: no spaces, members sorted by the bytes of their keys, each number and each text in one
/// form. Values that mean the same (`1` and `1.0`, members in another order) are written the same; others differ.
///
/// # Errors
/// Only those of `out`; writing to a [`Digester`](crate::Digester) or a `Vec` never fails.
pub fn canonical_json(value: &Value, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    match value {
        Value::Null => out.write_all(b"null"),
        Value::Bool(true) => out.write_all(b"true"),
        Value::Bool(false) => out.write_all(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.write_all(b"[")?;
            for (position, item) in items.iter().enumerate() {
                separate(position, out)?;
                canonical_json(item, out)?;
            }
            out.write_all(b"]")
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| key.as_bytes());
            out.write_all(b"{")?;
            for (position, (key, value)) in members.into_iter().enumerate() {
                separate(position, out)?;
                write_text(key, out)?;
                out.write_all(b":")?;
                canonical_json(value, out)?;
            }
            out.write_all(b"}")
        }
    }
}

fn separate(position: usize, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    if position == 0 { Ok(()) } else { out.write_all(b",") }
}

/// Whole numbers in plain decimal as far as 64 bits reach, others as the shortest digits that read back the same.
fn write_number(number: &Number, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if let Some(whole) = number.as_u64() {
        return write!(out, "{whole}");
    }
    if let Some(whole) = number.as_i64() {
        return write!(out, "{whole}");
    }
    match number.as_f64() {
        Some(float) if float.fract() == 0.0 && (0.0..2.0 * TWO_TO_63).contains(&float) => {
            write!(out, "{}", float as u64)
        }
        Some(float) if float.fract() == 0.0 && (-TWO_TO_63..0.0).contains(&float) => {
            write!(out, "{}", float as i64)
        }
        Some(float) => write!(out, "{float:e}"),
        None => write!(out, "{number}"),
    }
}

/// A text in quotes. Only what must be escaped is, and always in the same way.
pub(crate) fn write_text(text: &str, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    out.write_all(b"\"")?;
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (position, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.write_all(&bytes[plain..position])?;
        plain = position + 1;
        match byte {
            b'"' => out.write_all(b"\\\"")?,
            b'\\' => out.write_all(b"\\\\")?,
            b'\n' => out.write_all(b"\\n")?,
            b'\r' => out.write_all(b"\\r")?,
            b'\t' => out.write_all(b"\\t")?,
            0x08 => out.write_all(b"\\b")?,
            0x0c => out.write_all(b"\\f")?,
            _ => write!(out, "\\u{byte:04x}")?,
        }
    }
    out.write_all(&bytes[plain..])?;
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let mut out = Vec::new();
        canonical_json(&serde_json::from_str(text).unwrap(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_are_sorted_by_bytes_at_every_depth() {
        assert_eq!(canonical(r#"{ "b": { "z": 1, "": 2 }, "a": [3, {"é": 4, "z": 5}] }"#), {
            r#"{"a":[3,{"z":5,"é":4}],"b":{"":2,"z":1}}"#
        });
    }

    #[test]
    fn a_number_has_one_form() {
        for (same, form) in [
            (vec!["1", "1.0", "10e-1", "0.1e1"], "1"),
            (vec!["0", "-0", "-0.0", "0e9"], "0"),
            (vec!["-12", "-12.0", "-1.2e1"], "-12"),
            (vec!["1e19", "10000000000000000000"], "10000000000000000000"),
            (vec!["18446744073709551615"], "18446744073709551615"),
            (vec!["9007199254740993"], "9007199254740993"),
            (vec!["0.5", "5e-1", "0.50"], "5e-1"),
            (vec!["1e300", "10e299"], "1e300"),
            (vec!["-9223372036854775808", "-9223372036854775808.0"], "-9223372036854775808"),
        ] {
            same.iter().for_each(|text| assert_eq!(canonical(text), form, "{text}"));
        }
    }

    #[test]
    fn a_text_is_escaped_in_one_way() {
        assert_eq!(canonical(r#""\u0061\/é\u00e9\u0001\u001F\n\"\\\b\f\ud83d\ude00""#), {
            r#""a/éé\u0001\u001f\n\"\\\b\f😀""#
        });
    }
}
