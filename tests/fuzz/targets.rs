//! What is fuzzed, and what must hold whatever comes in.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use serde_json::{Value, json};
use sutler::{
    config::{Dialect, Sealing, SecretManifest},
    name::{StackName, VariableName},
    reference::{Template, escape, parse},
    sink::{
        Json, Kubernetes,
        dotenv::{self, Dotenv},
    },
};
use sutler_broker_server::{Config, fuzz};
use sutler_catalog::{Index, Limits, Validator};
use sutler_secrets::{KeyRing, Letter, Masker, Place, Recipient, Sealed, SecretString, find_leaks};
use sutler_spec::OriginatingIdentity;

/// Something that reads what strangers wrote.
pub(crate) struct Target {
    /// Its corpus is in the folder of this name.
    pub(crate) name: &'static str,
    /// What mutants are made with.
    pub(crate) words: &'static [&'static str],
    /// Panics where something does not hold.
    pub(crate) run: fn(&[u8]),
}

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "framing",
        words: &[
            "\r\n",
            "\r\n\r\n",
            "\n",
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\n",
            "0\r\n\r\n",
            " ",
            ":",
        ],
        run: fuzz::framing,
    },
    Target { name: "body", words: JSON, run: fuzz::body },
    Target {
        name: "path",
        words: &["%", "%2f", "%2e", "..", "/", "%00", "%ff", "/v2/", "last_operation"],
        run: |input| text(input, fuzz::path),
    },
    Target {
        name: "query",
        words: &["&", "=", "%", "+", "service_id=", "plan_id=", "operation="],
        run: |input| text(input, fuzz::query),
    },
    Target {
        name: "authorization",
        words: &["Basic ", "Bearer ", ":", "=", "Og=="],
        run: |input| text(input, fuzz::authorization),
    },
    Target {
        name: "originating_identity",
        words: &["e30=", " ", "==", "cloudfoundry "],
        run: |input| text(input, identity),
    },
    Target { name: "catalog", words: JSON, run: catalog },
    Target { name: "schema", words: SCHEMA, run: schema },
    Target {
        name: "broker_yaml",
        words: &["\n", ": ", "- ", "{", "}", "&a ", "*a", "!!str ", "|\n ", "listen: ", "tls: "],
        run: |input| text(input, configuration),
    },
    Target { name: "sealed", words: &["sutler:v1:", "sutler:v2:", "\u{1}", "A", "_"], run: sealed },
    Target { name: "letter", words: &["sutler:xwing1:", "sutler:xwing2:", "\u{1}", "A", "_"], run: letter },
    Target {
        name: "sink",
        words: &[
            "# >>> sutler shop/env:",
            "# <<< sutler shop/env\n",
            "# sutler-mark TOKEN ",
            "TOKEN=",
            "'",
            "\n---\n",
            "// sutler shop/env",
            "{",
            "\"",
            ",",
        ],
        run: sink_file,
    },
    Target {
        name: "masker",
        words: &["hunter2/é secret", "%2F", "aHVudGVyMi", "\\u00e9", "\n", "•••"],
        run: |input| text(input, mask),
    },
    Target {
        name: "dotenv",
        words: &["'", "\"", "$", "\\", "`", "\n", "#", "${", "!"],
        run: |input| text(input, dotenv_line),
    },
    Target {
        name: "reference",
        words: &["@", "${", "}", "$", ".", "db.id", "@db.id", "${db.id}"],
        run: |input| text(input, reference),
    },
];

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "1e400",
    "\\u0000",
    "\\ud800",
    "\"service_id\":",
    "\"parameters\":{",
    "-0",
];
const SCHEMA: &[&str] = &[
    "{",
    "}",
    "\"$ref\":\"#\"",
    "\"$ref\":\"http://127.0.0.1:9/\"",
    "\"$ref\":\"file:///etc/passwd\"",
    "\"pattern\":\"^(a+)+$\"",
    "\"allOf\":[",
    "]",
    "\"not\":",
    "\"properties\":{",
    "\"type\":\"string\"",
    ",",
    "\"minLength\":99999999999",
];

fn text(input: &[u8], run: fn(&str)) {
    run(&String::from_utf8_lossy(input));
}

fn identity(text: &str) {
    if let Ok(identity) = OriginatingIdentity::from_header(text) {
        assert!(!identity.platform.is_empty());
    }
}

fn catalog(input: &[u8]) {
    if let Ok(catalog) = serde_json::from_slice(input)
        && let Err(problems) = Index::check(catalog, Limits::default())
    {
        assert!(!problems.is_empty());
    }
}

fn schema(input: &[u8]) {
    let Ok(schema) = serde_json::from_slice::<Value>(input) else { return };
    if let Ok(validator) = Validator::compile(&schema) {
        for value in [json!({}), json!({ "a": "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!" }), json!([[], 1.5, null])] {
            assert_eq!(validator.is_valid(&value), validator.validate(&value).is_empty());
        }
    }
}

fn configuration(text: &str) {
    if let Err(error) = Config::parse(text, Path::new("/nowhere/broker.yaml")) {
        assert!(error.to_string().contains("broker.yaml"), "{error}");
    }
}

fn sealed(input: &[u8]) {
    static RING: LazyLock<KeyRing> = LazyLock::new(|| KeyRing::generate(jiff::Timestamp::UNIX_EPOCH));
    let place = Place::new("fuzz");
    let text = String::from_utf8_lossy(input);
    for sealed in [Sealed::from_bytes(input), Sealed::from_text(&text)].into_iter().flatten() {
        assert!(RING.open(&place, &sealed).is_err(), "nobody sealed that");
    }
    // what was sealed opens, and does not after any change
    let sealed = RING.seal(&place, input);
    assert_eq!(RING.open(&place, &sealed).unwrap().expose().as_slice(), input);
    let mut bytes = sealed.as_bytes().to_vec();
    let at = input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % bytes.len();
    bytes[at] ^= 1;
    assert!(Sealed::from_bytes(bytes).and_then(|changed| RING.open(&place, &changed)).is_err());
}

fn letter(input: &[u8]) {
    static RING: LazyLock<KeyRing> = LazyLock::new(|| KeyRing::generate(jiff::Timestamp::UNIX_EPOCH));
    static RECIPIENT: LazyLock<Recipient> = LazyLock::new(|| RING.recipient());
    let place = Place::new("fuzz");
    let text = String::from_utf8_lossy(input);
    assert!(text.parse::<Recipient>().is_err(), "nobody made that key");
    for letter in [Letter::from_bytes(input), Letter::from_text(&text)].into_iter().flatten() {
        assert!(RING.open_letter(&place, &letter).is_err(), "nobody sealed that");
    }
    let letter = RECIPIENT.seal(&place, input);
    assert_eq!(RING.open_letter(&place, &letter).unwrap().expose().as_slice(), input);
    let mut bytes = letter.as_bytes().to_vec();
    let at = input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % bytes.len();
    bytes[at] ^= 1;
    assert!(Letter::from_bytes(bytes).and_then(|changed| RING.open_letter(&place, &changed)).is_err());
}

/// Every kind of sink reads any file without harm, and leaves whatever is in it as it is.
fn sink_file(input: &[u8]) {
    static RING: LazyLock<Arc<KeyRing>> =
        LazyLock::new(|| Arc::new(KeyRing::generate(jiff::Timestamp::UNIX_EPOCH)));
    static STACK: LazyLock<StackName> = LazyLock::new(|| StackName::new("shop").unwrap());
    let (of, path, ring) = ((&*STACK, "env"), || "file".into(), || Arc::clone(&RING));
    for dialect in [Dialect::Dotenv, Dialect::Docker, Dialect::Shell] {
        for sealing in [Sealing::Sealed, Sealing::Clear] {
            let _ = Dotenv::new(of, path(), (dialect, sealing), ring()).open_text(input);
        }
    }
    let _ = Json::new(of, path(), Sealing::Clear, ring()).open_text(input);
    let word = || "sutler".to_owned();
    let secret = SecretManifest { name: word(), namespace: None, kind: word(), provider: word() };
    let _ = Kubernetes::new(of, path(), secret, ring()).open_text(input);
}

fn mask(text: &str) {
    const SECRET: &str = "hunter2/é secret";
    static MASKER: LazyLock<Masker> = LazyLock::new(|| Masker::new([SECRET]));
    let masked = MASKER.mask(text);
    assert_eq!(find_leaks(masked.as_bytes(), &[("secret", SECRET)]), []);
    assert_eq!(MASKER.mask(&masked), masked, "masking twice changes nothing");
}

fn dotenv_line(value: &str) {
    let variable = VariableName::new("VALUE").unwrap();
    if let Ok(line) = dotenv::line(&variable, &SecretString::from(value)) {
        let line = line.expose();
        let quoted = line.trim_end_matches('\n').strip_prefix("VALUE=").unwrap();
        assert_eq!(&quoted[1..quoted.len() - 1], value, "{line}");
    }
}

fn reference(text: &str) {
    let _ = parse(text);
    match parse(&escape(text)) {
        Ok(Template::Literal(literal)) => assert_eq!(literal, text),
        other => panic!("an escaped text is not itself: {other:?}"),
    }
}
