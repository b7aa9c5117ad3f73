//! No secret is written in clear anywhere but where it belongs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::broker::CANARY;
use super::{Act, World, world};
use crate::state::SqliteBackend;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_are_in_no_file_no_log_and_no_report() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let declared = "
  db: { service: thing, plan: small, params: { password: c4n4ry-p4ssw0rd }, bind: { token: DB_TOKEN } }
  web: { service: thing, plan: small, params: { uses: '@db.token' }, bind: { token: WEB_TOKEN } }
  bad: { service: thing, plan: small, params: { uses: 'x${db.token}' } }
";
    let mut world = World::with(declared, |home| {
        Arc::new(SqliteBackend::new(home.join(".sutler/state.db"), world::stack()))
    })
    .await;
    world.fake.act("provision bad", [Act::Say(400, serde_json::json!({ "description": "no" }))]);
    let (report, told) = world.run(crate::plan::Intent::Apply).await;
    assert_eq!((report.done.len(), report.failed.len()), (2, 1), "{report:#?}");
    world.declare(
        &declared.replace("plan: small, params: { password", "plan: large, params: { size: 1, password"),
    );
    world.apply().await;
    drop(guard);
    let mut texts = vec![
        ("log".to_owned(), captured.0.lock().unwrap().clone()),
        (
            "report".to_owned(),
            format!("{report:#?} {}", serde_json::to_string(&report).unwrap()).into_bytes(),
        ),
        ("progress".to_owned(), format!("{told:#?}").into_bytes()),
    ];
    let mut folders = vec![world.home().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                texts.push((path.display().to_string(), std::fs::read(path).unwrap()));
            }
        }
    }
    assert!(texts.iter().any(|(name, _)| name.ends_with("-wal")) && texts.len() >= 6, "{}", texts.len());
    for (name, text) in &texts {
        for secret in [CANARY, "c4n4ry-p4ssw0rd"] {
            assert!(
                !text.windows(secret.len()).any(|window| window == secret.as_bytes()),
                "{name} holds {secret}"
            );
        }
    }
    assert_eq!(world.variables().len(), 2);
}
