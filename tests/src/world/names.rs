//! A name server and a certificate authority that asks it: real ones, BIND and Pebble.

use std::path::Path;

use sutler_broker_server::providers::dns::RecordType;
use sutler_broker_server::testing::bind::Bind;
use sutler_broker_server::testing::pebble::{Habits, Pebble};

use super::WorldError;

/// Both, running.
#[derive(Debug)]
pub struct Names {
    zone: String,
    bind: Bind,
    pebble: Pebble,
    account_key: String,
}

impl Names {
    /// Starts both, for one zone.
    ///
    /// # Errors
    /// When one of them is not installed, or does not come up; the error says what to install.
    pub async fn start(zone: &str) -> Result<Self, WorldError> {
        let failed = |error: &dyn std::error::Error| {
            WorldError::new("starting a name server and a certificate authority", error)
        };
        let bind = Bind::start(&[zone]).await.map_err(|error| failed(&error))?;
        let pebble =
            Pebble::start(bind.address(), Habits::default()).await.map_err(|error| failed(&error))?;
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256);
        let account_key = key.map_err(|error| failed(&error))?.serialize_pem();
        Ok(Self { zone: zone.to_owned(), bind, pebble, account_key })
    }

    /// The name server.
    #[must_use]
    pub fn bind(&self) -> &Bind {
        &self.bind
    }

    /// The certificate authority.
    #[must_use]
    pub fn pebble(&self) -> &Pebble {
        &self.pebble
    }

    /// The zone that the name server answers for.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// The files of a broker that uses both: their names and what is in them.
    #[must_use]
    pub fn files(&self) -> Vec<(String, String)> {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        vec![
            file("tsig.secret", self.bind.secret().expose()),
            file("acme.key", &self.account_key),
            file("authority.pem", self.pebble.root()),
            file("anchors.txt", ""),
        ]
    }

    /// What nobody else may see: the secret of the key that changes the zone, and the first line of the account's key.
    #[must_use]
    pub fn secrets(&self) -> Vec<(&'static str, String)> {
        let key = self.account_key.lines().nth(1).unwrap_or_default().to_owned();
        vec![("key of the name server", self.bind.secret().expose().to_owned()), ("key of the account", key)]
    }

    /// Where the files of both are.
    #[must_use]
    pub fn folders(&self) -> [&Path; 2] {
        [self.bind.folder(), self.pebble.folder()]
    }

    /// The process ids of both.
    #[must_use]
    pub fn ids(&self) -> [u32; 2] {
        [self.bind.id(), self.pebble.id()]
    }

    /// Does what a person does who is asked by a verification to set a TXT record: finds the wish in what `sutler` has
    /// said so far, and sets it. Says the record; `None` while nobody has asked.
    ///
    /// # Errors
    /// When the name server does not do it.
    pub async fn obey(&self, said: &str) -> Result<Option<String>, WorldError> {
        let Some((name, value)) = wish(said) else { return Ok(None) };
        let added = self.bind.add(&self.zone, name, RecordType::TXT, value).await;
        added.map_err(|error| WorldError::new("setting a TXT record", error))?;
        Ok(Some(format!("{name} TXT {value}")))
    }
}

/// The record that a verification wants to be set.
fn wish(said: &str) -> Option<(&str, &str)> {
    let (_, rest) = said.split_once("set the TXT record ")?;
    let (name, rest) = rest.split_once(" to ")?;
    let end = rest.find(|one: char| !one.is_ascii_alphanumeric() && !matches!(one, '=' | '-'))?;
    Some((name, &rest[..end])).filter(|(_, value)| value.starts_with("osb-verify="))
}

#[cfg(test)]
mod tests {
    use super::wish;

    #[test]
    fn a_wish_is_found_in_what_was_said_once_it_is_said_as_a_whole() {
        let said = "control: creating\ncontrol: set the TXT record _osb-challenge.example.com to osb-verify=ab2c; it is not";
        assert_eq!(wish(said), Some(("_osb-challenge.example.com", "osb-verify=ab2c")));
        for early in ["control: creating", "set the TXT record _osb-challenge.example.com to osb-ver", ""] {
            assert_eq!(wish(early), None, "{early}");
        }
    }
}
