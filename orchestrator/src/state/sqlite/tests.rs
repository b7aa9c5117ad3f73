//! What only a file can suffer: damage, strangers, links, modes, lost keys.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use sutler_secrets::{Created, KeyRing};
use tempfile::TempDir;

use super::SqliteBackend;
use crate::state::samples::{CANARY, claim, record, reference, stack};
use crate::state::{
    Begin, Change, Extent, Holder, Kind, Notice, State, StateBackend, StateError, Vault, begin,
};

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("state.db")
    }

    fn open(&self) -> Arc<dyn StateBackend> {
        Arc::new(SqliteBackend::new(self.path(), stack("shop")))
    }

    fn begin(&self) -> Begin {
        Begin {
            keys: self.0.path().join("keys"),
            holder: Holder::this_process("ada", "test"),
            lease: Duration::from_secs(60),
            patience: Duration::ZERO,
            notice: Notice::none(),
        }
    }

    /// A state with some records and some history; nobody has it open.
    async fn filled(&self) -> State {
        let backend = self.open();
        let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
        for name in ["a", "b", "c", "d"] {
            backend.commit(&lock, vec![Change::put(record(name), "created")]).await.unwrap();
        }
        backend.compact(&lock, 9).await.unwrap();
        backend.commit(&lock, vec![Change::remove(reference("d"), "deleted")]).await.unwrap();
        backend.unlock(&lock).await.unwrap();
        backend.load().await.unwrap()
    }

    /// Changes the file behind everyone's back.
    fn sql(&self, statements: &str) {
        Connection::open(self.path()).unwrap().execute_batch(statements).unwrap();
    }

    async fn refusal(&self) -> StateError {
        let backend = self.open();
        let refused = match backend.load().await {
            Ok(_) => backend.verify(Extent::Everything).await.expect_err("damage was not noticed"),
            Err(error) => error,
        };
        assert_eq!(refused.kind(), Kind::Refused, "{refused}");
        assert!(refused.to_string().contains(&self.path().display().to_string()), "{refused}");
        refused
    }
}

#[tokio::test]
async fn a34_folder_and_files_are_private() {
    let home = Home::new();
    let path = home.0.path().join("deep/er/state.db");
    let backend = SqliteBackend::new(path.clone(), stack("shop"));
    backend.lock(&claim(&backend, "test").await).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(path.parent().unwrap().parent().unwrap()), 0o700);
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.file_name());
        assert!(!entry.file_name().to_string_lossy().ends_with(".new"), "a temporary file was left");
    }
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let home = Home::new();
    let state = home.filled().await;
    assert_eq!((state.serial, state.records.len()), (5, 3));
    let backend = home.open();
    backend.verify(Extent::Everything).await.unwrap();
    assert_eq!(backend.load().await.unwrap(), state);
}

#[tokio::test]
async fn no_parameter_is_written_in_clear() {
    let home = Home::new();
    let backend = home.open();
    let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
    backend.commit(&lock, vec![Change::put(record("db"), "created")]).await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(home.0.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
        files += 1;
    }
    assert!(files >= 2, "the write-ahead log was looked at too");
}

#[tokio::test]
async fn a35_what_is_no_state_is_refused_and_left_alone() {
    for bytes in [&b""[..], b"not a database at all", &[0; 4096], b"SQLite format 3\0"] {
        let home = Home::new();
        std::fs::write(home.path(), bytes).unwrap();
        home.refusal().await;
        let claim = crate::state::Claim {
            holder: Holder::this_process("ada", "test"),
            lease: Duration::from_secs(60),
            seed: Vault::with_ring(
                Arc::new(KeyRing::generate(Timestamp::now())),
                &State::empty(stack("shop")),
                "test",
            )
            .unwrap()
            .seed(),
        };
        assert_eq!(home.open().lock(&claim).await.unwrap_err().kind(), Kind::Refused);
        assert_eq!(std::fs::read(home.path()).unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_database_of_something_else_is_refused() {
    let home = Home::new();
    home.sql("CREATE TABLE photos (id INTEGER); PRAGMA user_version = 1;");
    let error = home.refusal().await;
    assert!(error.to_string().contains("not one of Sutler's"), "{error}");
}

#[tokio::test]
async fn the_state_of_another_stack_is_refused() {
    let home = Home::new();
    home.filled().await;
    let backend = SqliteBackend::new(home.path(), stack("blog"));
    let error = backend.load().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    let text = error.to_string();
    assert!(text.contains("'shop'") && text.contains("'blog'"), "{text}");
    let lock = claim(&*home.open(), "test").await;
    assert!(matches!(backend.lock(&lock).await, Err(StateError::ForeignStack { .. })));
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let home = Home::new();
    home.filled().await;
    home.sql("PRAGMA user_version = 4");
    let error = home.refusal().await;
    assert!(matches!(error, StateError::NewerFormat { found: 4, known: 3, .. }), "{error}");
}

#[tokio::test]
async fn a_log_without_its_file_is_refused() {
    let home = Home::new();
    std::fs::write(home.0.path().join("state.db-wal"), b"x").unwrap();
    let error = home.refusal().await;
    assert!(error.to_string().contains("-wal"), "{error}");
}

#[tokio::test]
async fn a_link_is_not_followed() {
    let (home, elsewhere) = (Home::new(), Home::new());
    elsewhere.filled().await;
    std::os::unix::fs::symlink(elsewhere.path(), home.path()).unwrap();
    let error = home.open().load().await.unwrap_err();
    assert!(matches!(error, StateError::Storage { .. }), "{error}");
    std::fs::remove_file(home.path()).unwrap();
    std::fs::create_dir(home.path()).unwrap();
    assert!(home.open().load().await.is_err());
}

#[tokio::test]
async fn whatever_is_changed_behind_our_back_is_noticed() {
    for tampering in [
        "UPDATE record SET body = replace(body, 'shop-a', 'shop-x') WHERE reference = 'a'",
        "UPDATE record SET hash = zeroblob(32) WHERE reference = 'a'",
        "UPDATE record SET reference = 'z' WHERE reference = 'a'",
        "DELETE FROM record WHERE reference = 'a'",
        "INSERT INTO record SELECT 99, 'z', body, hash FROM record WHERE reference = 'a'",
        "UPDATE header SET serial = serial - 1",
        "UPDATE header SET serial = serial + 1",
        "UPDATE header SET stack = 'other'",
        "UPDATE header SET lineage = '6f1c1e0a-0000-4000-8000-000000000000'",
        "UPDATE header SET canary = replace(canary, 'sutler:v1:A', 'sutler:v1:B')",
        "UPDATE header SET canary = 'nonsense'",
        "UPDATE header SET fold = zeroblob(32)",
        "UPDATE header SET head = zeroblob(32)",
        "UPDATE header SET head = zeroblob(31)",
        "UPDATE header SET sequence = 0",
        "UPDATE header SET records = 0",
        "DELETE FROM header",
        "DROP TABLE record",
        "DROP TABLE journal",
        "DELETE FROM journal",
        "DELETE FROM journal WHERE sequence = 5",
        "DELETE FROM journal WHERE sequence = 2",
        "UPDATE journal SET what = 'nothing' WHERE sequence = 1",
        "UPDATE journal SET who = 'eve' WHERE sequence = 2",
        "UPDATE journal SET at = '1970-01-01T00:00:00Z' WHERE sequence = 3",
        "UPDATE journal SET reference = '!' WHERE sequence = 3",
        "UPDATE journal SET record = zeroblob(32) WHERE sequence = 4",
        "INSERT INTO journal (sequence, serial, at, who, run, reference, what, record, fold, hash) \
         SELECT 6, serial, at, who, run, reference, what, record, fold, hash FROM journal WHERE sequence = 5",
        "UPDATE journal SET change = zeroblob(16) WHERE sequence = 2",
        "UPDATE journal SET ordinal = 7 WHERE sequence = 2",
        "UPDATE journal SET incarnation = 7 WHERE sequence = 2",
        "UPDATE journal SET transitions = '[]' WHERE sequence = 2",
        "UPDATE journal SET transitions = 'nonsense' WHERE sequence = 2",
        "UPDATE journal SET format = 1 WHERE sequence = 2",
        "UPDATE header SET born = 1",
        "UPDATE chunk SET body = replace(body, 'shop-a', 'shop-x')",
        "UPDATE revision SET body = replace(body, 'a', 'b')",
        "DELETE FROM chunk",
        "DROP TABLE chunk",
        "UPDATE revision SET head = zeroblob(32)",
        "UPDATE revision SET serial = 3",
        "UPDATE revision SET at = '1970-01-01T00:00:00Z'",
        "DROP TABLE revision",
    ] {
        let home = Home::new();
        home.filled().await;
        home.sql(tampering);
        eprintln!("{tampering}: {}", home.refusal().await);
    }
}

/// Looks at a file as some program left it. Whatever is wrong must be refused; what is not refused must be unharmed.
async fn survives(bytes: &[u8], whole: &State) -> Option<StateError> {
    let home = Home::new();
    std::fs::write(home.path(), bytes).unwrap();
    let backend = home.open();
    let loaded = backend.load().await;
    if let Ok(loaded) = &loaded {
        assert_eq!(loaded, whole, "a damaged state was read as another one");
    }
    let verified = backend.verify(Extent::Everything).await;
    let error = loaded.err().or(verified.err());
    if let Some(error) = &error {
        assert_eq!(error.kind(), Kind::Refused, "{error:?}");
    }
    error
}

#[tokio::test]
async fn a33_a_truncated_file_is_refused_wherever_it_was_cut() {
    let home = Home::new();
    let whole = home.filled().await;
    let bytes = std::fs::read(home.path()).unwrap();
    let lengths =
        (0..bytes.len()).step_by(997).chain((0..bytes.len()).step_by(4096)).chain([bytes.len() - 1]);
    for length in lengths {
        let refused = survives(&bytes[..length], &whole).await;
        assert!(refused.is_some(), "cut to {length} bytes, and nobody noticed");
    }
    assert!(survives(&bytes, &whole).await.is_none());
}

#[tokio::test]
async fn a_flipped_bit_is_refused_or_harmless() {
    let home = Home::new();
    let whole = home.filled().await;
    let bytes = std::fs::read(home.path()).unwrap();
    let mut refused = 0;
    for position in (0..bytes.len()).step_by(61) {
        let mut flipped = bytes.clone();
        flipped[position] ^= 1 << (position % 8);
        refused += u32::from(survives(&flipped, &whole).await.is_some());
    }
    assert!(refused > 50, "only {refused} flips were noticed");
}

#[tokio::test]
async fn a_session_begins_with_a_lock_and_ends_without() {
    let home = Home::new();
    let session = begin(home.open(), home.begin()).await.unwrap();
    assert_eq!(session.keys, Created::Yes);
    let sealed = session.vault.seal_parameters(&reference("db"), &serde_json::json!({}));
    let error = begin(home.open(), home.begin()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    session.end().await.unwrap();
    let session = begin(home.open(), home.begin()).await.unwrap();
    assert_eq!(session.keys, Created::No);
    session.vault.open_parameters(&reference("db"), &sealed).unwrap();
}

#[tokio::test]
async fn a_session_waits_for_a_lock_as_long_as_it_was_told() {
    let home = Home::new();
    let first = begin(home.open(), home.begin()).await.unwrap();
    let (told, heard) = std::sync::mpsc::channel();
    let notice = Notice::new(move |holder| told.send(holder.id).unwrap());
    let patient = Begin { patience: Duration::from_secs(30), notice, ..home.begin() };
    let holder = first.lock.id;
    let waiting = tokio::spawn(begin(home.open(), patient));
    let heard = tokio::task::spawn_blocking(move || (heard.recv_timeout(Duration::from_secs(30)), heard));
    let (first_told, heard) = heard.await.unwrap();
    assert_eq!(first_told, Ok(holder), "whoever waits is told for whom");
    first.end().await.unwrap();
    waiting.await.unwrap().unwrap().end().await.unwrap();
    assert!(heard.try_recv().is_err(), "and once is enough");
}

#[tokio::test]
async fn with_a_wrong_or_missing_key_nothing_is_written() {
    let home = Home::new();
    begin(home.open(), home.begin()).await.unwrap().end().await.unwrap();
    let before = std::fs::read(home.path()).unwrap();
    let keys = home.begin().keys;
    std::fs::rename(&keys, home.0.path().join("kept")).unwrap();
    let error = begin(home.open(), home.begin()).await.unwrap_err();
    assert!(matches!(error, StateError::KeysMissing { .. }), "{error}");
    assert!(error.to_string().contains("SUTLER_KEYS") && !keys.exists());
    KeyRing::create(&keys, Timestamp::now()).unwrap();
    let error = begin(home.open(), home.begin()).await.unwrap_err();
    assert!(matches!(error, StateError::WrongKeys { .. }), "{error}");
    assert_eq!(error.kind(), Kind::Refused);
    let state = home.open().load().await.unwrap();
    assert!(Vault::open_to_read(&keys, &state, "test").is_err());
    std::fs::write(&keys, b"").unwrap();
    assert_eq!(begin(home.open(), home.begin()).await.unwrap_err().kind(), Kind::Refused);
    assert_eq!(std::fs::read(home.path()).unwrap(), before);
}

#[tokio::test]
async fn reading_a_new_state_makes_no_key_ring() {
    let home = Home::new();
    let state = home.open().load().await.unwrap();
    Vault::open_to_read(&home.begin().keys, &state, "test").unwrap();
    assert_eq!(std::fs::read_dir(home.0.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_work_of_a_commit_does_not_grow_with_the_state() {
    let home = Home::new();
    let backend = home.open();
    let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
    let fill = |from: u32, to: u32| {
        (from..to).map(|n| Change::put(record(&format!("i{n:05}")), "created")).collect::<Vec<_>>()
    };
    let log = home.0.path().join("state.db-wal");
    let mut grown = Vec::new();
    for (from, to) in [(0, 50), (50, 2000)] {
        backend.commit(&lock, fill(from, to)).await.unwrap();
        home.sql("PRAGMA wal_checkpoint(TRUNCATE)");
        for _ in 0..10 {
            backend.commit(&lock, vec![Change::put(record("i00007"), "written")]).await.unwrap();
        }
        grown.push(std::fs::metadata(&log).unwrap().len());
    }
    assert!(grown[1] <= grown[0] * 2, "{grown:?} bytes for ten commits");
}

/// A state as the first version of this program left it: 12 changes of three instances, one of them deleted.
struct Old(Home);

impl Old {
    fn new() -> Self {
        let home = Home::new();
        std::fs::copy(Self::golden("format-1.sqlite"), home.path()).unwrap();
        Self(home)
    }

    fn golden(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/state").join(name)
    }

    fn format(&self) -> i64 {
        let connection = Connection::open(self.0.path()).unwrap();
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }
}

#[tokio::test]
async fn a_state_of_format_1_is_read_as_it_is() {
    let old = Old::new();
    let backend = old.0.open();
    let state = backend.load().await.unwrap();
    assert_eq!((state.serial, state.records.len()), (12, 2));
    for extent in [Extent::SinceRevision, Extent::Everything] {
        backend.verify(extent).await.unwrap();
    }
    let journal = backend.journal(0, 99).await.unwrap();
    assert_eq!(journal.len(), 12);
    assert_eq!(journal, backend.journal(0, 99).await.unwrap(), "names of old changes stay the same");
    assert_eq!(backend.history(&reference("old"), 0, 99).await.unwrap().len(), 4);
    assert!(backend.revisions().await.unwrap().is_empty() && backend.lock_holder().await.unwrap().is_none());
    let keys = old.0.begin().keys;
    std::fs::copy(Old::golden("format-1.keys"), &keys).unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    let vault = Vault::open_to_read(&keys, &state, "golden").unwrap();
    let db = state.records.iter().find(|record| record.reference.as_str() == "db").unwrap();
    let output = vault.open_output(&db.reference, "password", &db.outputs["password"]).unwrap();
    assert_eq!(output.expose(), &serde_json::json!("golden-secret"));
    drop(backend);
    assert_eq!(old.format(), 1);
    assert_eq!(std::fs::read(old.0.path()).unwrap(), std::fs::read(Old::golden("format-1.sqlite")).unwrap());
}

#[tokio::test]
async fn the_first_lock_brings_format_1_up_to_date_and_keeps_every_hash() {
    let old = Old::new();
    let backend = old.0.open();
    let (before, state) = (backend.journal(0, 99).await.unwrap(), backend.load().await.unwrap());
    let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
    assert_eq!(old.format(), 2);
    assert_eq!(backend.journal(0, 99).await.unwrap(), before);
    assert_eq!(backend.load().await.unwrap(), state);
    backend.commit(&lock, vec![Change::put(record("old"), "created again")]).await.unwrap();
    let mut db = state.records[0].clone();
    db.protected = true;
    backend.commit(&lock, vec![Change::put(db, "protected")]).await.unwrap();
    let told = backend.history(&reference("old"), 12, 9).await.unwrap();
    assert_eq!((told[0].ordinal, told[0].incarnation), (5, 2), "what was written before is counted");
    let told = backend.history(&reference("db"), 12, 9).await.unwrap();
    let fields: Vec<_> = told[0].transitions.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["protected"]);
    assert_eq!((told[0].ordinal, told[0].incarnation), (7, 1));
    assert!(backend.compact(&lock, 9).await.unwrap().is_some());
    old.0.open().verify(Extent::Everything).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_refused_leaves_the_format_alone() {
    let old = Old::new();
    let mut foreign = claim(&*old.0.open(), "test").await;
    foreign.seed.lineage = crate::state::Lineage::mint();
    assert!(matches!(old.0.open().lock(&foreign).await, Err(StateError::Replaced { .. })));
    assert_eq!(old.format(), 1);
}
