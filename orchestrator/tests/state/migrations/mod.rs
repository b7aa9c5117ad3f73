//! Migrations through the real program: generated in one folder, run in environments of every kind.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::project::{Finished, Project, command, finished};

mod boot;
mod branches;
mod crash;
mod environments;
mod files;
mod ledger;

/// What is declared at first: `web` uses `db`, nobody uses `spare`.
const FIRST: &str = "
  db: { service: database, name: shop-db, params: { size: 1 }, bind: { password: DB_PASSWORD } }
  spare: { service: database, name: shop-spare }
  web: { service: database, name: shop-web, params: { url: '@db.url' } }
";

/// The first declaration with a larger database.
fn larger() -> String {
    FIRST.replace("size: 1", "size: 2")
}

/// The same without the spare one.
fn without_spare() -> String {
    larger().replace("  spare: { service: database, name: shop-spare }\n", "")
}

/// A project in which three migrations were generated, and none was run.
async fn three_migrations() -> Project {
    let project = Project::sqlite().await;
    for (name, instances) in [("init", FIRST.to_owned()), ("larger", larger()), ("no-spare", without_spare())]
    {
        project.declare(&instances);
        project.run(&["generate", "--name", name], 0).await;
    }
    project
}

fn folder(project: &Project) -> PathBuf {
    project.folder.path().join("migrations")
}

/// What the brokers were asked to change, as "METHOD instance" with the names that were sent, in order.
async fn calls(project: &Project) -> Vec<String> {
    let requests = project.broker.received_requests().await.unwrap();
    let changing = requests.iter().filter(|request| {
        request.method.as_str() != "GET" && !request.url.path().contains("service_bindings")
    });
    let told = changing.map(|request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let name = body["context"]["instance_name"].as_str().unwrap_or_default();
        format!("{} {name}", request.method).trim_end().to_owned()
    });
    told.collect()
}

/// What the environment's ledger says, "id outcome" each.
async fn ledger(project: &Project) -> Vec<String> {
    let exported = project.run(&["state", "export"], 0).await.json();
    let row = |row: &Value| {
        let key = row["reference"].as_str().unwrap();
        format!("{} {}", key.rsplit('/').next().unwrap(), row["outcome"].as_str().unwrap())
    };
    exported["ledger"].as_array().unwrap().iter().map(row).collect()
}

/// What `migrations status` says, "id word" each.
async fn status(project: &Project, code: i32) -> Vec<String> {
    let looked = project.run(&["migrations", "status", "--json"], code).await.json();
    let told =
        |one: &Value| format!("{} {}", one["migration"].as_str().unwrap(), one["is"].as_str().unwrap());
    looked["migrations"].as_array().unwrap().iter().map(told).collect()
}

/// The outcome of each migration of a run, from its terminal record.
fn outcomes(run: &Finished) -> Vec<String> {
    let last: Value = serde_json::from_str(run.stdout.lines().last().expect("a terminal record")).unwrap();
    assert_eq!(last["kind"], "migrate_result", "{run:#?}");
    let told =
        |one: &Value| format!("{} {}", one["migration"].as_str().unwrap(), one["outcome"].as_str().unwrap());
    last["migrations"].as_array().unwrap().iter().map(told).collect()
}

/// Whether apply would do anything.
async fn is_as_declared(project: &Project) -> bool {
    let run = finished(project.start(&["plan", "--detailed-exitcode"])).await;
    assert!(matches!(run.code, Some(0 | 3)), "{run:#?}");
    run.code == Some(0)
}

/// Every file below a folder, with what it holds.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files(from) {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Runs the program in another folder.
async fn run_in(folder: &Path, arguments: &[&str], code: i32) -> Finished {
    let run = finished(command(folder, arguments).spawn().unwrap()).await;
    assert_eq!(run.code, Some(code), "sutler {arguments:?}: {run:#?}");
    run
}

/// Waits until somebody holds the lock.
async fn locked(project: &Project) {
    let locked = async {
        while project.run(&["status", "--json"], 0).await.json()["lock"].is_null() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), locked).await.expect("somebody locks it");
}
