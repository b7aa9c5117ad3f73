use std::time::Instant;

use argon2::PasswordHasher;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::config::Validity;

const LONG: &str = "a-long-enough-password-1234";

pub(super) fn basic(id: &str, username: &str, password: &str) -> Credential {
    let proof = Proof::Basic { username: username.to_owned(), password: password.into() };
    Credential { id: id.to_owned(), proof, validity: Validity::default() }
}

fn header(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

#[tokio::test]
async fn several_credentials_are_live_at_once() {
    let bearer = Credential {
        id: "b".to_owned(),
        proof: Proof::Bearer { token: LONG.into() },
        validity: Validity::default(),
    };
    let (auth, weak) =
        Authenticator::new(vec![basic("a", "ada", LONG), bearer, basic("c", "ada", "short")], true).unwrap();
    assert_eq!(weak, ["c"]);
    for (header, expected) in [
        (header("ada", LONG), Some("a")),
        (header("ada", "short"), Some("c")),
        (format!("bearer {LONG}"), Some("b")),
        (header("bob", LONG), None),
        (header("ada", ""), None),
        (header("", LONG), None),
        ("Basic ***".to_owned(), None),
        ("Basic".to_owned(), None),
        (format!("Digest {LONG}"), None),
    ] {
        assert_eq!(auth.check(Some(&header), None).await, expected, "{header}");
    }
    assert_eq!(auth.check(None, None).await, None);
}

#[tokio::test]
async fn a_password_hash_is_asked_once() {
    let hash = Argon2::default().hash_password(LONG.as_bytes()).unwrap().to_string();
    let (auth, weak) = Authenticator::new(vec![basic("a", "ada", &hash)], false).unwrap();
    assert!(weak.is_empty());
    assert_eq!(auth.check(Some(&header("ada", "wrong")), None).await, None);
    assert_eq!(auth.check(Some(&header("ada", &hash)), None).await, None);
    assert_eq!(auth.check(Some(&header("ada", LONG)), None).await, Some("a"));
    let Known::Hash { satisfied, .. } = &auth.entries[0].known else { panic!("not a hash") };
    assert!(satisfied.get().is_some());
    assert_eq!(auth.check(Some(&header("ada", LONG)), None).await, Some("a"));
    assert_eq!(auth.check(Some(&header("ada", "wrong")), None).await, None);
}

#[test]
fn s_02_weak_secrets_are_for_loopback_only() {
    for weak in ["", "short", "admin", "PASSWORD"] {
        let refused = Authenticator::new(vec![basic("a", "ada", weak)], false);
        assert!(matches!(refused, Err(CredentialError::Weak { .. })), "{weak}");
    }
    let refused = Authenticator::new(vec![basic("a", "ada", "$2y$10$abcdefghijklmnopqrstuv")], true);
    assert!(matches!(refused, Err(CredentialError::Hash { .. })));
}

#[tokio::test]
async fn s_03_a_credential_counts_in_its_time() {
    let hour = jiff::SignedDuration::from_hours(1);
    let now = Timestamp::now();
    for (not_before, not_after, counts) in [
        (None, None, true),
        (Some(now - hour), Some(now + hour), true),
        (Some(now + hour), None, false),
        (None, Some(now - hour), false),
    ] {
        let mut credential = basic("a", "ada", LONG);
        credential.validity = Validity { not_before, not_after };
        let (auth, _) = Authenticator::new(vec![credential], false).unwrap();
        let found = auth.check(Some(&header("ada", LONG)), None).await;
        assert_eq!(found.is_some(), counts, "{not_before:?} {not_after:?}");
        assert_eq!(auth.uses()[0].last_used.is_some(), counts);
    }
}

#[tokio::test]
async fn s_03_an_exchange_keeps_what_is_known_of_those_that_stay() {
    let hash = Argon2::default().hash_password(LONG.as_bytes()).unwrap().to_string();
    let (first, _) =
        Authenticator::new(vec![basic("a", "ada", &hash), basic("b", "bob", LONG)], false).unwrap();
    assert_eq!(first.check(Some(&header("ada", LONG)), None).await, Some("a"));
    let (second, _) = first.renewed(vec![basic("a", "ada", &hash)], false).unwrap();
    assert!(second.uses()[0].last_used.is_some());
    let Known::Hash { satisfied, .. } = &second.entries[0].known else { panic!("not a hash") };
    assert!(satisfied.get().is_some(), "it is not hashed again");
    assert_eq!(second.check(Some(&header("ada", LONG)), None).await, Some("a"));
    assert_eq!(second.check(Some(&header("bob", LONG)), None).await, None);
    let other = Argon2::default().hash_password(b"another-long-password").unwrap().to_string();
    let (third, _) = second.renewed(vec![basic("a", "ada", &other)], false).unwrap();
    assert_eq!(third.check(Some(&header("ada", LONG)), None).await, None, "another hash is another secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn s_04_whoever_guesses_is_slowed_down_and_the_right_one_is_not() {
    let (auth, _) = Authenticator::new(vec![basic("a", "ada", LONG)], false).unwrap();
    let source = Some(IpAddr::from([192, 0, 2, 1]));
    let started = Instant::now();
    for guess in 0..20 {
        assert_eq!(auth.check(Some(&header("ada", &format!("guess {guess}"))), source).await, None);
    }
    assert!(started.elapsed() < DELAY, "the first ones are not");
    for _ in 0..2 {
        let started = Instant::now();
        assert_eq!(auth.check(Some(&header("ada", "one more")), source).await, None);
        assert!(started.elapsed() >= DELAY);
        let started = Instant::now();
        assert_eq!(auth.check(Some(&header("ada", LONG)), source).await, Some("a"));
        assert!(started.elapsed() < DELAY / 2, "from the same address");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_04_a_flood_of_guesses_does_not_keep_the_right_one_from_a_password_hash() {
    let hash = Argon2::default().hash_password(LONG.as_bytes()).unwrap().to_string();
    let (auth, _) = Authenticator::new(vec![basic("a", "ada", &hash)], false).unwrap();
    let auth = Arc::new(auth);
    let flood: Vec<_> = (0..100)
        .map(|guess| {
            let auth = auth.clone();
            let source = Some(IpAddr::from([192, 0, 2, u8::try_from(guess % 2).unwrap()]));
            tokio::spawn(async move {
                for round in 0..50 {
                    let header = header("ada", &format!("guess {guess} {round}"));
                    assert_eq!(auth.check(Some(&header), source).await, None);
                }
            })
        })
        .collect();
    // once they press, at most one of them stands before anybody else
    while auth.lasting.failures.pressure(Some(IpAddr::from([192, 0, 2, 0]))) == Pressure::Usual {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (right, elsewhere) = (header("ada", LONG), Some(IpAddr::from([198, 51, 100, 7])));
    let checked = tokio::time::timeout(Duration::from_secs(60), auth.check(Some(&right), elsewhere)).await;
    assert_eq!(checked.expect("it is answered"), Some("a"));
    for task in flood {
        task.abort();
    }
}
