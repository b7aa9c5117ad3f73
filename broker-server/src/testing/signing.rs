//! Zones that a name server of tests signs (DNSSEC), and what others trust of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use domain::{
    base::{
        Name,
        iana::{DigestAlgorithm, SecurityAlgorithm},
    },
    dnssec::validator::base::DnskeyExt,
    rdata::Dnskey,
};

use super::bind::{Bind, BindError};
use crate::providers::dns::{Answer, Asker, RecordType};

/// How zones are signed: with one key each, which the server makes if it has none.
pub(super) const POLICY: &str = "dnssec-policy \"one-key\" { keys { csk key-directory lifetime unlimited algorithm ecdsap256sha256; }; };\n";

const PATIENCE: Duration = Duration::from_secs(5);

/// Which zones are signed, and with which keys; none unless asked for.
#[derive(Debug, Clone, Default)]
pub struct Signing {
    zones: Vec<String>,
    keys: Option<PathBuf>,
}

impl Signing {
    /// These zones, each with a key that nobody else has.
    #[must_use]
    pub fn of(zones: &[&str]) -> Self {
        Self { zones: zones.iter().map(|zone| (*zone).to_owned()).collect(), keys: None }
    }

    /// The same zones, with the keys of another server.
    #[must_use]
    pub fn with_keys_of(self, server: &Bind) -> Self {
        Self { keys: Some(server.folder().to_owned()), ..self }
    }

    /// What the configuration of a zone says about it.
    pub(super) fn of_zone(&self, zone: &str) -> &'static str {
        let is_signed = self.zones.iter().any(|signed| signed == zone);
        if is_signed { "dnssec-policy \"one-key\";" } else { "" }
    }

    /// Copies the keys to a server that has not started yet.
    pub(super) fn hand_over(&self, folder: &Path) -> io::Result<()> {
        let Some(keys) = &self.keys else { return Ok(()) };
        for file in fs::read_dir(keys)? {
            let path = file?.path();
            let name = path.file_name().unwrap_or_default();
            let is_key = |zone: &String| name.to_string_lossy().starts_with(&format!("K{zone}.+"));
            if self.zones.iter().any(is_key) {
                fs::copy(&path, folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Waits until everything in the zones is signed, what is not there included.
    pub(super) async fn wait(&self, server: &Bind) -> Result<(), BindError> {
        for zone in &self.zones {
            let mut attempts = 0..400;
            while !server.records(zone).await?.iter().any(|line| line.contains(" RRSIG NSEC ")) {
                if attempts.next().is_none() {
                    return Err(BindError::Mute(format!("{zone} is not signed")));
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
        Ok(())
    }
}

impl Bind {
    /// The keys of a zone, as trust anchors are written.
    ///
    /// # Errors
    /// When it has none.
    pub async fn anchors(&self, zone: &str) -> Result<String, BindError> {
        let keys = self.keys_of(zone).await?;
        Ok(keys.iter().map(|key| format!("{zone}. IN DNSKEY {key}\n")).collect())
    }

    /// Says at the parent of a zone, which this server has too, that the zone is signed with its key.
    ///
    /// # Errors
    /// When it has none, or the server does not do it.
    pub async fn vouch(&self, parent: &str, zone: &str) -> Result<(), BindError> {
        let refused = |_| BindError::Refused(format!("no key of {zone} can be read"));
        let owner: Name<Vec<u8>> = zone.parse().map_err(|_| BindError::Refused(zone.to_owned()))?;
        for key in self.keys_of(zone).await? {
            let words: Vec<&str> = key.split_ascii_whitespace().collect();
            let [flags, protocol, _, encoded @ ..] = words.as_slice() else { continue };
            let public = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded.concat());
            let key = Dnskey::new(
                flags.parse().map_err(|_| BindError::Refused(key.clone()))?,
                protocol.parse().map_err(|_| BindError::Refused(key.clone()))?,
                SecurityAlgorithm::ECDSAP256SHA256,
                public.map_err(|_| BindError::Refused(key.clone()))?,
            )
            .map_err(refused)?;
            let digest = key.digest(&owner, DigestAlgorithm::SHA256);
            let digest = digest.map_err(|_| BindError::Refused(format!("no digest of a key of {zone}")))?;
            let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
            let tag = key.key_tag();
            self.add(parent, zone, RecordType::DS, &format!("{tag} 13 2 {digest}")).await?;
        }
        Ok(())
    }

    async fn keys_of(&self, zone: &str) -> Result<Vec<String>, BindError> {
        let name = zone.parse().map_err(|_| BindError::Refused(zone.to_owned()))?;
        let reply = Asker::new(PATIENCE).ask(self.address(), &name, RecordType::DNSKEY).await;
        match reply.map_err(|error| BindError::Mute(error.to_string()))?.answer {
            Answer::Records(keys) => Ok(keys.iter().map(|found| found.data.to_string()).collect()),
            _ => Err(BindError::Mute(format!("{zone} has no key"))),
        }
    }
}
