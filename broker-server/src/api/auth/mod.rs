//! Who may call. Secrets are kept as keyed hashes; every credential is compared every time, in constant time (S-01).
//!
//! Wrong credentials get one answer, more slowly from sources that try too often; a right one is never refused (S-04).

mod failures;
mod known;
mod presented;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod timing;

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use argon2::{Argon2, PasswordVerifier, password_hash::phc::PasswordHash};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::{ConditionallySelectable, ConstantTimeEq};
use sutler_secrets::SecretString;
use zeroize::Zeroize;

use self::{
    failures::{Failures, Pressure},
    known::{Entry, Known, Tag},
};
pub(crate) use known::CredentialUse;
pub(crate) use presented::presented;

use crate::config::{Credential, Proof};

/// A shorter secret is refused beyond loopback (S-02).
const SHORTEST_SECRET: usize = 20;
/// Secrets that everybody knows.
const WELL_KNOWN: [&str; 8] =
    ["admin", "broker", "changeme", "password", "secret", "username", "platform", "sutler"];
/// How much later a wrong credential is answered where too many come.
const DELAY: Duration = Duration::from_secs(1);

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

/// What outlives an exchange of credentials.
struct Lasting {
    /// Keyed with what only this process has.
    keyed: Hmac<Sha256>,
    failures: Failures,
    /// One password hash at a time.
    hashing: tokio::sync::Mutex<()>,
    /// Sources that try too often wait here first: no more than one of them stands before anybody else.
    pressing: tokio::sync::Mutex<()>,
}

/// Decides who may call.
pub(crate) struct Authenticator {
    lasting: Arc<Lasting>,
    entries: Vec<Entry>,
    /// Tags that no hash was satisfied by: they do not buy a second hash.
    refused: Mutex<HashSet<Tag>>,
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
        let lasting = Lasting {
            keyed: Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"),
            failures: Failures::default(),
            hashing: tokio::sync::Mutex::default(),
            pressing: tokio::sync::Mutex::default(),
        };
        key.zeroize();
        Self::of(Arc::new(lasting), credentials, is_loopback)
    }

    /// The same with other credentials: what is known of those that stay is kept.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn renewed(
        &self,
        credentials: Vec<Credential>,
        is_loopback: bool,
    ) -> Result<(Self, Vec<String>), CredentialError> {
        let (mut new, weak) = Self::of(self.lasting.clone(), credentials, is_loopback)?;
        for entry in &mut new.entries {
            if let Some(earlier) = self.entries.iter().find(|earlier| earlier.id == entry.id) {
                entry.learn(earlier);
            }
        }
        Ok((new, weak))
    }

    fn of(
        lasting: Arc<Lasting>,
        credentials: Vec<Credential>,
        is_loopback: bool,
    ) -> Result<(Self, Vec<String>), CredentialError> {
        let mut new = Self { lasting, entries: Vec::new(), refused: Mutex::default() };
        let mut weak = Vec::new();
        for Credential { id, proof, validity } in credentials {
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
            new.entries.push(Entry { id, known, validity, used: Arc::default() });
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

    /// When each credential was used last.
    pub(crate) fn uses(&self) -> Vec<CredentialUse> {
        self.entries.iter().map(Entry::last_use).collect()
    }

    /// The id of the credential that the header proves. A wrong one takes longer where too many come from its source.
    pub(crate) async fn check(&self, authorization: Option<&str>, source: Option<IpAddr>) -> Option<&str> {
        let (username, secret) = presented(authorization?)?;
        let tag = self.tag(username.as_deref(), secret.expose());
        if let Some(entry) = self.compare(&tag) {
            return entry.used(Timestamp::now());
        }
        // it counts before it is looked at further: many at once are as many as many in a row
        let pressure = self.lasting.failures.pressure(source);
        self.lasting.failures.count(source);
        if let Some(entry) = self.check_hashes(username.as_deref(), secret, (tag, pressure)).await {
            return entry.used(Timestamp::now());
        }
        if pressure == Pressure::High {
            tokio::time::sleep(DELAY).await;
        }
        None
    }

    /// Compares with every credential, and lets nobody see where it agreed.
    fn compare(&self, tag: &Tag) -> Option<&Entry> {
        let mut found = 0_u64;
        for (position, entry) in (1_u64..).zip(&self.entries) {
            let (known, usable) = entry.tag();
            found.conditional_assign(&position, known.ct_eq(tag) & usable);
        }
        self.entries.get(usize::try_from(found).ok()?.checked_sub(1)?)
    }

    /// Asks the password hashes that nobody has satisfied yet, one at a time and off the thread that serves.
    async fn check_hashes(
        &self,
        username: Option<&str>,
        secret: SecretString,
        (tag, pressure): (Tag, Pressure),
    ) -> Option<&Entry> {
        let secret = Arc::new(secret);
        for entry in &self.entries {
            let Known::Hash { hash, username: expected, satisfied } = &entry.known else { continue };
            if expected.as_deref() != username || satisfied.get().is_some() {
                continue;
            }
            let _pressing = match pressure {
                Pressure::High => Some(self.lasting.pressing.lock().await),
                Pressure::Usual => None,
            };
            let _one_at_a_time = self.lasting.hashing.lock().await;
            if self.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(&tag) {
                return None;
            }
            if verifies(hash.clone(), secret.clone()).await {
                // whoever was first has set the same tag
                let _ = satisfied.set(tag);
                return Some(entry);
            }
        }
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= 10_000 {
            refused.clear();
        }
        refused.insert(tag);
        None
    }

    fn tag(&self, username: Option<&str>, secret: &str) -> Tag {
        let mut mac = self.lasting.keyed.clone();
        let kind: &[u8] = if username.is_some() { b"basic" } else { b"bearer" };
        let name = username.unwrap_or_default();
        // lengths before what has one: no two credentials are the same bytes
        for part in [kind, name.as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.update(secret.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

async fn verifies(hash: String, secret: Arc<SecretString>) -> bool {
    let verified = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash)
            .is_ok_and(|hash| Argon2::default().verify_password(secret.expose().as_bytes(), &hash).is_ok())
    });
    verified.await.unwrap_or(false)
}

fn is_weak(secret: &SecretString) -> bool {
    let text = secret.expose();
    let is_hash = text.starts_with('$');
    !is_hash && (text.chars().count() < SHORTEST_SECRET || WELL_KNOWN.contains(&text.to_lowercase().as_str()))
}
