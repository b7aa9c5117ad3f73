//! A known secret is found and masked in every form it takes.

use std::borrow::Cow;

use base64::prelude::{
    BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine,
};
use proptest::prelude::*;
use serde_json::json;
use sutler_secrets::{Form, Leak, MASK, Masker, find_leaks, forms};

const SECRET: &str = "p@ss w/\"é'&<$`😀\\+%~x";

#[track_caller]
fn masks(written: &str) {
    let text = format!("before {written} after");
    assert_eq!(Masker::new([SECRET]).mask(&text), format!("before {MASK} after"));
    assert!(!find_leaks(text.as_bytes(), &[("it", SECRET)]).is_empty(), "{text}");
}

#[test]
fn raw_json_and_debug_are_masked() {
    masks(SECRET);
    let json_text = serde_json::to_string(SECRET).unwrap();
    masks(&json_text[1..json_text.len() - 1]);
    let twice = serde_json::to_string(&json_text).unwrap();
    masks(&twice[3..twice.len() - 3]);
    masks(&json_text[1..json_text.len() - 1].replace('/', "\\/"));
    masks(r#"p@ss w/\"\u00e9'&<$`\ud83d\ude00\\+%~x"#); // Python
    masks(r#"p@ss w/\"é'\u0026\u003c$`😀\\+%~x"#); // Go
    let debug = format!("{SECRET:?}");
    masks(&debug[1..debug.len() - 1]);
    masks(format!("{:?}", SECRET.as_bytes()).trim_matches(['[', ']']));
    masks(&SECRET.as_bytes().escape_ascii().to_string());
}

#[test]
fn percent_encodings_are_masked() {
    masks("p%40ss%20w%2F%22%C3%A9%27%26%3C%24%60%F0%9F%98%80%5C%2B%25~x"); // RFC 3986
    masks("p%40ss%20w%2f%22%c3%a9%27%26%3c%24%60%f0%9f%98%80%5c%2b%25~x"); // lower case
    masks("p%40ss+w%2F%22%C3%A9%27%26%3C%24%60%F0%9F%98%80%5C%2B%25%7Ex"); // form
    masks("p%40ss%20w%2F%22%C3%A9'%26%3C%24%60%F0%9F%98%80%5C%2B%25~x"); // JavaScript
    masks("p@ss%20w%2F%22%C3%A9'&%3C$%60%F0%9F%98%80%5C+%25~x"); // url, path segment
    masks(&SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>());
}

#[test]
fn hexadecimal_markup_and_shell_are_masked() {
    masks(&SECRET.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
    masks(&SECRET.bytes().map(|byte| format!("{byte:02X}")).collect::<String>());
    masks("p@ss w/&quot;é&#39;&amp;&lt;$`😀\\+%~x");
    masks("p@ss w/\"é'&amp;&lt;$`😀\\+%~x");
    masks("p@ss w/\"é'\\''&<$`😀\\+%~x");
    masks("p@ss w/\\\"é'&<\\$\\`😀\\\\+%~x");
}

#[test]
fn base64_alone_is_masked_completely() {
    for engine in [BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD] {
        masks(&engine.encode(SECRET));
    }
}

#[test]
fn base64_of_something_longer_is_masked_at_every_offset() {
    let masker = Masker::new([SECRET]);
    for before in ["", "a", "ab", "abc", "user:", "username:"] {
        for after in ["", "x", "xy", "xyz"] {
            for engine in [BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD] {
                let text = engine.encode(format!("{before}{SECRET}{after}"));
                let masked = masker.mask(&text);
                // what is left are the neighbours, and at most one shared character and the padding on each side
                let most = (before.len() * 8).div_ceil(6) + (after.len() * 8).div_ceil(6) + 2;
                assert!(masked.contains(MASK), "{text}");
                assert!(masked.replace(MASK, "").trim_end_matches('=').len() <= most, "{text} {masked}");
                assert_eq!(find_leaks(text.as_bytes(), &[("it", SECRET)])[0].form, Form::Base64);
            }
        }
    }
}

#[test]
fn the_lines_of_a_value_are_masked_one_by_one() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\r\n-----END PRIVATE KEY-----\n";
    let masker = Masker::new([key]);
    assert_eq!(masker.mask("one EFAASCBKcwggSjAgEAAoIBAQ"), "one •••");
    assert_eq!(masker.mask(key.trim()), MASK);
    assert_eq!(masker.mask(&key.replace('\n', "\n    ")), {
        "-----BEGIN PRIVATE KEY-----\n    •••\n    •••\r\n    -----END PRIVATE KEY-----\n    "
    });
    assert_eq!(masker.mask("MIIEvQIBADAN…"), "•••…", "the edge of a line is enough");
    let clean = "-----BEGIN PRIVATE KEY-----";
    assert!(matches!(masker.mask(clean), Cow::Borrowed(_)), "what every key starts with is no secret");
}

#[test]
fn short_values_are_ignored() {
    let masker = Masker::new(["12345", "", "éééééé"[..10].into()]);
    assert!(masker.is_empty());
    assert_eq!(masker.mask("12345"), "12345");
    assert!(forms("12345").is_empty());
    assert_eq!(Masker::new(["  abc  \n"]).mask("abc"), "abc");
}

#[test]
fn overlapping_values_get_one_mask() {
    let masker = Masker::new(["abcdefgh", "efghijkl", "abcdef"]);
    assert_eq!(masker.mask("-abcdefghijkl-abcdef-"), "-•••-•••-");
    assert_eq!(masker.mask("aaaaaaaa"), "aaaaaaaa");
    assert_eq!(Masker::new(["aaaaaa"]).mask("xaaaaaaaaax"), "x•••x");
}

#[test]
fn every_text_and_number_of_a_json_value_is_masked_but_no_key() {
    let mut masker = Masker::default();
    masker.add_json(&json!({ "password": "hunter22", "more": [{ "pin": 12345678 }, true, null] }));
    assert_eq!(masker.mask("password hunter22 pin 12345678 more"), "password ••• pin ••• more");
}

#[test]
fn a_leak_says_which_secret_and_where_but_not_what() {
    let bytes = b"\x00\xffhunter22\x00hunter22 68756e7465723232";
    let leaks = find_leaks(bytes, &[("password", "hunter22"), ("token", "another1")]);
    let leak = |form, offset| Leak { name: "password".to_owned(), form, offset };
    assert_eq!(leaks, [leak(Form::Raw, 2), leak(Form::Hex, 20)]);
    assert!(!format!("{leaks:?}").contains("hunter22"));
    assert!(!format!("{:?}", Masker::new(["hunter22"])).contains("hunter22"));
}

#[test]
fn clean_text_is_left_alone() {
    let masker = Masker::new([SECRET, "correct horse battery staple"]);
    let clean = include_str!("../../src/mask/forms.rs").repeat(50);
    assert!(matches!(masker.mask(&clean), Cow::Borrowed(_)));
}

proptest! {
    #[test]
    fn no_form_of_any_secret_survives_masking(
        secrets in proptest::collection::vec("[ -~]{6,24}|\\PC{6,12}", 1..4),
        surroundings in "[a-z \n]{0,20}",
        which in any::<prop::sample::Index>(),
    ) {
        let masker = Masker::new(&secrets);
        let named: Vec<_> = secrets.iter().map(|secret| ("it", secret.as_str())).collect();
        for secret in &secrets {
            let forms = forms(secret);
            prop_assume!(!forms.is_empty());
            let form = String::from_utf8(forms[which.index(forms.len())].clone()).unwrap();
            let text = format!("{surroundings}{form}{surroundings}{form}");
            let masked = masker.mask(&text);
            prop_assert!(!find_leaks(text.as_bytes(), &named).is_empty());
            prop_assert_eq!(find_leaks(masked.as_bytes(), &named), vec![], "{}", masked);
        }
    }
}
