//! What a dotenv sink promises, on real files.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::sink::SinkSet;
use crate::sink::{Edits, Sink};

struct Home {
    folder: TempDir,
    ring: Arc<KeyRing>,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), ring: Arc::new(KeyRing::generate(Timestamp::now())) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(".env")
    }

    fn sink(&self, sealing: Sealing) -> Dotenv {
        self.speaking(Dialect::Dotenv, sealing)
    }

    fn speaking(&self, dialect: Dialect, sealing: Sealing) -> Dotenv {
        Dotenv::new((&stack("shop"), "env"), self.path(), (dialect, sealing), Arc::clone(&self.ring))
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    /// The text without the marks.
    fn plain(&self) -> String {
        unmarked(&self.text())
    }
}

/// A text without the marks.
fn unmarked(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with("# sutler-mark ")).collect()
}

fn stack(text: &str) -> StackName {
    StackName::new(text).unwrap()
}

fn variable(text: &str) -> VariableName {
    VariableName::new(text).unwrap()
}

fn put(pairs: &[(&str, &str)]) -> [Edits; 1] {
    let put = pairs.iter().map(|(name, value)| (variable(name), SecretString::from(*value)));
    [Edits { put: put.collect(), remove: Vec::new() }]
}

fn remove(names: &[&str]) -> [Edits; 1] {
    [Edits { put: Vec::new(), remove: names.iter().map(|name| variable(name)).collect() }]
}

fn opened(sink: &Dotenv) -> Vec<(String, String)> {
    let all = sink.open().unwrap();
    all.into_iter().map(|(variable, value)| (variable.to_string(), value.expose().clone())).collect()
}

#[test]
fn a_new_file_holds_one_block_and_is_private() {
    let home = Home::new();
    let sink = home.sink(Sealing::Clear);
    sink.write(&put(&[("TOKEN", "t"), ("A_URL", "u v")])).unwrap();
    assert_eq!(
        home.plain(),
        "# >>> sutler shop/env: written by sutler; change the configuration instead\n\
         A_URL='u v'\nTOKEN='t'\n# <<< sutler shop/env\n"
    );
    assert_eq!(std::fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(home.folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn values_are_sealed_for_their_place() {
    let home = Home::new();
    let sink = home.sink(Sealing::Sealed);
    sink.write(&put(&[("TOKEN", "hunter2"), ("OTHER", "x\0y")])).unwrap();
    let text = home.text();
    assert!(text.contains("TOKEN='sutler:xwing1:") && !text.contains("hunter2"), "{text}");
    assert_eq!(opened(&sink), [("OTHER".into(), "x\0y".into()), ("TOKEN".into(), "hunter2".into())]);
    let swapped = text.replace("TOKEN=", "TMP=").replace("OTHER=", "TOKEN=").replace("TMP=", "OTHER=");
    assert!(sink.open_text(swapped.as_bytes()).is_err(), "a value opened under another name");
    let elsewhere = Dotenv::new(
        (&stack("blog"), "env"),
        home.path(),
        (Dialect::Dotenv, Sealing::Sealed),
        Arc::clone(&home.ring),
    );
    let renamed = text.replace("shop/env", "blog/env");
    assert!(elsewhere.open_text(renamed.as_bytes()).is_err(), "a value opened in another stack");
    let stranger = Home::new().sink(Sealing::Sealed);
    let error = stranger.open_text(text.as_bytes()).unwrap_err();
    assert!(matches!(error, SinkError::Sealed { .. }), "{error}");
}

#[test]
fn writing_the_same_again_changes_no_byte() {
    let home = Home::new();
    for sealing in [Sealing::Sealed, Sealing::Clear] {
        let sink = home.sink(sealing);
        sink.write(&put(&[("A", "1"), ("B", "2")])).unwrap();
        let (text, written) = (home.text(), std::fs::metadata(home.path()).unwrap().modified().unwrap());
        sink.write(&put(&[("B", "2")])).unwrap();
        sink.write(&remove(&["C"])).unwrap();
        assert_eq!(home.text(), text);
        assert_eq!(std::fs::metadata(home.path()).unwrap().modified().unwrap(), written);
    }
}

#[test]
fn changing_whether_values_are_sealed_rewrites_them() {
    let home = Home::new();
    home.sink(Sealing::Clear).write(&put(&[("A", "1")])).unwrap();
    home.sink(Sealing::Sealed).write(&put(&[("A", "1")])).unwrap();
    assert!(home.text().contains("A='sutler:xwing1:"));
    home.sink(Sealing::Clear).write(&put(&[("A", "1")])).unwrap();
    assert!(home.text().contains("A='1'"));
}

#[test]
fn a49_what_is_gone_is_removed_and_an_empty_block_with_it() {
    let home = Home::new();
    std::fs::write(home.path(), "MINE=1\n").unwrap();
    let sink = home.sink(Sealing::Sealed);
    sink.write(&put(&[("A", "1"), ("B", "2")])).unwrap();
    sink.write(&remove(&["A"])).unwrap();
    assert_eq!(opened(&sink), [("B".to_owned(), "2".to_owned())]);
    sink.write(&remove(&["B"])).unwrap();
    assert_eq!(home.text(), "MINE=1\n");
}

#[test]
fn a49_somebody_elses_variable_is_a_conflict_that_names_its_line() {
    let home = Home::new();
    let text = "# mine\nexport TOKEN=secret\n";
    std::fs::write(home.path(), text).unwrap();
    let sink = home.sink(Sealing::Sealed);
    let error = sink.write(&put(&[("A", "1"), ("TOKEN", "2")])).unwrap_err().to_string();
    assert!(error.contains(".env:2") && error.contains("TOKEN") && !error.contains("secret"), "{error}");
    let errors = sink.check(&[variable("A"), variable("TOKEN"), variable("PATH")]).unwrap_err();
    assert_eq!(errors.len(), 2);
    sink.write(&remove(&["TOKEN"])).unwrap();
    assert_eq!(home.text(), text, "nothing was written, and nothing of theirs removed");
}

#[test]
fn a_variable_in_the_block_of_another_stack_is_a_conflict() {
    let home = Home::new();
    home.sink(Sealing::Sealed).write(&put(&[("TOKEN", "1")])).unwrap();
    let other = Dotenv::new(
        (&stack("blog"), "env"),
        home.path(),
        (Dialect::Dotenv, Sealing::Sealed),
        Arc::clone(&home.ring),
    );
    assert!(matches!(other.write(&put(&[("TOKEN", "2")])), Err(SinkError::Conflict { line: 3, .. })));
    other.write(&put(&[("OTHER", "2")])).unwrap();
    assert_eq!(opened(&home.sink(Sealing::Sealed)), [("TOKEN".to_owned(), "1".to_owned())]);
    assert_eq!(opened(&other), [("OTHER".to_owned(), "2".to_owned())]);
}

#[test]
fn every_foreign_byte_stays() {
    let home = Home::new();
    let before: &[u8] = b"\xef\xbb\xbf# caf\xe9\r\nA='x\nZ=1\n'\r\n\r\n  \tB = \"q\\\"\n\"#c\n\xff\xfe";
    std::fs::write(home.path(), before).unwrap();
    let sink = home.sink(Sealing::Clear);
    sink.write(&put(&[("Z", "ours"), ("Y", "two\nlines\nA=1")])).unwrap();
    let text = std::fs::read(home.path()).unwrap();
    assert!(text.starts_with(before));
    let kept = [text.as_slice(), b"AFTER=1\n# end"].concat();
    let kept = String::from_utf8_lossy(&kept).replace("\nZ='ours'", "\n# a note of mine\nZ='ours'");
    std::fs::write(home.path(), &kept).unwrap();
    sink.write(&put(&[("Z", "changed")])).unwrap();
    assert_eq!(home.plain(), unmarked(&kept.replace("ours", "changed")));
    sink.write(&remove(&["Y"])).unwrap();
    assert!(
        home.plain().contains("# a note of mine\nZ='changed'\n") && home.text().ends_with("AFTER=1\n# end")
    );
}

#[test]
fn the_mode_of_the_file_stays() {
    let home = Home::new();
    std::fs::write(home.path(), "").unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
    home.sink(Sealing::Sealed).write(&put(&[("A", "1")])).unwrap();
    assert_eq!(std::fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_link_is_not_followed_and_a_folder_not_written() {
    let home = Home::new();
    let canary = home.folder.path().join("canary");
    std::fs::write(&canary, "untouched").unwrap();
    symlink(&canary, home.path()).unwrap();
    let sink = home.sink(Sealing::Sealed);
    assert!(matches!(sink.write(&put(&[("A", "1")])), Err(SinkError::NotAFile { .. })));
    assert!(sink.check(&[variable("A")]).is_err());
    assert_eq!(std::fs::read_to_string(&canary).unwrap(), "untouched");
    std::fs::remove_file(home.path()).unwrap();
    std::fs::create_dir(home.path()).unwrap();
    assert!(matches!(sink.open(), Err(SinkError::NotAFile { .. })));
}

#[test]
fn what_changes_programs_is_not_written() {
    let home = Home::new();
    let error = home.sink(Sealing::Sealed).write(&put(&[("LD_PRELOAD", "/evil.so")])).unwrap_err();
    assert!(matches!(error, SinkError::Hostile { .. }), "{error}");
    assert!(!home.path().exists());
}

#[test]
fn half_a_block_is_left_alone() {
    let home = Home::new();
    home.sink(Sealing::Sealed).write(&put(&[("A", "1")])).unwrap();
    let text = home.text().replace("# <<< sutler shop/env\n", "");
    std::fs::write(home.path(), &text).unwrap();
    let error = home.sink(Sealing::Sealed).write(&put(&[("A", "2")])).unwrap_err();
    assert!(error.to_string().contains(".env:1"), "{error}");
    assert_eq!(home.text(), text);
}

#[test]
fn an_open_quote_cannot_swallow_our_block() {
    for open in ["A='oops\n", "B=1\nA=\"oops\n", "A=`\n"] {
        let home = Home::new();
        std::fs::write(home.path(), open).unwrap();
        let sink = home.sink(Sealing::Clear);
        let error = sink.write(&put(&[("X", "it's `1`"), ("Y", "2")])).or(sink.write(&put(&[("X", "it's")])));
        if let Err(error) = error {
            assert!(matches!(error, SinkError::OpenQuote { .. } | SinkError::Unwritable { .. }), "{error}");
            assert_eq!(home.text(), open);
        } else {
            sink.write(&put(&[("Z", "3")])).unwrap();
            assert_eq!(home.text().matches(">>> sutler").count(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_lose_nothing_and_a_conflict_hits_only_its_own() {
    let home = Home::new();
    std::fs::write(home.path(), "N7=theirs\n").unwrap();
    let sink = Arc::new(home.sink(Sealing::Sealed));
    let set = Arc::new(SinkSet::of([Arc::clone(&sink) as Arc<dyn Sink>]));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let set = Arc::clone(&set);
        tasks.spawn(async move {
            let [edits] = put(&[(&format!("N{number}"), &format!("v{number}"))]);
            (number, set.write(edits).await.is_ok())
        });
    }
    for (number, written) in tasks.join_all().await {
        assert_eq!(written, number != 7, "{number}");
    }
    assert_eq!(opened(&sink).len(), 39);
    assert_eq!(set.held().unwrap().len(), 39);
    assert!(home.text().starts_with("N7=theirs\n"));
}

/// What a POSIX shell makes of the file.
fn shell(home: &Home, name: &str) -> Vec<u8> {
    let script = format!("set -a; . ./.env; printf %s \"${name}\"");
    let output = Command::new("sh").current_dir(home.folder.path()).args(["-c", &script]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_shell_reads_back_hostile_values_and_runs_none() {
    for hostile in [
        "$(touch pwned)",
        "`touch pwned`",
        "x\nPATH=/evil",
        "'; touch pwned; '",
        "a'b c",
        "{\"a\": \"b\\n\"}",
        "# <<< sutler shop/env",
        "\n# <<< sutler shop/env\n",
        "tab\there",
        "ünï ©ödé 数据",
        "!!",
        "~",
        "a=b",
        " x ",
        "-----BEGIN KEY-----\nMIIE+/=\n-----END KEY-----\n",
        "postgres://u:p$w@h:1/d?x=y&z=%20",
    ] {
        let home = Home::new();
        let sink = home.sink(Sealing::Clear);
        if sink.write(&put(&[("A", "before"), ("VALUE", hostile), ("Z", "after")])).is_ok() {
            assert_eq!(shell(&home, "VALUE"), hostile.as_bytes(), "{hostile:?}");
            assert_eq!((shell(&home, "A"), shell(&home, "Z")), (b"before".into(), b"after".into()));
            assert!(opened(&sink).contains(&("VALUE".to_owned(), hostile.to_owned())), "{hostile:?}");
        }
        assert!(!home.folder.path().join("pwned").exists(), "{hostile:?} was run");
    }
}

/// Values that people and attackers choose.
fn any_value() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(vec![
        "A='",
        "\nB=\"",
        "'",
        "\"",
        "\\",
        "$",
        "`",
        "\n",
        "\r",
        "\0",
        "#",
        "=",
        " ",
        "${A}",
        "$(id)",
        "!",
        "\t",
        "é",
        "A=1\n",
        "# >>> sutler shop/env:",
        "# <<< sutler shop/env\n",
        "sutler:v1:",
        "export ",
        "\u{1b}[2J",
        "\u{202e}",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(hostile, 0..8).prop_map(|parts| parts.concat())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_value_comes_back_or_is_refused(values in prop::collection::vec(any_value(), 1..4), sealed: bool) {
        let home = Home::new();
        let sink = home.sink(if sealed { Sealing::Sealed } else { Sealing::Clear });
        let names: Vec<String> = (0..values.len()).map(|n| format!("V{n}")).collect();
        let mut expected = Vec::new();
        for (name, value) in names.iter().zip(&values) {
            match sink.write(&put(&[(name, value)])) {
                Ok(()) => expected.push((name.clone(), value.clone())),
                Err(error) => {
                    prop_assert!(!sealed, "sealed values carry everything: {error}");
                    prop_assert!(matches!(error, SinkError::Unwritable { .. }), "{error}");
                }
            }
        }
        prop_assert_eq!(opened(&sink), expected);
    }

    #[test]
    fn whatever_others_wrote_stays_byte_for_byte(
        before in prop::collection::vec(any_value(), 0..4),
        after in prop::collection::vec(any_value(), 0..4),
    ) {
        let home = Home::new();
        let sink = home.sink(Sealing::Clear);
        let (before, after) = (before.join("\n") + "\n", after.join("\n"));
        prop_assume!(!before.contains("# >>> sutler"));
        std::fs::write(home.path(), &before).unwrap();
        if sink.write(&put(&[("OURS_1", "1"), ("OURS_2", "2")])).is_ok() {
            let block = home.text()[before.len()..].to_owned();
            prop_assert!(home.text().starts_with(&before));
            std::fs::write(home.path(), format!("{before}{block}{after}")).unwrap();
            if sink.write(&put(&[("OURS_1", "x")])).is_ok() {
                let expected = format!("{before}{}{after}", unmarked(&block.replace("'1'", "'x'")));
                prop_assert_eq!(home.plain(), expected);
                sink.write(&remove(&["OURS_1", "OURS_2"])).unwrap();
                prop_assert_eq!(home.text(), format!("{before}{after}"));
            }
        }
    }

    #[test]
    fn a_shell_reads_back_what_was_written_in_clear(value in any_value()) {
        let home = Home::new();
        if home.sink(Sealing::Clear).write(&put(&[("VALUE", &value)])).is_ok() {
            prop_assert_eq!(shell(&home, "VALUE"), value.as_bytes());
        }
    }
}

#[test]
fn what_an_older_version_sealed_is_read_and_sealed_anew_with_the_next_write() {
    let home = Home::new();
    let sealed = |name: &str, value: &str| {
        let place = sutler_secrets::Place::new("sink").with("shop").with("env").with(name);
        home.ring.seal(&place, value.as_bytes()).to_text()
    };
    let markers = "# >>> sutler shop/env: written by sutler; change the configuration instead\n";
    let before = format!(
        "MINE=1\n{markers}A=\"{}\"\nB=\"{}\"\n# <<< sutler shop/env\n",
        sealed("A", "1"),
        sealed("B", "2")
    );
    std::fs::write(home.path(), &before).unwrap();
    let sink = home.sink(Sealing::Sealed);
    assert_eq!(opened(&sink), [("A".into(), "1".into()), ("B".into(), "2".into())]);
    assert_eq!(sink.current().unwrap().len(), 2, "it may stay until something is written");
    assert_eq!(home.text(), before, "reading writes nothing");
    sink.write(&put(&[("B", "2")])).unwrap();
    let text = home.text();
    assert!(text.starts_with("MINE=1\n") && !text.contains("sutler:v1:"), "{text}");
    assert_eq!(text.matches("sutler:xwing1:").count(), 2);
    assert_eq!(opened(&sink), [("A".into(), "1".into()), ("B".into(), "2".into())]);
    let clear = format!("{markers}A='1'\nB='2'\n# <<< sutler shop/env\n");
    std::fs::write(home.path(), clear).unwrap();
    home.sink(Sealing::Clear).write(&remove(&["B"])).unwrap();
    assert!(home.text().contains("# sutler-mark A ") && !home.text().contains("B="), "{}", home.text());
}

#[test]
fn whoever_has_only_the_public_key_seals_and_only_the_holder_opens() {
    let (home, holder) = (Home::new(), Home::new());
    let key = home.folder.path().join("ops.recipient");
    std::fs::write(&key, format!("# of the operators\n{}\n", holder.ring.recipient())).unwrap();
    let sealing = || Sealing::SealedFor(key.clone());
    let sink = home.sink(sealing());
    sink.write(&put(&[("TOKEN", "hunter2"), ("B", "2")])).unwrap();
    let text = home.text();
    assert!(sink.open().is_err(), "whoever sealed it cannot open it");
    sink.write(&put(&[("TOKEN", "hunter2")])).unwrap();
    assert_eq!(home.text(), text, "and sees nevertheless that it is as it should be");
    assert_eq!(sink.current().unwrap().len(), 2);
    sink.write(&put(&[("TOKEN", "changed")])).unwrap();
    let with_key = Dotenv::new(
        (&stack("shop"), "env"),
        home.path(),
        (Dialect::Dotenv, sealing()),
        Arc::clone(&holder.ring),
    );
    assert_eq!(opened(&with_key), [("B".into(), "2".into()), ("TOKEN".into(), "changed".into())]);
    let own = home.sink(Sealing::Sealed);
    assert!(own.current().unwrap().is_empty(), "for another key is not as it should be");
    std::fs::write(&key, "sutler-recipient:1:AAAA").unwrap();
    let error = home.sink(sealing()).write(&put(&[("TOKEN", "x")])).unwrap_err();
    assert!(matches!(error, SinkError::Recipient { .. }), "{error}");
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(home.sink(sealing()).write(&put(&[("TOKEN", "x")])), Err(SinkError::Read { .. })));
}

#[test]
fn a_new_key_shows_as_something_to_write() {
    let mut ring = KeyRing::generate(Timestamp::now());
    let home = Home::new();
    let path = home.folder.path().join("keys");
    ring.save(&path).unwrap();
    let with = |ring: KeyRing| {
        Dotenv::new((&stack("shop"), "env"), home.path(), (Dialect::Dotenv, Sealing::Sealed), Arc::new(ring))
    };
    with(KeyRing::load(&path).unwrap()).write(&put(&[("A", "1"), ("B", "2")])).unwrap();
    let old = ring.current();
    ring.rotate(Timestamp::now());
    ring.save(&path).unwrap();
    let sink = with(KeyRing::load(&path).unwrap());
    assert!(sink.current().unwrap().is_empty() && sink.variables().unwrap().len() == 2);
    sink.write(&put(&[("A", "1"), ("B", "2")])).unwrap();
    ring.forget(old).unwrap();
    let sink = with(ring);
    assert_eq!(opened(&sink), [("A".into(), "1".into()), ("B".into(), "2".into())]);
}

#[test]
fn another_dialect_writes_all_lines_anew() {
    let home = Home::new();
    home.speaking(Dialect::Shell, Sealing::Clear).write(&put(&[("A", "plain"), ("B", "b c")])).unwrap();
    assert!(
        home.text().contains("export A='plain'") && home.text().contains("sutler (shell);"),
        "{}",
        home.text()
    );
    let docker = home.speaking(Dialect::Docker, Sealing::Clear);
    assert!(docker.current().unwrap().is_empty());
    docker.write(&put(&[("A", "plain")])).unwrap();
    assert!(home.text().contains("\nA=plain\n") && home.text().contains("\nB=b c\n"), "{}", home.text());
    assert_eq!(docker.current().unwrap().len(), 2);
    let dotenv = home.sink(Sealing::Clear);
    dotenv.write(&put(&[("A", "plain")])).unwrap();
    assert!(home.plain().contains("\nA='plain'\nB='b c'\n"), "{}", home.text());
    home.speaking(Dialect::Shell, Sealing::Clear).write(&put(&[("C", "it's")])).unwrap();
    let error =
        home.speaking(Dialect::Docker, Sealing::Clear).write(&put(&[("D", "two\nlines")])).unwrap_err();
    assert!(matches!(error, SinkError::Unwritable { .. }), "{error}");
}

/// The environment that a program gets after a shell has read the file.
fn exported(home: &Home, shell: &str, before: &str) -> std::collections::BTreeMap<String, String> {
    let script = format!("{before} . ./.env; exec env -0");
    let output = Command::new(shell).current_dir(home.folder.path()).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all = String::from_utf8_lossy(&output.stdout).into_owned();
    let pairs = all.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn programs_started_by_bash_get_what_was_written(values in prop::collection::vec(any_value(), 1..5)) {
        for (dialect, before) in [(Dialect::Shell, ""), (Dialect::Dotenv, "set -a;")] {
            let home = Home::new();
            let sink = home.speaking(dialect, Sealing::Clear);
            let mut expected = Vec::new();
            for (number, value) in values.iter().enumerate() {
                let name = format!("V{number}");
                match sink.write(&put(&[(&name, value)])) {
                    Ok(()) => expected.push((name, value)),
                    Err(_) if dialect == Dialect::Shell => prop_assert!(value.contains('\0')),
                    Err(_) => {}
                }
            }
            if expected.is_empty() {
                continue;
            }
            let found = exported(&home, "bash", before);
            for (name, value) in expected {
                prop_assert_eq!(found.get(&name), Some(value));
            }
        }
    }

    #[test]
    fn an_env_file_has_one_line_for_each_variable(values in prop::collection::vec(any_value(), 1..5)) {
        let home = Home::new();
        let sink = home.speaking(Dialect::Docker, Sealing::Clear);
        let mut expected = Vec::new();
        for (number, value) in values.iter().enumerate() {
            if sink.write(&put(&[(&format!("V{number}"), value)])).is_ok() {
                expected.push((format!("V{number}"), value.clone()));
            }
        }
        // As `docker run --env-file` reads: lines, without comments, cut at the first equals sign.
        let text = if home.path().exists() { home.text() } else { String::new() };
        let lines = text.split('\n').filter(|line| !line.starts_with('#') && !line.is_empty());
        let found: Vec<_> =
            lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        prop_assert_eq!(found, expected);
    }
}
