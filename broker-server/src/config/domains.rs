//! Who issues certificates, and which name servers verifications ask, in `broker.yaml`.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    AcmeAccount, ConfigError, VerificationSettings, file::Meaning, secret::SecretSource,
    vendors::check_vendor_url,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileAcme {
    directory: String,
    account_key: SecretSource,
    #[serde(default)]
    contact: Vec<String>,
    #[serde(default)]
    terms_of_service_agreed: bool,
    external_account: Option<FileExternal>,
    roots: Option<String>,
    calls_per_minute: Option<std::num::NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileExternal {
    key_id: String,
    hmac_key: SecretSource,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileVerification {
    #[serde(default)]
    resolvers: Vec<String>,
    #[serde(default)]
    private: bool,
    port: Option<u16>,
    trust_anchors: Option<String>,
}

impl Meaning<'_> {
    pub(super) fn acme(
        &mut self,
        acme: Spanned<FileAcme>,
        listen: SocketAddr,
    ) -> Result<AcmeAccount, ConfigError> {
        let position = self.position(&acme);
        let FileAcme { directory, account_key, contact, external_account, roots, .. } = acme.value;
        check_vendor_url(&directory)
            .map_err(|message| ConfigError::Value { position: position.clone(), message })?;
        let account_key = self.secret(account_key, &position, listen)?;
        let external = |external: FileExternal| {
            Ok::<_, ConfigError>((external.key_id, self.secret(external.hmac_key, &position, listen)?))
        };
        let external_account = external_account.map(external).transpose()?;
        Ok(AcmeAccount {
            directory,
            account_key,
            contact,
            terms_of_service_agreed: acme.value.terms_of_service_agreed,
            external_account,
            roots: roots.map(|roots| self.watched(&roots)),
            calls_per_minute: acme.value.calls_per_minute,
        })
    }

    pub(super) fn verification(
        &mut self,
        verification: &Spanned<FileVerification>,
    ) -> Result<VerificationSettings, ConfigError> {
        let FileVerification { resolvers, private, port, trust_anchors } = &verification.value;
        let resolvers = resolvers.iter().map(|text| resolver(text)).collect::<Result<_, _>>();
        let resolvers = resolvers
            .map_err(|message| ConfigError::Value { position: self.position(verification), message })?;
        Ok(VerificationSettings {
            resolvers,
            private: *private,
            port: port.unwrap_or(DNS),
            trust_anchors: trust_anchors.as_deref().map(|path| self.watched(path)),
        })
    }
}

/// The port of the DNS.
const DNS: u16 = 53;

/// An address, with a port or without.
fn resolver(text: &str) -> Result<SocketAddr, String> {
    let bare = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS));
    bare.or_else(|_| text.parse())
        .map_err(|_| format!("'{text}' is no address of a resolver; write an IP address, such as 192.0.2.53"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_is_an_address() {
        assert_eq!(resolver("192.0.2.53").unwrap().to_string(), "192.0.2.53:53");
        assert_eq!(resolver("127.0.0.1:5353").unwrap().to_string(), "127.0.0.1:5353");
        assert_eq!(resolver("2001:db8::53").unwrap().to_string(), "[2001:db8::53]:53");
        assert!(resolver("dns.example.com").is_err());
    }
}
