//! The runs: all checks of a broker with the usual settings, some of one with the other settings over TLS.

use std::{
    process::Output,
    sync::{Mutex, OnceLock},
    time::Duration,
};

use libtest_mimic::Failed;
use serde_json::Value;
use sutler_broker_server::conformance::{CheckResult, Report, Verdict, checks, run};

use crate::world::{Broker, TOKEN};

/// What our broker does not do. Shown by each run and in `docs/conformance.md`; whoever does it takes it out.
pub(crate) const KNOWN_GAPS: &[(&str, &str)] = &[];

/// What the probe has nothing to see of, and where else it is seen.
pub(crate) const NOTHING_TO_SEE: &[&str] = &[
    // seen over TLS, by the other run
    "B-AUTH-02",
    // our broker sends no fields of its own
    "B-EXT-03",
    "B-EXT-04",
    // no offering of ours has a dashboard client; that wrong ones are found is seen with a spoiled catalog
    "B-PROF-11",
    "Q-16",
];

static BROKER: Mutex<Option<Broker>> = Mutex::new(None);
static FOUND: OnceLock<Value> = OnceLock::new();
static OTHER: OnceLock<Report> = OnceLock::new();

/// Uses the broker with the usual settings; it is started when it is needed first.
pub(crate) fn with_broker<T>(use_it: impl FnOnce(&Broker) -> T) -> T {
    let mut broker = BROKER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    use_it(broker.get_or_insert_with(|| Broker::start("http", "").up()))
}

/// Ends the broker.
pub(crate) fn end() {
    drop(BROKER.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What the command prints about the broker with the usual settings: chaos and restarts included.
pub(crate) fn found() -> &'static Value {
    FOUND.get_or_init(|| {
        with_broker(|broker| {
            let token = broker.path("token");
            let arguments =
                ["--json", "--chaos", "--bearer-file", token.to_str().unwrap(), "--restart-command"];
            let output = broker.conformance(&arguments).arg(broker.restart_command()).output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(matches!(output.status.code(), Some(0 | 3)), "{errors}");
            serde_json::from_slice(&output.stdout).unwrap()
        })
    })
}

/// What was found out about a check.
pub(crate) fn result(id: &str) -> &'static Value {
    let checks = found()["checks"].as_array().unwrap();
    checks.iter().find(|check| check["id"] == id).unwrap()
}

/// A check passes, or is one that is known not to.
pub(crate) fn ended_well(id: &str) -> Result<(), Failed> {
    let result = result(id);
    let (ended, detail) = (result["result"].as_str().unwrap(), result["detail"].as_str().unwrap());
    let gap = KNOWN_GAPS.iter().find(|(gap, _)| *gap == id);
    match (ended, gap) {
        ("fail", Some((_, why))) => {
            eprintln!("known gap {id}: {why}");
            Ok(())
        }
        (_, Some(_)) => Err(format!("{id} is no gap any more: take it out of KNOWN_GAPS").into()),
        ("pass", None) if NOTHING_TO_SEE.contains(&id) => {
            Err(format!("{id} can be seen now: take it out of NOTHING_TO_SEE").into())
        }
        ("pass", None) => Ok(()),
        ("skip", None) if NOTHING_TO_SEE.contains(&id) => Ok(()),
        _ => Err(format!("{id} {ended}: {detail}").into()),
    }
}

pub(crate) fn nothing_is_left() -> Result<(), Failed> {
    let left = &found()["left"];
    if left.as_array().is_some_and(Vec::is_empty) { Ok(()) } else { Err(left.to_string().into()) }
}

/// Runs checks in this process.
pub(crate) fn run_here(options: sutler_broker_server::conformance::Options) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(options)).unwrap()
}

/// What was found out about a broker with the other settings, over TLS.
pub(crate) fn other() -> &'static Report {
    OTHER.get_or_init(|| {
        let broker = Broker::start(
            "https",
            "missing_version_header: 400\ndeleted_last_operation: 200\ntls: { cert: cert.pem, key: key.pem }\n",
        );
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(broker.path("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(broker.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let broker = broker.up();
        let mut options = broker.options(&broker.url);
        options.authorities_pem = Some(made.cert.pem().into_bytes());
        options.only =
            ["B-VER", "B-AUTH", "B-LOI", "B-LOB", "B-UNB", "B-DEP", "Q"].map(str::to_owned).into();
        run_here(options)
    })
}

fn of_other(id: &str) -> &'static CheckResult {
    other().results.iter().find(|result| result.id == id).unwrap()
}

pub(crate) fn other_settings_conform() -> Result<(), Failed> {
    let known: Vec<&str> = KNOWN_GAPS.iter().map(|(id, _)| *id).collect();
    let failed =
        other().results.iter().filter(|result| result.result == Verdict::Fail && !known.contains(&result.id));
    let failed: Vec<String> = failed.map(|result| format!("{}: {}", result.id, result.detail)).collect();
    if !failed.is_empty() {
        return Err(failed.join("\n").into());
    }
    for (id, with_these, usually) in [
        ("B-VER-03", "answers 400", "answers 412"),
        ("B-VER-04", "absent: 400", "absent: 412"),
        ("B-LOI-05", "answers 200", "answers 410"),
    ] {
        assert_eq!(of_other(id).detail, with_these, "{id}");
        assert_eq!(result(id)["detail"], usually, "{id}");
    }
    Ok(())
}

pub(crate) fn tls_is_checked() -> Result<(), Failed> {
    let trusted = of_other("B-AUTH-02");
    assert_eq!(trusted.result, Verdict::Pass, "{}", trusted.detail);
    Ok(())
}

pub(crate) fn junit_is_complete() -> Result<(), Failed> {
    let output = with_broker(|broker| broker.conformance(&["--junit", "--read-only"]).output().unwrap());
    let xml = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{xml}");
    assert_eq!(xml.matches("<testcase ").count(), checks().count(), "{xml}");
    let skipped = xml.matches("<skipped").count();
    let made = checks().filter(|check| check.needs > sutler_broker_server::conformance::Needs::ReadOnly);
    assert!(skipped > 100 && skipped <= made.count() + NOTHING_TO_SEE.len(), "{skipped}");
    Ok(())
}

/// Everything that the broker remembers of instances, bindings, operations and changes.
fn remembered(broker: &Broker) -> Vec<String> {
    let store = rusqlite::Connection::open(broker.path("broker.db")).unwrap();
    let rows = |table: &str| {
        let mut query = store.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = query.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let cells = (0..columns).map(|at| row.get::<_, rusqlite::types::Value>(at));
            Ok(format!("{table} {:?}", cells.collect::<Result<Vec<_>, _>>()?))
        };
        query.query_map([], row).unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    ["instances", "bindings", "operations", "events"].into_iter().flat_map(rows).collect()
}

/// A run that only reads is safe beside what others have made: not a row is another one after it, none more or less.
pub(crate) fn reading_changes_nothing() -> Result<(), Failed> {
    let broker = Broker::start("http", "").up();
    let made = broker.conformance(&["--only", "B-UNB-01", "--only", "B-PROV-01"]).output().unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", printed(&made));
    let before = remembered(&broker);
    assert!(before.len() > 4, "there is nothing that could change: {before:?}");
    let read = broker.conformance(&["--read-only", "--json"]).output().unwrap();
    assert_eq!(read.status.code(), Some(0), "{}", printed(&read));
    let report: Value = serde_json::from_slice(&read.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let members = ["detail", "id", "level", "result", "title"];
    for check in checks {
        let mut keys: Vec<&str> = check.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, members, "{check}");
    }
    assert!(checks.iter().filter(|check| check["result"] == "pass").count() > 60, "{report}");
    assert_eq!(remembered(&broker), before);
    Ok(())
}

pub(crate) fn exit_codes_tell_apart() -> Result<(), Failed> {
    with_broker(|broker| {
        let code = |arguments: &[&str]| broker.conformance(arguments).output().unwrap().status.code();
        assert_eq!(code(&["--read-only", "--only", "B-VER"]), Some(0));
        assert_eq!(code(&["--only", "B-SURELY-NOT"]), Some(2));
        assert_eq!(code(&["--plan", "surely-not"]), Some(2));
        assert_eq!(code(&["--json", "--junit"]), Some(2));
        let mut other = broker.conformance(&["--read-only"]);
        let refused =
            other.arg("--bearer-file").arg(broker.path("token")).env("UNUSED", TOKEN).output().unwrap();
        assert_eq!(refused.status.code(), Some(0), "{}", printed(&refused));
        let nobody = std::process::Command::new(crate::world::PROGRAM)
            .args(["conformance", "http://127.0.0.1:9", "--read-only"])
            .output()
            .unwrap();
        assert_eq!(nobody.status.code(), Some(1));
        let unknown = std::process::Command::new(crate::world::PROGRAM)
            .args(["conformance", &broker.url, "--read-only"])
            .output()
            .unwrap();
        assert_eq!(unknown.status.code(), Some(1), "{}", String::from_utf8_lossy(&unknown.stderr));
    });
    Ok(())
}

/// How long a fault may take to be found.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
