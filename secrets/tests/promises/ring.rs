//! A key ring on disk is private, complete, and never lost by accident.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
    sync::Barrier,
    time::{Duration, SystemTime},
};

use sutler_secrets::{Created, Damage, ForgetError, KeyId, KeyRing, KeyRingError, Place};

use crate::now;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it is a folder");
    entries.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect()
}

/// Writes a ring and returns where.
fn saved(folder: &Path) -> (std::path::PathBuf, KeyRing) {
    let path = folder.join("keys.json");
    let ring = KeyRing::create(&path, now()).expect("nothing is there");
    (path, ring)
}

#[test]
fn a_created_ring_is_private_and_opens_what_it_sealed_after_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/keys.json");
    let ring = KeyRing::create(&path, now()).unwrap();
    assert_eq!(
        (mode(&path), mode(path.parent().unwrap()), mode(&folder.path().join("a"))),
        (0o600, 0o700, 0o700)
    );
    assert_eq!(names(path.parent().unwrap()), ["keys.json"], "no temporary file is left");

    let again = KeyRing::load(&path).unwrap();
    let place = Place::new("instance");
    assert_eq!(again.open(&place, &ring.seal(&place, b"secret")).unwrap().expose(), b"secret");
    assert_eq!(again.digest("d", b"secret"), ring.digest("d", b"secret"));
    assert_eq!((again.keys()[0].created(), again.keys()[0].retired()), (now(), None));
}

#[test]
fn the_modes_do_not_depend_on_the_umask() {
    const FOLDER: &str = "SUTLER_SECRETS_TEST_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER) {
        KeyRing::create(Path::new(&folder).join("keys.json"), now()).unwrap();
        return;
    }
    for umask in ["000", "077", "277"] {
        let temporary = tempfile::tempdir().unwrap();
        // a umask that takes the owner's bits would keep a new folder from being entered
        let folder = temporary.path().join(if umask == "277" { "." } else { "new" });
        let output = Command::new("sh")
            .args([
                "-c",
                &format!("umask {umask}; exec \"$0\" --exact ring::the_modes_do_not_depend_on_the_umask"),
            ])
            .arg(std::env::current_exe().unwrap())
            .env(FOLDER, &folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{umask}: {output:?}");
        assert_eq!(mode(&folder.join("keys.json")), 0o600, "umask {umask}");
        assert!(umask == "277" || mode(&folder) == 0o700, "umask {umask}");
    }
}

#[test]
fn creating_never_replaces_anything() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = saved(folder.path());
    let before = fs::read(&path).unwrap();
    assert!(matches!(KeyRing::create(&path, now()), Err(KeyRingError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);

    let link = folder.path().join("link");
    symlink(folder.path().join("nowhere"), &link).unwrap();
    assert!(matches!(KeyRing::create(&link, now()), Err(KeyRingError::Exists { .. })));
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn of_many_that_start_at_once_one_creates_and_all_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/keys.json");
    let barrier = Barrier::new(8);
    let start = || {
        barrier.wait();
        let (ring, created) = KeyRing::load_or_create(&path, now()).unwrap();
        (ring.current(), created)
    };
    let started: Vec<(KeyId, Created)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(started.iter().filter(|(_, created)| *created == Created::Yes).count(), 1);
    assert!(started.iter().all(|(current, _)| *current == started[0].0), "{started:?}");
}

#[test]
fn a_ring_that_others_may_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = saved(folder.path());
    for wide in [0o640, 0o604, 0o660, 0o620, 0o700, 0o4600, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(wide)).unwrap();
        let error = KeyRing::load(&path).unwrap_err();
        assert!(matches!(error, KeyRingError::Exposed { mode, .. } if mode == wide), "{wide:o}: {error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    KeyRing::load(&path).unwrap();
}

#[test]
fn what_is_no_ring_is_refused_by_name_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = saved(folder.path());
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| {
        fs::write(at(name), text).unwrap();
        fs::set_permissions(at(name), Permissions::from_mode(0o600)).unwrap();
    };
    symlink(&path, at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    write("empty", "");
    write("text", "no JSON");
    write("newer", r#"{ "format": 3, "rings": [] }"#);
    write("large", &" ".repeat((1 << 20) + 1));

    let there = |name: &str| fs::symlink_metadata(at(name)).map(|there| (there.ino(), there.len())).ok();
    let refused = |name: &str| {
        let before = there(name);
        let error = KeyRing::load(at(name)).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        if !matches!(error, KeyRingError::Missing { .. }) {
            KeyRing::load_or_create(at(name), now()).unwrap_err();
            KeyRing::generate(now()).save(at(name)).unwrap_err();
        }
        assert_eq!(there(name), before, "{name}");
        error
    };
    assert!(matches!(refused("missing"), KeyRingError::Missing { .. }));
    assert!(matches!(refused("missing/below"), KeyRingError::Missing { .. }));
    assert!(matches!(refused("link"), KeyRingError::Link { .. }));
    assert!(matches!(refused("dangling"), KeyRingError::Link { .. }));
    assert!(matches!(refused("directory"), KeyRingError::NotAFile { .. }));
    assert!(matches!(refused("empty"), KeyRingError::Empty { .. }));
    assert!(matches!(refused("text"), KeyRingError::Damaged { damage: Damage::NotJson { .. }, .. }));
    assert!(matches!(refused("large"), KeyRingError::Damaged { damage: Damage::TooLarge, .. }));
    assert!(matches!(refused("newer"), KeyRingError::UnknownFormat { found: 3, .. }));
    assert!(matches!(refused("empty/below"), KeyRingError::Read { .. }));
    assert!(matches!(KeyRing::create("/", now()), Err(KeyRingError::NotAFile { .. })));
}

#[test]
fn damage_anywhere_is_noticed_and_never_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut ring) = saved(folder.path());
    ring.rotate(now());
    ring.save(&path).unwrap();
    let text = fs::read(&path).unwrap();
    let parsed: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let keys: Vec<_> =
        parsed["keys"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap()).collect();
    let refuse = |bytes: &[u8], what: String| {
        fs::write(&path, bytes).unwrap();
        let error = KeyRing::load(&path).expect_err(&what);
        let told = format!("{error} {error:?}");
        assert!(keys.iter().all(|key| !told.contains(&key[1..30])), "{told}");
    };
    for bit in 0..8 * text.len() {
        let mut flipped = text.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        refuse(&flipped, format!("bit {bit}"));
    }
    for length in 0..text.len() - 1 {
        refuse(&text[..length], format!("length {length}"));
    }
    refuse(&[b"\xef\xbb\xbf", text.as_slice()].concat(), "a byte order mark".to_owned());
    refuse(&[text.as_slice(), &[0; 512]].concat(), "a tail of zeros".to_owned());
    refuse(&[text.as_slice(), &text].concat(), "twice".to_owned());
}

#[test]
fn after_rotation_old_and_new_values_open_until_the_old_key_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut ring) = saved(folder.path());
    let place = Place::new("instance");
    let (old_key, old) = (ring.current(), ring.seal(&place, b"old"));
    let later = now() + Duration::from_secs(3600);
    let new_key = ring.rotate(later);
    ring.save(&path).unwrap();
    assert_eq!(mode(&path), 0o600);

    let mut ring = KeyRing::load(&path).unwrap();
    assert_eq!((ring.current(), ring.key_ids().collect::<Vec<_>>()), (new_key, vec![old_key, new_key]));
    assert_eq!(ring.keys()[0].retired(), Some(later));
    let new = ring.seal(&place, b"new");
    assert_eq!(new.key_id(), new_key);
    assert_eq!(ring.open(&place, &old).unwrap().expose(), b"old");

    assert_eq!(ring.forget(new_key), Err(ForgetError::Current { id: new_key }));
    ring.forget(old_key).unwrap();
    assert_eq!(ring.forget(old_key), Err(ForgetError::Unknown { id: old_key }));
    ring.save(&path).unwrap();
    let ring = KeyRing::load(&path).unwrap();
    assert!(ring.open(&place, &old).is_err());
    assert_eq!(ring.open(&place, &new).unwrap().expose(), b"new");
}

#[test]
fn of_two_that_rotate_at_once_neither_drops_the_others_key() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut one) = saved(folder.path());
    let mut other = KeyRing::load(&path).unwrap();
    let id = one.rotate(now());
    one.save(&path).unwrap();
    other.rotate(now());
    let error = other.save(&path).unwrap_err();
    assert!(matches!(error, KeyRingError::WouldLoseKey { id: lost, .. } if lost == id), "{error}");
    assert!(KeyRing::load(&path).unwrap().key_ids().any(|there| there == id));
}

#[test]
fn leftovers_of_crashed_writers_are_swept_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut ring) = saved(folder.path());
    let leave = |name: &str, age: u64| {
        let file = File::create(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    leave(".keys.json.0123456789abcdef.tmp", 7200);
    leave(".keys.json.fedcba9876543210.tmp", 60);
    leave(".other.json.0123456789abcdef.tmp", 7200);
    leave(".keys.json.mine.tmp", 7200);
    ring.rotate(now());
    ring.save(&path).unwrap();
    let mut left = names(folder.path());
    left.sort();
    let expected = [
        ".keys.json.fedcba9876543210.tmp",
        ".keys.json.mine.tmp",
        ".other.json.0123456789abcdef.tmp",
        "keys.json",
    ];
    assert_eq!(left, expected);
}

#[test]
fn a_folder_that_cannot_be_written_to_gives_an_error_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = KeyRing::create(folder.path().join("file/keys.json"), now()).unwrap_err();
    assert!(matches!(error, KeyRingError::Write { .. }), "{error}");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn debug_shows_no_key() {
    let ring = KeyRing::generate(now());
    let shown = format!("{ring:?}");
    assert_eq!(
        shown,
        format!("KeyRing {{ current: {0}, keys: [{0} (created {1})] }}", ring.current(), now())
    );
}

#[test]
fn a_forgotten_key_is_remembered_by_its_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let mut ring = KeyRing::create(&path, now()).unwrap();
    let first = ring.current();
    ring.rotate(now());
    ring.save(&path).unwrap();
    assert!(
        fs::read_to_string(&path).unwrap().contains("\"format\": 1"),
        "older programs read it until then"
    );
    ring.forget(first).unwrap();
    ring.save(&path).unwrap();
    let loaded = KeyRing::load(&path).unwrap();
    assert!(loaded.has_forgotten(first) && !loaded.has_forgotten(loaded.current()));
    assert_eq!(loaded.keys().len(), 1);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"format\": 2"));
    let forged = text.replace(&first.to_string(), "k-00000000");
    fs::write(&path, forged).unwrap();
    assert!(KeyRing::load(&path).is_err(), "what is remembered is under the check too");
}
