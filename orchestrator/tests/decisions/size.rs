//! Large files are read, and files made to be large are refused.

use std::time::{Duration, Instant};

use sutler::config::{Format, parse};

use crate::config::{SHOP, source, yaml};

/// A chain of instances in each notation.
fn chain(length: usize) -> [(String, Format); 3] {
    let mut yaml = String::from("stack: big\nbrokers: { b: { url: https://b } }\ninstances:\n");
    let mut toml = String::from("stack = 'big'\nbrokers.b.url = 'https://b'\n");
    let mut json = String::from(r#"{"stack":"big","brokers":{"b":{"url":"https://b"}},"instances":{"#);
    for n in 0..length {
        let before = if n == 0 { "none".to_owned() } else { format!("@i{}.id", n - 1) };
        yaml.push_str(&format!("  i{n}:\n    service: s\n    name: name-{n}\n    params:\n      before: '{before}'\n      tags: [a, b, c]\n"));
        toml.push_str(&format!("[instances.i{n}]\nservice = 's'\nname = 'name-{n}'\nparams = {{ before = '{before}', tags = ['a', 'b', 'c'] }}\n"));
        let comma = if n == 0 { "" } else { "," };
        json.push_str(&format!(r#"{comma}"i{n}":{{"service":"s","name":"name-{n}","params":{{"before":"{before}","tags":["a","b","c"]}}}}"#));
    }
    json.push_str("}}");
    [(yaml, Format::Yaml), (toml, Format::Toml), (json, Format::Json)]
}

#[test]
fn a_file_of_20_000_instances_is_read_in_every_notation() {
    for (text, format) in chain(20_000) {
        let started = Instant::now();
        let config = parse(&source(&text, format)).unwrap();
        assert_eq!((config.instances.len(), config.graph.needs(7)), (20_000, &[6][..]), "{format:?}");
        let broken = text.replace("@i19000.id", "@i-19000.id");
        let problems = parse(&source(&broken, format)).unwrap_err();
        let span = problems.list[0].span().unwrap();
        assert_eq!((&broken[span], problems.list.len()), ("i-19000", 1), "{format:?}");
        assert!(started.elapsed() < Duration::from_secs(60), "{format:?}");
    }
}

#[test]
fn bombs_are_refused_quickly() {
    let aliases: String = (1..40).map(|n| format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1)).collect();
    let bomb = format!("a0: &a0 [x, x]\n{aliases}");
    let deep = format!(
        "{SHOP}  deep:\n    service: s\n    params: {{ a: {}{} }}\n",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    for text in [&bomb, &deep, &"[".repeat(100_000), &"{a: ".repeat(10_000), &"- ".repeat(10_000)] {
        let started = Instant::now();
        assert!(yaml(text).is_err());
        assert!(parse(&source(text, Format::Json)).is_err());
        assert!(parse(&source(text, Format::Toml)).is_err());
        assert!(started.elapsed() < Duration::from_secs(20), "{}", &text[..20]);
    }
    let json = format!(r#"{{"stack":"a","x":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse(&source(&json, Format::Json)).is_err());
    let toml = format!("stack = 'a'\nx = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse(&source(&toml, Format::Toml)).is_err());
}
