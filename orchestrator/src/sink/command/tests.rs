//! What a command is given, and what becomes of its answers: with real programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;

struct Home {
    folder: TempDir,
    ring: Arc<KeyRing>,
}

impl Home {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keep");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Self { folder, ring: Arc::new(KeyRing::generate(Timestamp::now())) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sink(&self) -> CommandSink {
        let words = vec![self.path("keep").display().to_string(), "an argument; rm -rf".to_owned()];
        let how = (words, self.folder.path().to_owned(), Duration::from_secs(30));
        let stack = StackName::new("shop").unwrap();
        CommandSink::new((&stack, "vault"), how, self.path("sinks/ledger.json"), Arc::clone(&self.ring))
    }
}

fn variable(name: &str) -> VariableName {
    VariableName::new(name).unwrap()
}

fn put(pairs: &[(&str, &str)]) -> [Edits; 1] {
    let put = pairs.iter().map(|(name, value)| (variable(name), (*value).into()));
    [Edits { put: put.collect(), remove: Vec::new() }]
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const RECORD: &str = "cat >> given; printf '%s\\n' \"$@\" > arguments; env > environment";

#[test]
fn it_is_given_what_changed_as_json_on_its_standard_input_and_nothing_secret_elsewhere() {
    let home = Home::new(RECORD);
    home.sink().write(&put(&[("TOKEN", "hunter2\n\"$(id)\""), ("URL", "u")])).unwrap();
    let given = lines(&home.path("given"));
    assert_eq!(
        given,
        [json!({
            "kind": "sink", "format_version": 1, "stack": "shop", "sink": "vault",
            "put": { "TOKEN": "hunter2\n\"$(id)\"", "URL": "u" }, "remove": [],
        })]
    );
    assert_eq!(fs::read_to_string(home.path("arguments")).unwrap(), "an argument; rm -rf\n");
    let environment = fs::read_to_string(home.path("environment")).unwrap();
    let names: Vec<&str> = environment.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // A shell adds some of its own.
    let own = ["PWD", "OLDPWD", "SHLVL", "_"];
    assert!(names.iter().all(|name| run_passes_on(name) || own.contains(name)), "{environment}");
    let ledger = fs::read_to_string(home.path("sinks/ledger.json")).unwrap();
    assert!(ledger.contains("TOKEN") && !ledger.contains("hunter2"), "{ledger}");
    assert_eq!(fs::metadata(home.path("sinks/ledger.json")).unwrap().permissions().mode() & 0o777, 0o600);
}

fn run_passes_on(name: &str) -> bool {
    ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"].contains(&name)
}

#[test]
fn what_it_has_is_not_given_again_and_what_is_gone_is_named_once() {
    let home = Home::new(RECORD);
    let sink = home.sink();
    sink.write(&put(&[("A", "1"), ("B", "2")])).unwrap();
    sink.write(&put(&[("A", "1")])).unwrap();
    sink.write(&put(&[("A", "1"), ("B", "3")])).unwrap();
    let remove = || [Edits { put: Vec::new(), remove: vec![variable("A"), variable("C")] }];
    sink.write(&remove()).unwrap();
    sink.write(&remove()).unwrap();
    let given: Vec<(Value, Value)> = lines(&home.path("given"))
        .into_iter()
        .map(|line| (line["put"].clone(), line["remove"].clone()))
        .collect();
    assert_eq!(
        given,
        [
            (json!({ "A": "1", "B": "2" }), json!([])),
            (json!({ "B": "3" }), json!([])),
            (json!({}), json!(["A"])),
        ]
    );
    assert_eq!(sink.variables().unwrap(), BTreeSet::from([variable("B")]));
}

#[test]
fn what_it_refused_is_given_again_and_its_complaint_is_masked() {
    let home = Home::new(
        "cat > /dev/null; test -e ready || { echo first >&2; echo no hunter2-secret >&2; exit 3; }",
    );
    let sink = home.sink();
    let error = sink.write(&put(&[("TOKEN", "hunter2-secret")])).unwrap_err().to_string();
    assert!(error.contains("exit status: 3") && error.contains("no ") && error.contains("vault"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    assert!(sink.variables().unwrap().is_empty());
    fs::write(home.path("ready"), "").unwrap();
    sink.write(&put(&[("TOKEN", "hunter2-secret")])).unwrap();
    assert_eq!(sink.variables().unwrap().len(), 1);
}

#[test]
fn one_that_does_not_end_is_killed() {
    let home = Home::new("exec sleep 600");
    let how = (
        vec![home.path("keep").display().to_string()],
        home.folder.path().to_owned(),
        Duration::from_millis(300),
    );
    let stack = StackName::new("shop").unwrap();
    let sink = CommandSink::new((&stack, "vault"), how, home.path("ledger.json"), Arc::clone(&home.ring));
    let begun = std::time::Instant::now();
    let error = sink.write(&put(&[("A", "1")])).unwrap_err().to_string();
    assert!(error.contains("did not end") && begun.elapsed() < Duration::from_secs(60), "{error}");
    assert!(sink.variables().unwrap().is_empty());
}

#[test]
fn one_that_does_not_read_is_judged_by_its_exit_code_and_one_that_is_not_there_is_an_error() {
    let large = "x".repeat(1 << 20);
    let home = Home::new("exit 0");
    home.sink().write(&put(&[("A", &large)])).unwrap();
    let gone = Home::new("");
    fs::remove_file(gone.path("keep")).unwrap();
    let error = gone.sink().write(&put(&[("A", "1")])).unwrap_err().to_string();
    assert!(error.contains("could not be started"), "{error}");
}

#[test]
fn a_damaged_ledger_is_refused() {
    let home = Home::new(RECORD);
    fs::create_dir(home.path("sinks")).unwrap();
    for text in ["{", "{\"format\": 2, \"marks\": {}}", "{\"format\": 1, \"marks\": {\"A\": \"short\"}}"] {
        fs::write(home.path("sinks/ledger.json"), text).unwrap();
        assert!(matches!(home.sink().write(&put(&[("A", "1")])), Err(SinkError::Ledger { .. })), "{text}");
        assert!(home.sink().check(&[variable("A")]).is_err());
    }
    assert!(!home.path("given").exists());
}
