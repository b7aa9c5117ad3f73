//! Numbers of a body: kept exactly, or refused (S-16).
//!
//! They are kept as 64-bit integers or doubles. A number whose digits that cannot hold would become another one without
//! anybody noticing: an account id of twenty digits, say. The text tells, so it is looked at once the body is known to
//! be JSON.

/// Where the first number begins that would not be kept, in valid JSON.
pub(super) fn first_unkept(json: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = end_of_text(json, at),
            b'-' | b'0'..=b'9' => {
                let length = json[at..].iter().position(|byte| !is_of_number(*byte));
                let end = length.map_or(json.len(), |length| at + length);
                if !std::str::from_utf8(&json[at..end]).is_ok_and(is_kept) {
                    return Some(at);
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    None
}

/// Behind the quote that ends the text that begins here.
fn end_of_text(json: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    json.len()
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// Whether what is kept of the number is the number.
fn is_kept(text: &str) -> bool {
    if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
        return true;
    }
    // a double may have two shortest texts: what counts is the one that is written again
    let number = text.parse().ok().and_then(serde_json::Number::from_f64);
    number.is_some_and(|number| decimal(text) == decimal(&number.to_string()))
}

/// Sign, digits and the power of ten of the last one; zero has no digits, and one sign.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    let shortest = significant.trim_end_matches('0');
    if shortest.is_empty() {
        return Some((false, String::new(), 0));
    }
    let exponent: i64 = exponent.parse().ok()?;
    let dropped = i64::try_from(significant.len() - shortest.len()).ok()?;
    let power = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    Some((is_negative, shortest.to_owned(), power))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn s_16_a_number_that_would_become_another_one_is_found() {
        for kept in [
            "0",
            "-0",
            "-0.0",
            "0e99999999999999999999",
            "1",
            "-1",
            "1.0",
            "1.50",
            "1e2",
            "1E+2",
            "12.5e-1",
            "0.1",
            "9007199254740993",
            "18446744073709551615",
            "-9223372036854775808",
            "100000000000000000000",
            "1e300",
            "5e-324",
            "0.30000000000000004",
        ] {
            assert!(is_kept(kept), "{kept}");
        }
        for other in [
            "18446744073709551617",
            "-9223372036854775809",
            "12345678901234567890123",
            "0.1000000000000000055",
            "3.14159265358979323846",
            "9007199254740993.0",
            // written again as …00.2, which is as near to the double
            "600000000000000.3",
            "1e400",
            "1e-400",
        ] {
            assert!(!is_kept(other), "{other}");
        }
    }

    #[test]
    fn s_16_digits_in_texts_are_no_numbers() {
        for text in [
            r#"{"12345678901234567890123": "12345678901234567890123"}"#,
            r#"["\"12345678901234567890123", "\\", 5]"#,
            "{}",
            "",
        ] {
            assert_eq!(first_unkept(text.as_bytes()), None, "{text}");
        }
        assert_eq!(first_unkept(br#"{"a":[1,2.5,12345678901234567890123]}"#), Some(12));
        assert_eq!(first_unkept(b"12345678901234567890123"), Some(0));
    }

    /// Numbers as people and programs write them.
    fn numbers() -> impl Strategy<Value = String> {
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?"
    }

    proptest! {
        #[test]
        fn s_16_what_is_not_refused_is_written_again_as_the_same_number(text in numbers()) {
            if let Ok(read) = serde_json::from_str::<Value>(&text)
                && first_unkept(text.as_bytes()).is_none()
            {
                prop_assert_eq!(decimal(&read.to_string()), decimal(&text), "{} became {}", text, read);
            }
        }

        #[test]
        fn s_16_up_to_fifteen_digits_are_always_kept(digits in 0_u64..1_000_000_000_000_000, places in 0_usize..15) {
            let text = format!("{digits:016}");
            let (whole, fraction) = text.split_at(text.len() - places.min(15));
            let whole = whole.trim_start_matches('0');
            let text = match fraction {
                "" => if whole.is_empty() { "0".to_owned() } else { whole.to_owned() },
                fraction => format!("{}.{fraction}", if whole.is_empty() { "0" } else { whole }),
            };
            prop_assert!(is_kept(&text), "{}", text);
        }
    }
}
