//! Reads are the same on every machine: real processes in two projects with one state on one PostgreSQL server. What
//! they answer while one of them changes everything goes to a checker, and the checker is shown two machines that do
//! not read the same state: one whose reads lag behind, and one whose state went its own way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::broker::renew;
use crate::project::{INSTANCES, Project, command, finished};

/// What is asked. Each answer says which serial it is about.
const QUESTIONS: [&[&str]; 9] = [
    &["history", "db", "--json"],
    &["history", "spare", "--json"],
    &["events", "--json"],
    &["events", "--count", "--window", "24h", "--json"],
    &["outputs", "--json"],
    &["outputs", "--reveal", "--json"],
    &["state", "show", "db", "--json"],
    &["state", "list", "--json"],
    &["state", "export", "--json"],
];

/// What a machine said.
#[derive(Debug, Clone)]
struct Answer {
    machine: &'static str,
    question: String,
    /// When it was asked, and when all of it was there.
    from: Instant,
    until: Instant,
    /// Which state it is about.
    serial: u64,
    text: String,
}

/// Asks on a machine.
async fn ask((machine, folder): (&'static str, &Path), question: &[&str]) -> Answer {
    let from = Instant::now();
    let said = finished(command(folder, question).spawn().unwrap()).await;
    let until = Instant::now();
    assert_eq!(said.code, Some(0), "{machine}: {question:?}: {said:#?}");
    // one document, or one event a line
    let documents: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
    let serial = match serde_json::from_str::<Value>(&said.stdout) {
        Ok(document) if document["serial"].is_u64() => document["serial"].as_u64(),
        _ => documents.last().map_or(Some(0), |last| last["event"]["data"]["serial"].as_u64()),
    };
    let serial = serial.unwrap_or_else(|| panic!("it does not say which serial it is about: {said:#?}"));
    Answer { machine, question: question.join(" "), from, until, serial, text: said.stdout }
}

/// What two machines that read one state cannot have said.
fn contradictions(answers: &[Answer]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, one) in answers.iter().enumerate() {
        for other in &answers[at + 1..] {
            let (first, then) = if one.until <= other.from { (one, other) } else { (other, one) };
            if first.until <= then.from && then.serial < first.serial {
                found.push(format!(
                    "older: {} answered '{}' about serial {}, after {} had answered '{}' about serial {}",
                    then.machine, then.question, then.serial, first.machine, first.question, first.serial
                ));
            }
            if (&one.question, one.serial) == (&other.question, other.serial) && one.text != other.text {
                found.push(format!(
                    "different: '{}' about serial {}:\n{}: {}\n{}: {}",
                    one.question, one.serial, one.machine, one.text, other.machine, other.text
                ));
            }
        }
    }
    found
}

/// Asks everything again and again until it is told to stop.
async fn keep_asking(machine: &'static str, folder: PathBuf, done: Arc<AtomicBool>) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !done.load(Ordering::Relaxed) {
        for question in QUESTIONS {
            answers.push(ask((machine, &folder), question).await);
        }
    }
    answers
}

/// Everything once, on both, one after the other.
async fn ask_both(here: &Path, there: &Path) -> Vec<Answer> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        answers.push(ask(("here", here), question).await);
        answers.push(ask(("there", there), question).await);
    }
    answers
}

/// Changes, a credential that is exchanged, an instance that goes and one that comes again under its name.
fn edits() -> Vec<String> {
    let sized = |size: u32| INSTANCES.replace("size: 1", &format!("size: {size}"));
    let unbound = sized(3).replace(", bind: { password: DB_PASSWORD }", "");
    let without = sized(3).replace("  spare:", "  #");
    vec![sized(2), unbound, sized(3), without, sized(4)]
}

async fn applied(project: &Project) {
    project.run(&["apply", "--yes", "--prune"], 0).await;
}

/// A project with a state, and a credential that is another one whenever it is made.
async fn project() -> Project {
    let project = Project::postgres().await;
    renew(&project.broker, Duration::from_millis(150)).await;
    applied(&project).await;
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_two_machines_on_one_postgresql_are_the_same_while_one_of_them_changes_everything() {
    let project = project().await;
    let elsewhere = project.elsewhere(str::to_owned);
    let (here, there) = (project.folder.path().to_owned(), elsewhere.path().to_owned());
    let follow = ["events", "--follow", "--json"];
    let followers = [&here, &there]
        .map(|folder| command(folder, &follow).env("SUTLER_POLL_INTERVAL", "50ms").spawn().unwrap());
    let done = Arc::new(AtomicBool::new(false));
    let readers = [("here", &here), ("there", &there)]
        .map(|(machine, folder)| tokio::spawn(keep_asking(machine, folder.clone(), done.clone())));
    for edit in edits() {
        project.declare(&edit);
        applied(&project).await;
    }
    done.store(true, Ordering::Relaxed);
    let mut answers = Vec::new();
    for reader in readers {
        answers.extend(reader.await.unwrap());
    }
    let serials: std::collections::BTreeSet<u64> = answers.iter().map(|answer| answer.serial).collect();
    assert!(serials.len() >= 5, "it was asked while things changed: {serials:?}");
    let last = ask_both(&here, &there).await;
    let serial = last[0].serial;
    assert!(last.iter().all(|answer| answer.serial == serial), "the serial at rest");
    answers.extend(last.clone());
    assert_eq!(contradictions(&answers), Vec::<String>::new());

    let events = last.iter().find(|answer| answer.question.starts_with("events --json")).unwrap();
    for follower in followers {
        assert_eq!(followed(follower, &events.text).await, events.text, "who follows is told the same");
    }
}

/// What a follower has said once it has said as much as this.
async fn followed(mut follower: tokio::process::Child, expected: &str) -> String {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut said = String::new();
    while said.lines().count() < expected.lines().count() {
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
        said.push_str(&line.expect("it goes on telling").unwrap().expect("it runs"));
        said.push('\n');
    }
    follower.kill().await.unwrap();
    said
}

/// A copy of the state as it is now, in a schema of its own on the same server; a machine that reads it.
async fn copy(project: &Project, name: &str) -> TempDir {
    let url = url::Url::parse(project.place()).unwrap();
    let (_, schema) = url.query_pairs().find(|(key, _)| key == "schema").unwrap();
    let port = url.port().unwrap();
    let login = format!("host=127.0.0.1 port={port} user=ada password=hunter2 dbname=postgres");
    let (client, connection) = tokio_postgres::connect(&login, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1";
    client.batch_execute(&format!("CREATE SCHEMA \"{schema}_{name}\"")).await.unwrap();
    for table in client.query(tables, &[&schema.as_ref()]).await.unwrap() {
        let table: String = table.get(0);
        let like = format!("\"{schema}_{name}\".{table} (LIKE \"{schema}\".{table} INCLUDING ALL)");
        let rows = format!("INSERT INTO \"{schema}_{name}\".{table} SELECT * FROM \"{schema}\".{table}");
        client.batch_execute(&format!("CREATE TABLE {like}; {rows}")).await.unwrap();
    }
    let (from, to) = (format!("schema={schema}"), format!("schema={schema}_{name}"));
    project.elsewhere(|place| place.replace(&from, &to))
}

#[tokio::test(flavor = "multi_thread")]
async fn i_42_a_machine_whose_reads_lag_behind_is_found() {
    let project = project().await;
    let elsewhere = copy(&project, "behind").await;
    let here = project.folder.path();
    // as long as nothing has changed, the copy is as good as the state, but for its name
    let mut same = ask_both(here, elsewhere.path()).await;
    same.iter_mut().for_each(|answer| answer.text = answer.text.replace("_behind\"", "\""));
    assert_eq!(contradictions(&same), Vec::<String>::new());
    project.declare(&edits()[0]);
    applied(&project).await;
    let found = contradictions(&ask_both(here, elsewhere.path()).await);
    for question in QUESTIONS {
        let question = format!("there answered '{}'", question.join(" "));
        let is_older = |what: &&String| what.starts_with("older") && what.contains(&question);
        assert!(found.iter().any(|what| is_older(&what)), "{question} is not found: {found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_42_a_machine_whose_state_went_its_own_way_is_found() {
    let project = project().await;
    let elsewhere = copy(&project, "apart").await;
    // the same change, made twice: as many commits, and not the same ones
    let (spare, changed) = ("name: shop-spare", "name: shop-spare, params: { size: 2 }");
    project.declare(&INSTANCES.replace(spare, changed));
    applied(&project).await;
    let config = elsewhere.path().join("sutler.yaml");
    let text = std::fs::read_to_string(&config).unwrap().replace(spare, changed);
    std::fs::write(&config, text).unwrap();
    let apply = command(elsewhere.path(), &["apply", "--yes", "--prune"]).spawn().unwrap();
    let apply = finished(apply).await;
    assert_eq!(apply.code, Some(0), "{apply:#?}");
    let found = contradictions(&ask_both(project.folder.path(), elsewhere.path()).await);
    for question in ["history spare --json", "events --json", "state export --json"] {
        let question = format!("different: '{question}'");
        assert!(found.iter().any(|what| what.starts_with(&question)), "{question} is not found: {found:#?}");
    }
}
