//! Keys, certificate requests, and what a certificate says.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use sha2::{Digest, Sha256};
use sutler_catalog::domain::certificate::KeyType;
use sutler_secrets::SecretString;
use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{AuthorityKeyIdentifier, SubjectAltName, name::GeneralName},
    time::Time,
};

/// Something about a key or a certificate cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum X509Error {
    /// No key can be made.
    #[error("no private key could be made")]
    Key,
    /// The request cannot be made.
    #[error("no certificate request could be made for the names")]
    Request,
    /// What was issued cannot be read.
    #[error("what was issued is no certificate")]
    Unreadable,
    /// What was issued is for another key.
    #[error("the certificate is for another key than ours")]
    OtherKey,
    /// What was issued is for other names.
    #[error("the certificate is for other names")]
    OtherNames,
}

/// Makes a private key, PKCS#8 as PEM.
pub(super) fn make_key(of: KeyType) -> Result<SecretString, X509Error> {
    let algorithm = match of {
        KeyType::EcdsaP256 => &PKCS_ECDSA_P256_SHA256,
        KeyType::EcdsaP384 => &PKCS_ECDSA_P384_SHA384,
    };
    let key = KeyPair::generate_for(algorithm).map_err(|_| X509Error::Key)?;
    Ok(SecretString::from(key.serialize_pem()))
}

fn pair(key: &SecretString) -> Result<KeyPair, X509Error> {
    KeyPair::from_pem(key.expose()).map_err(|_| X509Error::Key)
}

/// The request for a certificate for these names, as DER.
pub(super) fn request(key: &SecretString, names: &[String]) -> Result<Vec<u8>, X509Error> {
    let mut wanted = CertificateParams::new(names).map_err(|_| X509Error::Request)?;
    wanted.distinguished_name = DistinguishedName::new();
    let request = wanted.serialize_request(&pair(key)?).map_err(|_| X509Error::Request)?;
    Ok(request.der().to_vec())
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The certificate itself, as DER.
    pub(super) der: Vec<u8>,
    /// In hexadecimal.
    pub(super) serial: String,
    /// What the authority calls it when it is asked about renewal; `None` if it does not say whose key signed it.
    pub(super) renewal_id: Option<String>,
    pub(super) valid_from: Timestamp,
    pub(super) expires_at: Timestamp,
    names: Vec<String>,
    public_key: Vec<u8>,
}

impl Leaf {
    /// Reads the first certificate of a chain.
    pub(super) fn of_chain(pem: &str) -> Result<Self, X509Error> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| X509Error::Unreadable)?;
        let parsed = Certificate::from_der(&der).map_err(|_| X509Error::Unreadable)?;
        let said = &parsed.tbs_certificate;
        let key = said.subject_public_key_info.subject_public_key.as_bytes();
        let names = said.get::<SubjectAltName>().map_err(|_| X509Error::Unreadable)?;
        let names = names.map(|(_, names)| names.0).unwrap_or_default();
        let issuer = said.get::<AuthorityKeyIdentifier>().map_err(|_| X509Error::Unreadable)?;
        let issuer = issuer.and_then(|(_, issuer)| issuer.key_identifier);
        let serial = said.serial_number.as_bytes();
        let dns = |name: &GeneralName| match name {
            GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
            _ => None,
        };
        Ok(Self {
            serial: hex(serial),
            renewal_id: issuer.map(|issuer| renewal_id(issuer.as_bytes(), serial)),
            valid_from: time(said.validity.not_before)?,
            expires_at: time(said.validity.not_after)?,
            names: names.iter().filter_map(dns).collect(),
            public_key: key.ok_or(X509Error::Unreadable)?.to_vec(),
            der: der.to_vec(),
        })
    }

    /// Whether this is a certificate at all.
    pub(super) fn is_certificate(der: &[u8]) -> bool {
        Certificate::from_der(der).is_ok()
    }

    /// Whether it is what was asked for: for this key, and for every one of these names.
    pub(super) fn check(&self, key: &SecretString, names: &[String]) -> Result<(), X509Error> {
        if pair(key)?.public_key_raw() != self.public_key {
            return Err(X509Error::OtherKey);
        }
        let has_all = names.iter().all(|name| self.names.contains(name));
        if has_all { Ok(()) } else { Err(X509Error::OtherNames) }
    }

    /// The digest of the certificate, in hexadecimal.
    pub(super) fn fingerprint(&self) -> String {
        hex(&Sha256::digest(&self.der))
    }

    /// From when it is due: so long before it expires, but not before half of its life is over.
    pub(super) fn renew_after(&self, before: Duration) -> Timestamp {
        let (from, until) = (self.valid_from.as_second(), self.expires_at.as_second());
        let half = from.midpoint(until);
        let before = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(until.saturating_sub(before).max(half)).unwrap_or(self.expires_at)
    }
}

fn time(time: Time) -> Result<Timestamp, X509Error> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).map_err(|_| X509Error::Unreadable)?;
    Timestamp::from_second(seconds).map_err(|_| X509Error::Unreadable)
}

/// The name of a certificate for questions about renewal (RFC 9773 section 4.1): whose key signed it, and its number.
fn renewal_id(issuer: &[u8], serial: &[u8]) -> String {
    // the number as it is encoded: one whose first bit is set has a byte of zeros in front
    let zero: &[u8] = if serial.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    let serial = URL_SAFE_NO_PAD.encode([zero, serial].concat());
    format!("{}.{serial}", URL_SAFE_NO_PAD.encode(issuer))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::date_time_ymd;

    use super::*;

    fn names() -> Vec<String> {
        ["example.com", "*.example.com"].map(str::to_owned).to_vec()
    }

    /// A certificate of ninety days.
    fn issued(key: &SecretString, names: &[String]) -> Leaf {
        let mut wanted = CertificateParams::new(names).unwrap();
        (wanted.not_before, wanted.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 4, 1));
        Leaf::of_chain(&wanted.self_signed(&pair(key).unwrap()).unwrap().pem()).unwrap()
    }

    #[test]
    fn a_certificate_is_for_our_key_and_our_names_or_not_what_was_asked_for() {
        for of in [KeyType::EcdsaP256, KeyType::EcdsaP384] {
            let (key, other) = (make_key(of).unwrap(), make_key(of).unwrap());
            let leaf = issued(&key, &names());
            assert_eq!(leaf.check(&key, &names()), Ok(()));
            assert_eq!(leaf.check(&other, &names()), Err(X509Error::OtherKey));
            assert_eq!(leaf.check(&key, &["www.example.com".to_owned()]), Err(X509Error::OtherNames));
        }
        assert_eq!(Leaf::of_chain("nonsense").unwrap_err(), X509Error::Unreadable);
    }

    #[test]
    fn it_is_due_before_it_expires_and_never_in_the_first_half_of_its_life() {
        let leaf = issued(&make_key(KeyType::EcdsaP256).unwrap(), &names());
        let day = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        assert_eq!(leaf.renew_after(day(30)).to_string(), "2026-03-02T00:00:00Z");
        assert_eq!(leaf.renew_after(day(60)).to_string(), "2026-02-15T00:00:00Z");
        assert_eq!(leaf.renew_after(day(90)).to_string(), "2026-02-15T00:00:00Z");
    }

    #[test]
    fn a_certificate_is_called_as_in_the_example_of_the_standard() {
        // RFC 9773 section 4.1
        let issuer = [
            0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c,
            0xde, 0x01, 0xc8, 0xd4,
        ];
        for serial in [&[0x00, 0x87, 0x65, 0x43, 0x21][..], &[0x87, 0x65, 0x43, 0x21]] {
            assert_eq!(renewal_id(&issuer, serial), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
        }
    }

    #[test]
    fn a_request_names_the_names_and_its_key_stays_here() {
        let key = make_key(KeyType::EcdsaP256).unwrap();
        let request = request(&key, &names()).unwrap();
        assert!(request.windows(11).any(|part| part == b"example.com"));
        let secret = pair(&key).unwrap().serialize_der();
        assert!(!request.windows(32).any(|part| secret.windows(32).take(40).any(|secret| secret == part)));
    }
}
