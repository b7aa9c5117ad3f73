//! Configurations: three notations mean the same, and what is wrong is told with its place.

use std::fs;

use sutler::config::{
    Authentication, Config, Dialect, Format, Problems, Sealing, SecretSource, SinkConfig, SinkKind, Source,
    StateUrl, find, load, parse, schema,
};

use crate::golden;

pub(crate) const SHOP: &str = include_str!("shop.yaml");

pub(crate) fn source(text: &str, format: Format) -> Source {
    let ending = match format {
        Format::Yaml => "yaml",
        Format::Toml => "toml",
        Format::Json => "json",
    };
    Source { path: format!("sutler.{ending}").into(), text: text.into(), format }
}

pub(crate) fn yaml(text: &str) -> Result<Config, Problems> {
    parse(&source(text, Format::Yaml))
}

#[test]
fn the_example_of_the_design_loads_as_it_stands() {
    let config = yaml(SHOP).unwrap();
    assert_eq!(config.stack.as_str(), "shop");
    assert_eq!(config.state, StateUrl::Sqlite(".sutler/state.db".into()));
    let dotenv = SinkKind::Dotenv { path: ".env".into(), dialect: Dialect::Dotenv };
    let expected = SinkConfig { name: "env".to_owned(), kind: dotenv, sealing: Sealing::Sealed };
    assert_eq!(config.sinks, [expected]);
    let broker = &config.brokers["edge"];
    assert_eq!(broker.url.as_str(), "http://127.0.0.1:8080/");
    let Authentication::Basic { username, password } = &broker.authentication else { panic!("basic") };
    let SecretSource::Environment(variable) = password else { panic!("from the environment") };
    assert_eq!((username.as_str(), variable.as_str()), ("platform", "EDGE_BROKER_PASSWORD"));
    let refs: Vec<&str> = config.instances.keys().map(|reference| reference.as_str()).collect();
    assert_eq!(refs, ["db", "api-token", "worker-secrets"]);
    assert!(config.instances["db"].protected);
    assert_eq!(config.instances["db"].bind["database_id"].as_str(), "CLOUDFLARE_D1_ID");
    let uses: Vec<String> = config.instances["worker-secrets"]
        .uses
        .iter()
        .map(|used| format!("{} {}.{} {:?}", used.pointer, used.target, used.key, used.form))
        .collect();
    assert_eq!(uses, ["/secrets/D1_TOKEN api-token.token Whole", "/secrets/NOTE db.database_id Embedded"]);
    assert_eq!(config.graph.needs(2), [0, 1]);
    assert_eq!(config.instances["worker-secrets"].name, "shop");
}

#[test]
fn yaml_toml_and_json_mean_the_same() {
    let shown =
        |config: &Config| format!("{:#?}\n{:#?}\n{:#?}", config.brokers, config.sinks, config.instances);
    let yaml = yaml(SHOP).unwrap();
    for (text, format) in
        [(include_str!("shop.toml"), Format::Toml), (include_str!("shop.json"), Format::Json)]
    {
        assert_eq!(shown(&parse(&source(text, format)).unwrap()), shown(&yaml), "{format:?}");
    }
}

#[test]
fn a_date_in_toml_is_a_text_and_numbers_keep_their_kind() {
    let text = "stack = 'a'\nbrokers.b.url = 'https://b'\n[instances.x]\nservice = 's'\n\
                params = { date = 2026-01-02, one = 1, half = 0.5, list = [true, 'x'] }\n";
    let config = parse(&source(text, Format::Toml)).unwrap();
    let expected = serde_json::json!({ "date": "2026-01-02", "one": 1, "half": 0.5, "list": [true, "x"] });
    assert_eq!(config.instances["x"].parameters, expected);
}

#[test]
fn yaml_anchors_and_merges_are_followed_and_no_is_a_text() {
    let text = "stack: a\nbrokers: { b: { url: https://b } }\ninstances:\n  x: &x\n    service: s\n    params: { country: no }\n\
                \x20 y:\n    <<: *x\n    name: why\n";
    let config = yaml(text).unwrap();
    assert_eq!(config.instances["y"].service, "s");
    assert_eq!(config.instances["y"].parameters, serde_json::json!({ "country": "no" }));
}

#[test]
fn everything_wrong_with_a_file_is_told_with_its_place() {
    let mut files: Vec<_> =
        fs::read_dir(golden::path("bad/config")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 30);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let format = match path.extension().unwrap().to_str().unwrap() {
            "toml" => Format::Toml,
            "json" => Format::Json,
            _ => Format::Yaml,
        };
        let source = Source { path: name.into(), text: text.as_str().into(), format };
        let problems = parse(&source).expect_err(name);
        let shown = problems.to_string();
        assert!(!shown.contains("hunter2"), "{name}: {shown}");
        assert!(!problems.texts.iter().any(|(_, text)| text.contains("hunter2")), "{name}");
        for problem in &problems.list {
            let span = problem.span().unwrap_or_default();
            assert!(text.get(span.clone()).is_some(), "{name}: {span:?} of {}", text.len());
        }
        golden::check(&format!("config/{name}.txt"), &format!("{shown}\n"));
    }
}

/// A file that uses every key there is.
const EVERYTHING: &str = r#"{
    "stack": "all", "state": "memory:", "sinks": {
        "env": { "dotenv": ".env", "sealed": false, "dialect": "shell" },
        "team": { "dotenv": "team.env", "recipient": "ops.recipient" },
        "app": { "json": "app.json", "sealed": true },
        "k8s": { "kubernetes": "secret.yaml", "sealed": false, "secret": "all", "namespace": "prod", "type": "d1",
                 "provider": "sutler" },
        "vault": { "command": ["./keep", "--quietly"], "timeout": "5s" } },
    "brokers": {
        "a": { "url": "https://a", "ca": "ca.pem", "parallelism": 3, "timeout": "5s",
               "auth": { "basic": { "username": "u", "password": { "file": "p" } } } },
        "b": { "url": "http://localhost", "auth": { "bearer": { "literal": "x" } } },
        "c": { "url": "https://c", "auth": { "bearer": { "env": "X" } } }
    },
    "events": {
        "file": "events.jsonl",
        "webhooks": { "audit": { "url": "https://e", "secret": { "env": "EVENTS_SECRET" } } } },
    "instances": { "i": { "service": "a/s", "plan": "p", "name": "n", "protected": true, "params": {}, "bind": { "o": "V" } },
        "m": { "service": "a/s", "for_each": { "x": 1, "y": {} } } },
    "include": ["tests/decisions/included.json"],
    "variables": {
        "plain": { "type": "number", "default": 2, "one_of": [1, 2], "description": "How many." },
        "hidden": { "secret": true, "from": { "env": "HIDDEN" }, "description": "A key." } }
}"#;

/// Every object below a value, by JSON pointer.
fn objects(value: &serde_json::Value, pointer: &str, found: &mut Vec<String>) {
    if let Some(members) = value.as_object() {
        found.push(pointer.to_owned());
        members.iter().for_each(|(key, member)| objects(member, &format!("{pointer}/{key}"), found));
    }
}

#[test]
fn the_published_schema_and_the_reader_agree_on_every_key() {
    let everything: serde_json::Value = serde_json::from_str(EVERYTHING).unwrap();
    let validator = sutler_catalog::Validator::compile(&schema()).unwrap();
    let agree = |value: &serde_json::Value, what: &str| {
        let read = parse(&source(&value.to_string(), Format::Json));
        let shown = read.as_ref().err().map(ToString::to_string);
        assert_eq!(validator.is_valid(value), read.is_ok(), "{what}: {shown:?}");
        read.is_ok()
    };
    assert!(agree(&everything, "everything"));
    let mut pointers = Vec::new();
    objects(&everything, "", &mut pointers);
    for pointer in pointers {
        let keys: Vec<String> =
            everything.pointer(&pointer).unwrap().as_object().unwrap().keys().cloned().collect();
        for key in keys {
            let mut without = everything.clone();
            without.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().shift_remove(&key);
            // What refers to something else by name is beyond a schema.
            let beyond = matches!((&*pointer, &*key), ("", "sinks" | "brokers") | ("/brokers", "a"))
                || matches!(
                    (&*pointer, &*key),
                    ("/variables/plain", "type") | ("/variables/hidden", "secret" | "from")
                );
            if !beyond {
                agree(&without, &format!("{pointer} without {key}"));
            }
            let mut other = everything.clone();
            other.pointer_mut(&pointer).unwrap()[&key] = serde_json::json!([true]);
            // What a variable may be depends on its type; what each is, is free.
            if !matches!(
                (&*pointer, &*key),
                ("/variables/plain", "default" | "one_of") | ("/instances/m/for_each", _)
            ) {
                assert!(!agree(&other, &format!("{pointer}/{key} as a list")));
            }
        }
        if !matches!(
            &*pointer,
            "/brokers"
                | "/sinks"
                | "/events/webhooks"
                | "/instances"
                | "/instances/i/params"
                | "/instances/i/bind"
                | "/instances/m/for_each"
                | "/instances/m/for_each/y"
                | "/variables"
        ) {
            let mut more = everything.clone();
            more.pointer_mut(&pointer).unwrap()["unheard_of"] = "x".into();
            assert!(!agree(&more, &format!("{pointer} with more")));
        }
    }
}

#[test]
fn the_nearest_file_upwards_is_found_and_two_beside_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    let file = folder.path().join("sutler.toml");
    fs::write(&file, include_str!("shop.toml")).unwrap();
    assert_eq!(find(&deep).unwrap(), file);
    let config = load(&file).unwrap();
    assert_eq!(config.source.resolve(".env".as_ref()), folder.path().join(".env"));
    fs::write(folder.path().join("sutler.yaml"), "").unwrap();
    let problems = find(&deep).unwrap_err().to_string();
    assert!(problems.contains("sutler.yaml and") && problems.contains("-c"), "{problems}");
    let missing = load(&deep.join("sutler.yaml")).unwrap_err().to_string();
    assert!(missing.contains("could not read"), "{missing}");
    assert!(load(&deep).unwrap_err().to_string().contains("ending"));
    fs::write(&file, b"stack = '\xff'").unwrap();
    assert!(load(&file).unwrap_err().to_string().contains("not UTF-8"));
}

#[test]
fn the_published_schema_is_the_one_that_is_read() {
    let text = format!("{:#}\n", schema());
    let docs = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/sutler.schema.json");
    golden::compare(docs, &text);
    let validator = sutler_catalog::Validator::compile(&schema()).unwrap();
    let example: serde_json::Value = serde_json::from_str(include_str!("shop.json")).unwrap();
    assert_eq!(validator.validate(&example), []);
    for wrong in ["protcted", "Stack"] {
        let mut other = example.clone();
        other["instances"]["db"][wrong] = true.into();
        assert!(!validator.is_valid(&other));
    }
}

#[test]
fn a50_two_instances_that_claim_one_variable_are_refused_with_both_places() {
    let text = format!(
        "{}  other:\n    service: cloudflare-d1\n    bind: {{ database_id: CLOUDFLARE_D1_ID }}\n",
        SHOP.trim_end_matches(' ')
    );
    let refused = yaml(&text).unwrap_err();
    let [problem] = refused.list.as_slice() else { panic!("{refused}") };
    assert_eq!(problem.message, "both db and other write the variable CLOUDFLARE_D1_ID");
    let (here, there) = (problem.place.as_ref().unwrap(), &problem.related[0].0);
    assert!(here.line > there.line && there.line > 1, "{refused}");
}

#[test]
fn a56_a_configuration_is_data_and_a_program_is_none() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sutler.ts", "sutler.js", "sutler.mjs", "sutler.py", "sutler.sh", "sutler.config.ts"] {
        let file = folder.path().join(name);
        fs::write(&file, "process.exit(42)\n").unwrap();
        let refused = load(&file).unwrap_err().to_string();
        assert!(refused.contains("the ending does not tell how it is written"), "{refused}");
        assert!(find(folder.path()).is_err(), "{name} is not looked for");
    }
    // What other readers of YAML would construct or run is a text here, or refused.
    for tagged in [
        "!!python/object/apply:os.system ['touch ran']",
        "!!js/function 'function () {}'",
        "!ruby/object:Gem::Installer {}",
    ] {
        let head = "stack: a\nbrokers: { b: { url: 'https://b' } }\ninstances:\n";
        if let Ok(config) = yaml(&format!("{head}  x: {{ service: s, params: {{ p: {tagged} }} }}\n")) {
            let p = &config.instances["x"].parameters["p"];
            assert!(p.is_string() || p.is_array() || p.is_object(), "{p}");
        }
    }
}
