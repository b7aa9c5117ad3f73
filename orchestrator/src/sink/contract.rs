//! What every sink promises, held against every one: files in each format and dialect, and a command.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sutler_secrets::{KeyRing, SecretString};
use tempfile::TempDir;

use super::dotenv::Dotenv;
use super::{CommandSink, Edits, Json, Kubernetes, Sink, SinkError};
use crate::config::{Dialect, Sealing, SecretManifest};
use crate::name::{StackName, VariableName};

/// One sink in a folder of its own.
struct World {
    folder: TempDir,
    ring: Arc<KeyRing>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Dotenv(Dialect, Sealing),
    Json(Sealing),
    Kubernetes,
    Command,
}

/// Keeps what it is given in a file, as a careful program would.
const KEEPER: &str = r#"#!/usr/bin/env python3
import json, os, sys
news = json.load(sys.stdin)
path = "kept-" + news["stack"] + "-" + news["sink"] + ".json"
kept = json.load(open(path)) if os.path.exists(path) else {}
kept.update(news["put"])
for name in news["remove"]:
    kept.pop(name, None)
with open(path + ".tmp", "w") as file:
    json.dump(kept, file)
os.replace(path + ".tmp", path)
"#;

impl World {
    fn new(kind: Kind) -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            ring: Arc::new(KeyRing::generate(Timestamp::now())),
            kind,
        };
        if matches!(world.kind, Kind::Command) {
            let keeper = world.folder.path().join("keeper");
            fs::write(&keeper, KEEPER).unwrap();
            fs::set_permissions(&keeper, fs::Permissions::from_mode(0o700)).unwrap();
        }
        world
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(match self.kind {
            Kind::Command => "ledger.json",
            _ => "file",
        })
    }

    fn sink(&self) -> Box<dyn Sink> {
        self.sink_of("shop")
    }

    fn sink_of(&self, stack: &str) -> Box<dyn Sink> {
        let (stack, path, ring) = (StackName::new(stack).unwrap(), self.path(), Arc::clone(&self.ring));
        let of = (&stack, "main");
        match self.kind.clone() {
            Kind::Dotenv(dialect, sealing) => Box::new(Dotenv::new(of, path, (dialect, sealing), ring)),
            Kind::Json(sealing) => Box::new(Json::new(of, path, sealing, ring)),
            Kind::Kubernetes => {
                let secret = SecretManifest {
                    name: format!("{stack}-main"),
                    namespace: None,
                    kind: "sutler".into(),
                    provider: "sutler".into(),
                };
                Box::new(Kubernetes::new(of, path, secret, ring))
            }
            Kind::Command => {
                let words = vec![self.folder.path().join("keeper").display().to_string()];
                let how = (words, self.folder.path().to_owned(), Duration::from_secs(60));
                let ledger = self.folder.path().join(format!("ledger-{stack}.json"));
                Box::new(CommandSink::new(of, how, ledger, ring))
            }
        }
    }

    /// What whoever uses the sink finds there.
    fn read(&self, sink: &dyn Sink, stack: &str) -> BTreeMap<String, String> {
        if let Kind::Command = self.kind {
            let kept = self.folder.path().join(format!("kept-{stack}-main.json"));
            return fs::read(kept).map(|text| serde_json::from_slice(&text).unwrap()).unwrap_or_default();
        }
        let opened = sink.open().unwrap();
        opened.into_iter().map(|(name, value)| (name.to_string(), value.expose().clone())).collect()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap_or_default()
    }

    /// Puts a variable of somebody else's there.
    fn intrude(&self, name: &str) {
        let text = self.text();
        let text = match self.kind {
            Kind::Dotenv(..) => format!("{text}{name}=theirs\n"),
            Kind::Json(_) => text.replacen('{', &format!("{{ \"{name}\": \"theirs\","), 1),
            Kind::Kubernetes => text.replacen("# <<<", &format!("  {name}: \"dGhlaXJz\"\n# <<<"), 1),
            Kind::Command => unreachable!("a command keeps no file"),
        };
        fs::write(self.path(), text).unwrap();
    }

    /// Changes one character of what stands there for a variable.
    fn tamper(&self, name: &str) {
        let mut text = self.text().into_bytes();
        let all = String::from_utf8(text.clone()).unwrap();
        let lines = all.split_inclusive('\n').scan(0, |at, line| {
            *at += line.len();
            Some((*at - line.len(), line))
        });
        let mut ours = lines.filter(|(_, line)| line.contains(name) && !line.contains("sutler-mark"));
        let (start, line) = ours.next().unwrap();
        let last = line.rfind(|c: char| c.is_ascii_alphanumeric()).unwrap();
        let earlier = line[..last].rfind(|c: char| c.is_ascii_alphanumeric()).unwrap();
        text[start + earlier] = if text[start + earlier] == b'M' { b'N' } else { b'M' };
        fs::write(self.path(), text).unwrap();
    }
}

fn variable(name: &str) -> VariableName {
    VariableName::new(name).unwrap()
}

fn variables(names: &[&str]) -> Vec<VariableName> {
    names.iter().map(|name| variable(name)).collect()
}

fn put(pairs: &[(&str, &str)]) -> Edits {
    let put = pairs.iter().map(|(name, value)| (variable(name), SecretString::from(*value)));
    Edits { put: put.collect(), remove: Vec::new() }
}

fn remove(names: &[&str]) -> Edits {
    Edits { put: Vec::new(), remove: variables(names) }
}

fn held(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn a_new_one_holds_nothing_and_reading_makes_nothing(world: &World) {
    let sink = world.sink();
    assert!(sink.variables().unwrap().is_empty());
    assert!(sink.current().unwrap().is_empty());
    sink.check(&variables(&["A", "B"])).unwrap();
    sink.write(&[Edits::default(), remove(&["A"])]).unwrap();
    assert!(!world.path().exists());
}

fn what_is_written_is_read_back_by_whoever_comes_later(world: &World) {
    world.sink().write(&[put(&[("A", "1"), ("TOKEN", "hunter2-hunter2")]), put(&[("B", "")])]).unwrap();
    let later = world.sink();
    assert_eq!(world.read(&*later, "shop"), held(&[("A", "1"), ("B", ""), ("TOKEN", "hunter2-hunter2")]));
    let names: Vec<String> = later.variables().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["A", "B", "TOKEN"]);
    assert_eq!(later.current().unwrap(), later.variables().unwrap());
}

fn writing_the_same_again_touches_nothing(world: &World) {
    let sink = world.sink();
    sink.write(&[put(&[("A", "1"), ("B", "2")])]).unwrap();
    let before: Vec<_> = files(world);
    sink.write(&[put(&[("B", "2")]), put(&[("A", "1")]), remove(&["C"])]).unwrap();
    world.sink().write(&[put(&[("A", "1"), ("B", "2")])]).unwrap();
    assert_eq!(files(world), before);
}

/// Every file of the world: which, how long, and when it was written.
fn files(world: &World) -> Vec<(PathBuf, u64, u64, i64)> {
    let mut files: Vec<_> = fs::read_dir(world.folder.path())
        .unwrap()
        .map(|entry| {
            let (path, found) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
            (path, found.len(), found.ino(), found.mtime_nsec())
        })
        .collect();
    files.sort();
    files
}

fn of_several_edits_the_last_counts(world: &World) {
    let sink = world.sink();
    sink.write(&[put(&[("A", "1"), ("B", "1"), ("C", "1")])]).unwrap();
    let edits = [
        put(&[("A", "2"), ("A", "3"), ("B", "2")]),
        remove(&["B", "C"]),
        put(&[("C", "1"), ("D", "1")]),
        remove(&["D"]),
    ];
    sink.write(&edits).unwrap();
    assert_eq!(world.read(&*sink, "shop"), held(&[("A", "3"), ("C", "1")]));
    assert_eq!(sink.variables().unwrap().len(), 2);
}

fn what_is_removed_is_gone_and_removing_it_twice_is_harmless(world: &World) {
    let sink = world.sink();
    sink.write(&[put(&[("A", "1"), ("B", "2")])]).unwrap();
    sink.write(&[remove(&["A", "NEVER"])]).unwrap();
    sink.write(&[remove(&["A"])]).unwrap();
    assert_eq!(world.read(&*sink, "shop"), held(&[("B", "2")]));
    sink.write(&[remove(&["B"])]).unwrap();
    assert!(sink.variables().unwrap().is_empty());
    sink.write(&[put(&[("A", "again")])]).unwrap();
    assert_eq!(world.read(&*sink, "shop"), held(&[("A", "again")]));
}

fn a_dangerous_variable_is_refused_and_nothing_beside_it_written(world: &World) {
    let sink = world.sink();
    for name in
        ["PATH", "LD_PRELOAD", "BASH_ENV", "PYTHONPATH", "NODE_OPTIONS", "HTTPS_PROXY", "IFS", "SUTLER_KEYS"]
    {
        let error = sink.write(&[put(&[("A", "value-of-a"), (name, "evil-value")])]).unwrap_err();
        assert!(matches!(error, SinkError::Hostile { .. }), "{error}");
        assert!(error.to_string().contains(name) && !error.to_string().contains("evil-value"), "{error}");
        assert_eq!(sink.check(&variables(&["A", name])).unwrap_err().len(), 1);
    }
    assert!(sink.variables().unwrap().is_empty() && !world.path().exists());
}

fn another_stack_has_its_own_and_cannot_take_ours(world: &World) {
    let (shop, blog) = (world.sink(), world.sink_of("blog"));
    shop.write(&[put(&[("A", "of shop")])]).unwrap();
    blog.write(&[put(&[("B", "of blog")])]).unwrap();
    assert_eq!(world.read(&*shop, "shop"), held(&[("A", "of shop")]));
    assert_eq!(world.read(&*blog, "blog"), held(&[("B", "of blog")]));
    blog.write(&[remove(&["A", "B"])]).unwrap();
    assert_eq!(world.read(&*shop, "shop"), held(&[("A", "of shop")]));
}

fn a_value_comes_back_exactly_or_is_refused(world: &World) {
    let sink = world.sink();
    let values = [
        "plain",
        "",
        " ",
        "it's",
        "\"",
        "'\"`",
        "$(id)",
        "${HOME}",
        "`id`",
        "\\",
        "a\\\\b",
        "two\nlines",
        "\r\n",
        "\t",
        "\u{0}",
        "\u{1b}[2J",
        "#",
        "a #b",
        "=",
        "x\nPATH=/evil",
        "é 数 \u{202e}",
        "{\"a\": [1, \"b\\n\"]}",
        "yes",
        "1e10",
        "# <<< sutler shop/main",
        "\n# >>> sutler shop/main:\n",
        "sutler:v1:AAAA",
        "sutler:xwing1:AAAA",
        "---\n",
        "-----BEGIN KEY-----\nMIIE+/=\n-----END KEY-----\n",
        "&a *a !!str |",
        "'\\''",
    ];
    let mut expected = BTreeMap::new();
    for (number, value) in values.iter().enumerate() {
        let name = format!("V{number}");
        match sink.write(&[put(&[(&name, value)])]) {
            Ok(()) => drop(expected.insert(name, (*value).to_owned())),
            Err(error) => {
                assert!(matches!(error, SinkError::Unwritable { .. }), "{error}");
                assert!(value.trim().len() < 3 || !error.to_string().contains(value), "{error}");
                let is_clear = matches!(&world.kind, Kind::Dotenv(_, Sealing::Clear));
                assert!(is_clear, "only a dotenv file in clear refuses: {value:?}");
            }
        }
        assert_eq!(world.read(&*sink, "shop"), expected, "after {value:?}");
    }
    assert!(expected.len() >= 8, "{expected:?}");
    assert_eq!(sink.variables().unwrap().len(), expected.len());
}

fn what_others_wrote_is_a_conflict_before_anything_is_written(world: &World) {
    let sink = world.sink();
    sink.write(&[put(&[("A", "1")])]).unwrap();
    world.intrude("THEIRS");
    let text = world.text();
    assert_eq!(sink.check(&variables(&["A", "THEIRS", "NEW"])).unwrap_err().len(), 1);
    let error = sink.write(&[put(&[("NEW", "x"), ("THEIRS", "secret-of-ours")])]).unwrap_err();
    assert!(matches!(error, SinkError::Conflict { .. }), "{error}");
    let told = error.to_string();
    assert!(
        told.contains("THEIRS") && !told.contains("secret-of-ours") && !told.contains("theirs"),
        "{told}"
    );
    sink.write(&[remove(&["THEIRS"])]).unwrap();
    assert_eq!(world.text(), text);
    sink.write(&[put(&[("NEW", "x")])]).unwrap();
    assert!(world.text().contains("THEIRS"));
    assert_eq!(world.read(&*sink, "shop"), held(&[("A", "1"), ("NEW", "x")]));
}

fn what_others_changed_is_a_conflict_and_not_ours_to_remove(world: &World) {
    let sink = world.sink();
    sink.write(&[put(&[("A", "1"), ("EDITED", "value")])]).unwrap();
    world.tamper("EDITED");
    let text = world.text();
    assert_eq!(sink.variables().unwrap().len(), 1, "{text}");
    for value in ["value", "other"] {
        let error = sink.write(&[put(&[("B", "1"), ("EDITED", value)])]).unwrap_err();
        assert!(matches!(error, SinkError::Edited { .. }), "{error}");
    }
    assert_eq!(sink.check(&variables(&["A", "EDITED"])).unwrap_err().len(), 1);
    assert!(sink.open().is_err(), "what somebody put there is not opened as ours");
    sink.write(&[remove(&["EDITED"])]).unwrap();
    assert_eq!(world.text(), text);
}

fn no_link_is_followed_and_nothing_but_a_file_is_written(world: &World) {
    let canary = world.folder.path().join("canary");
    fs::write(&canary, "untouched").unwrap();
    symlink(&canary, world.path()).unwrap();
    let sink = world.sink();
    assert!(matches!(sink.write(&[put(&[("A", "1")])]), Err(SinkError::NotAFile { .. })));
    assert!(sink.check(&[variable("A")]).is_err() && sink.variables().is_err());
    assert_eq!(fs::read_to_string(&canary).unwrap(), "untouched");
    fs::remove_file(world.path()).unwrap();
    fs::create_dir(world.path()).unwrap();
    assert!(matches!(sink.write(&[put(&[("A", "1")])]), Err(SinkError::NotAFile { .. })));
}

fn a_new_file_is_private_and_what_a_crash_left_goes(world: &World) {
    let stale = world.folder.path().join(".file.sutler-0123.tmp");
    fs::write(&stale, "left by a crash").unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    fs::File::options().write(true).open(&stale).unwrap().set_modified(old).unwrap();
    world.sink().write(&[put(&[("A", "1")])]).unwrap();
    assert_eq!(fs::metadata(world.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), 1, "no temporary file is left");
}

fn nothing_secret_stands_in_a_sealed_file(world: &World) {
    let sealed = matches!(&world.kind, Kind::Dotenv(_, Sealing::Sealed) | Kind::Json(Sealing::Sealed));
    world.sink().write(&[put(&[("TOKEN", "hunter2-hunter2")])]).unwrap();
    let leaks = sutler_secrets::find_leaks(world.text().as_bytes(), &[("token", "hunter2-hunter2")]);
    assert_eq!(leaks.is_empty(), sealed);
}

macro_rules! held_to {
    ($world:expr, [$($case:ident)*]) => { $(
        #[test]
        fn $case() {
            super::$case(&World::new($world));
        }
    )* };
}

macro_rules! every_sink {
    ($($name:ident: $world:expr;)*) => { $(
        mod $name {
            use super::*;
            held_to!($world, [
                a_new_one_holds_nothing_and_reading_makes_nothing
                what_is_written_is_read_back_by_whoever_comes_later
                writing_the_same_again_touches_nothing
                of_several_edits_the_last_counts
                what_is_removed_is_gone_and_removing_it_twice_is_harmless
                a_dangerous_variable_is_refused_and_nothing_beside_it_written
                another_stack_has_its_own_and_cannot_take_ours
                a_value_comes_back_exactly_or_is_refused
            ]);
        }
    )* };
}

macro_rules! every_file {
    ($($name:ident: $world:expr;)*) => {
        mod file { use super::*; $(
        mod $name {
            use super::*;
            held_to!($world, [
                what_others_wrote_is_a_conflict_before_anything_is_written
                what_others_changed_is_a_conflict_and_not_ours_to_remove
                no_link_is_followed_and_nothing_but_a_file_is_written
                a_new_file_is_private_and_what_a_crash_left_goes
                nothing_secret_stands_in_a_sealed_file
            ]);
        }
    )* } };
}

every_sink! {
    dotenv_sealed: Kind::Dotenv(Dialect::Dotenv, Sealing::Sealed);
    dotenv_clear: Kind::Dotenv(Dialect::Dotenv, Sealing::Clear);
    docker_sealed: Kind::Dotenv(Dialect::Docker, Sealing::Sealed);
    docker_clear: Kind::Dotenv(Dialect::Docker, Sealing::Clear);
    shell_sealed: Kind::Dotenv(Dialect::Shell, Sealing::Sealed);
    shell_clear: Kind::Dotenv(Dialect::Shell, Sealing::Clear);
    json_sealed: Kind::Json(Sealing::Sealed);
    json_clear: Kind::Json(Sealing::Clear);
    kubernetes: Kind::Kubernetes;
    command: Kind::Command;
}

every_file! {
    dotenv_sealed: Kind::Dotenv(Dialect::Dotenv, Sealing::Sealed);
    dotenv_clear: Kind::Dotenv(Dialect::Dotenv, Sealing::Clear);
    docker_clear: Kind::Dotenv(Dialect::Docker, Sealing::Clear);
    shell_clear: Kind::Dotenv(Dialect::Shell, Sealing::Clear);
    json_sealed: Kind::Json(Sealing::Sealed);
    json_clear: Kind::Json(Sealing::Clear);
    kubernetes: Kind::Kubernetes;
}
