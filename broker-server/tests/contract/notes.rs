//! The broker in one file of the documentation keeps the contract, as far as a folder can play it.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use sutler_broker_server::providers::{
    Provider,
    contract::{self, Object, Staged, Wishes},
};
use tempfile::TempDir;

use crate::notes_broker::Notes;

struct Stage {
    folder: TempDir,
}

#[async_trait]
impl Staged for Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("theirs.note"), "not ours").unwrap();
        Self { folder }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Notes { folder: self.folder.path().to_owned() })
    }

    fn wishes(&self) -> Wishes {
        Wishes::new(json!({ "text": "hello" }))
            .update(json!({ "text": "hello again" }))
            .refused(json!({ "text": 3 }))
            .refused(json!({}))
    }

    async fn objects(&self) -> Vec<Object> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        files
            .map(|path| {
                Object::new("file", path.display().to_string(), std::fs::read_to_string(&path).unwrap())
            })
            .collect()
    }

    async fn vanish(&self) -> bool {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        files
            .filter(|path| !path.ends_with("theirs.note"))
            .for_each(|path| std::fs::remove_file(path).unwrap());
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_keep_the_contract() {
    let report = contract::run::<Stage>().await;
    for case in
        ["every_step_repeated", "every_recovery_killed_again", "what_is_made_is_marked", "update_repeated"]
    {
        assert!(!report.not_tried().contains(&case), "{report}");
    }
}
