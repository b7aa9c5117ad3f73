//! Who may call. Secrets are kept as keyed hashes; every credential is compared every time, in constant time (S-01).

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use argon2::{Argon2, PasswordVerifier, password_hash::phc::PasswordHash};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use sutler_secrets::{Secret, SecretString};
use zeroize::Zeroize;

use crate::config::{Credential, Proof};

/// A shorter secret is refused beyond loopback (S-02).
const SHORTEST_SECRET: usize = 20;
/// Secrets that everybody knows.
const WELL_KNOWN: [&str; 8] =
    ["admin", "broker", "changeme", "password", "secret", "username", "platform", "sutler"];

/// A credential cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// Too short or well known.
    #[error(
        "the secret of the credential '{id}' is shorter than {SHORTEST_SECRET} characters or well known; beyond \
         loopback that is not accepted. Make one with: openssl rand -base64 32"
    )]
    Weak {
        /// The credential.
        id: String,
    },
    /// Not a PHC string.
    #[error("the hash of the credential '{id}' is no PHC string of Argon2id, such as $argon2id$v=19$…")]
    Hash {
        /// The credential.
        id: String,
    },
    /// The system has no randomness.
    #[error("the system has no randomness to give")]
    Random,
}

/// HMAC-SHA-256 under a key that only this process has.
type Tag = [u8; 32];

enum Known {
    /// The tag of what the caller must send.
    Tag(Tag),
    /// A password hash, with the tag of what satisfied it once that is known.
    Hash { hash: String, username: Option<String>, satisfied: OnceLock<Tag> },
}

struct Entry {
    id: String,
    known: Known,
}

/// Decides who may call.
pub(crate) struct Authenticator {
    key: Secret<[u8; 32]>,
    entries: Vec<Entry>,
    /// Tags that no hash was satisfied by: they do not buy a second hash.
    refused: Mutex<HashSet<Tag>>,
    /// One password hash at a time.
    hashing: tokio::sync::Mutex<()>,
}

impl Authenticator {
    /// Takes the credentials in. Gives the ids of weak ones, which only loopback may have.
    ///
    /// # Errors
    /// When a credential is weak and others than this machine can call, or a hash is none.
    pub(crate) fn new(
        credentials: Vec<Credential>,
        is_loopback: bool,
    ) -> Result<(Self, Vec<String>), CredentialError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| CredentialError::Random)?;
        let mut new = Self {
            key: Secret::new(key),
            entries: Vec::new(),
            refused: Mutex::default(),
            hashing: tokio::sync::Mutex::default(),
        };
        key.zeroize();
        let mut weak = Vec::new();
        for Credential { id, proof } in credentials {
            let (username, secret) = match proof {
                Proof::Basic { username, password } => (Some(username), password),
                Proof::Bearer { token } => (None, token),
            };
            if is_weak(&secret) {
                if !is_loopback {
                    return Err(CredentialError::Weak { id });
                }
                weak.push(id.clone());
            }
            let known = new.known(&id, username, &secret)?;
            new.entries.push(Entry { id, known });
        }
        Ok((new, weak))
    }

    fn known(
        &self,
        id: &str,
        username: Option<String>,
        secret: &SecretString,
    ) -> Result<Known, CredentialError> {
        if !secret.expose().starts_with('$') {
            return Ok(Known::Tag(self.tag(username.as_deref(), secret.expose())));
        }
        let hash = secret.expose().clone();
        match PasswordHash::new(&hash) {
            Ok(parsed) if parsed.algorithm.as_str() == "argon2id" => {}
            _ => return Err(CredentialError::Hash { id: id.to_owned() }),
        }
        Ok(Known::Hash { hash, username, satisfied: OnceLock::new() })
    }

    /// The id of the credential that the header proves.
    pub(crate) async fn check(&self, authorization: Option<&str>) -> Option<&str> {
        let (username, secret) = presented(authorization?)?;
        let tag = self.tag(username.as_deref(), secret.expose());
        let known = self.compare(&tag);
        if known.is_some() {
            return known;
        }
        self.check_hashes(username.as_deref(), secret, tag).await
    }

    /// Compares with every credential, and lets nobody see where it agreed.
    fn compare(&self, tag: &Tag) -> Option<&str> {
        let mut found = 0_u64;
        for (position, entry) in (1_u64..).zip(&self.entries) {
            let (known, usable) = match &entry.known {
                Known::Tag(known) => (*known, Choice::from(1)),
                Known::Hash { satisfied, .. } => (
                    satisfied.get().copied().unwrap_or_default(),
                    Choice::from(u8::from(satisfied.get().is_some())),
                ),
            };
            found.conditional_assign(&position, known.ct_eq(tag) & usable);
        }
        let position = usize::try_from(found).ok()?.checked_sub(1)?;
        self.entries.get(position).map(|entry| entry.id.as_str())
    }

    /// Asks the password hashes that nobody has satisfied yet, one at a time and off the thread that serves.
    async fn check_hashes(&self, username: Option<&str>, secret: SecretString, tag: Tag) -> Option<&str> {
        let secret = Arc::new(secret);
        for entry in &self.entries {
            let Known::Hash { hash, username: expected, satisfied } = &entry.known else { continue };
            if expected.as_deref() != username || satisfied.get().is_some() {
                continue;
            }
            let _one_at_a_time = self.hashing.lock().await;
            if self.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(&tag) {
                return None;
            }
            let (hash, secret) = (hash.clone(), secret.clone());
            let verified = tokio::task::spawn_blocking(move || {
                PasswordHash::new(&hash).is_ok_and(|hash| {
                    Argon2::default().verify_password(secret.expose().as_bytes(), &hash).is_ok()
                })
            })
            .await
            .unwrap_or(false);
            if verified {
                // whoever was first has set the same tag
                let _ = satisfied.set(tag);
                return Some(&entry.id);
            }
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            if refused.len() >= 10_000 {
                refused.clear();
            }
            refused.insert(tag);
        }
        None
    }

    fn tag(&self, username: Option<&str>, secret: &str) -> Tag {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.expose()).expect("HMAC takes keys of any length");
        let username = username.map_or(String::from("bearer"), |name| format!("basic {} {name}", name.len()));
        mac.update(&(username.len() as u64).to_be_bytes());
        mac.update(username.as_bytes());
        mac.update(secret.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// What a header presents: a user and a password, or a token.
fn presented(header: &str) -> Option<(Option<String>, SecretString)> {
    let (scheme, value) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some((None, SecretString::from(value.trim())));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let presented =
        decoded.split_once(':').map(|(user, password)| (Some(user.to_owned()), SecretString::from(password)));
    decoded.zeroize();
    presented
}

fn is_weak(secret: &SecretString) -> bool {
    let text = secret.expose();
    let is_hash = text.starts_with('$');
    !is_hash && (text.chars().count() < SHORTEST_SECRET || WELL_KNOWN.contains(&text.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher;

    use super::*;

    const LONG: &str = "a-long-enough-password-1234";

    fn basic(id: &str, username: &str, password: &str) -> Credential {
        let proof = Proof::Basic { username: username.to_owned(), password: password.into() };
        Credential { id: id.to_owned(), proof }
    }

    fn header(username: &str, password: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
    }

    #[tokio::test]
    async fn several_credentials_are_live_at_once() {
        let bearer = Credential { id: "b".to_owned(), proof: Proof::Bearer { token: LONG.into() } };
        let (auth, weak) =
            Authenticator::new(vec![basic("a", "ada", LONG), bearer, basic("c", "ada", "short")], true)
                .unwrap();
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
            assert_eq!(auth.check(Some(&header)).await, expected, "{header}");
        }
        assert_eq!(auth.check(None).await, None);
    }

    #[tokio::test]
    async fn a_password_hash_is_asked_once() {
        let hash = Argon2::default().hash_password(LONG.as_bytes()).unwrap().to_string();
        let (auth, weak) = Authenticator::new(vec![basic("a", "ada", &hash)], false).unwrap();
        assert!(weak.is_empty());
        assert_eq!(auth.check(Some(&header("ada", "wrong"))).await, None);
        assert_eq!(auth.check(Some(&header("ada", &hash))).await, None);
        assert_eq!(auth.check(Some(&header("ada", LONG))).await, Some("a"));
        let Known::Hash { satisfied, .. } = &auth.entries[0].known else { panic!("not a hash") };
        assert!(satisfied.get().is_some());
        assert_eq!(auth.check(Some(&header("ada", LONG))).await, Some("a"));
        assert_eq!(auth.check(Some(&header("ada", "wrong"))).await, None);
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
}
