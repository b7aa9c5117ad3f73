//! Signed requests (RFC 8555 section 6.2): ES256 with the account's key, and the binding to an account elsewhere.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sutler_secrets::{SecretBytes, SecretString};

/// The account's key.
pub(super) struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

/// How a request says who signs it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signatory<'a> {
    /// By the key itself: before there is an account.
    Key,
    /// By the account's URL.
    Account(&'a str),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.thumbprint())
    }
}

impl Signer {
    /// Reads a private key on P-256, PKCS#8 as PEM.
    pub(super) fn from_pem(pem: &SecretString) -> Option<Self> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose().as_bytes()).ok()?;
        let random = SystemRandom::new();
        let key = der.secret_pkcs8_der();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &random).ok()?;
        Some(Self { pair, random })
    }

    /// The public key (RFC 7517); its members stand in the order that the thumbprint wants.
    fn jwk(&self) -> Value {
        // an uncompressed point: 4, x, y
        let point = self.pair.public_key().as_ref();
        let (x, y) = point.get(1..).unwrap_or_default().split_at(32);
        json!({ "crv": "P-256", "kty": "EC", "x": base64url(x), "y": base64url(y) })
    }

    /// Names the key (RFC 7638).
    pub(super) fn thumbprint(&self) -> String {
        base64url(Sha256::digest(self.jwk().to_string()))
    }

    /// What has to stand in the TXT record of a challenge with this token (RFC 8555 section 8.4).
    pub(super) fn dns_value(&self, token: &str) -> String {
        base64url(Sha256::digest(format!("{token}.{}", self.thumbprint())))
    }

    /// A signed request. Without a payload it only reads (POST-as-GET).
    pub(super) fn sign(
        &self,
        (url, nonce): (&str, &str),
        signatory: Signatory<'_>,
        payload: Option<&Value>,
    ) -> Option<Value> {
        let mut protected = json!({ "alg": "ES256", "nonce": nonce, "url": url });
        match signatory {
            Signatory::Key => protected["jwk"] = self.jwk(),
            Signatory::Account(account) => protected["kid"] = json!(account),
        }
        let payload = payload.map(ToString::to_string).unwrap_or_default();
        let (protected, payload) = (base64url(protected.to_string()), base64url(payload));
        let signature = self.pair.sign(&self.random, format!("{protected}.{payload}").as_bytes()).ok()?;
        Some(json!({ "protected": protected, "payload": payload, "signature": base64url(signature) }))
    }

    /// Says that the account belongs to one elsewhere (RFC 8555 section 7.3.4).
    pub(super) fn bind(&self, (key_id, key): (&str, &SecretBytes), url: &str) -> Option<Value> {
        let protected = base64url(json!({ "alg": "HS256", "kid": key_id, "url": url }).to_string());
        let payload = base64url(self.jwk().to_string());
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).ok()?;
        mac.update(format!("{protected}.{payload}").as_bytes());
        let signature = base64url(mac.finalize().into_bytes());
        Some(json!({ "protected": protected, "payload": payload, "signature": signature }))
    }
}

/// Base64url without padding, as everything in ACME is.
pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    fn signer() -> (Signer, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        (Signer::from_pem(&key.serialize_pem().into()).unwrap(), key)
    }

    fn decoded(text: &Value) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
    }

    #[test]
    fn a_request_is_signed_by_the_key_and_names_its_address_and_nonce() {
        let (signer, key) = signer();
        let payload = json!({ "a": 1 });
        let at = ("https://ca.example/order", "nonce-1");
        let signed =
            signer.sign(at, Signatory::Account("https://ca.example/account/1"), Some(&payload)).unwrap();
        let protected: Value = serde_json::from_slice(&decoded(&signed["protected"])).unwrap();
        let expected =
            json!({ "alg": "ES256", "nonce": "nonce-1", "url": at.0, "kid": "https://ca.example/account/1" });
        assert_eq!(protected, expected);
        assert_eq!(decoded(&signed["payload"]), br#"{"a":1}"#);
        let message =
            format!("{}.{}", signed["protected"].as_str().unwrap(), signed["payload"].as_str().unwrap());
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key_raw());
        public.verify(message.as_bytes(), &decoded(&signed["signature"])).unwrap();
    }

    #[test]
    fn a_request_that_reads_has_no_payload_and_one_without_an_account_shows_the_key() {
        let (signer, key) = signer();
        let signed = signer.sign(("u", "n"), Signatory::Key, None).unwrap();
        assert_eq!(signed["payload"], "");
        let protected: Value = serde_json::from_slice(&decoded(&signed["protected"])).unwrap();
        assert!(protected.get("kid").is_none());
        let point = [decoded(&protected["jwk"]["x"]), decoded(&protected["jwk"]["y"])].concat();
        assert_eq!(point, key.public_key_raw()[1..]);
    }

    #[test]
    fn the_thumbprint_is_that_of_the_standard_and_a_challenge_follows_from_it() {
        let (signer, _) = signer();
        let jwk = signer.jwk();
        let (x, y) = (jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap());
        // RFC 7638: the required members, in alphabetical order, without white space
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        assert_eq!(signer.thumbprint(), base64url(Sha256::digest(canonical)));
        let authorization = format!("token.{}", signer.thumbprint());
        assert_eq!(signer.dns_value("token"), base64url(Sha256::digest(authorization)));
        assert_eq!(signer.dns_value("token").len(), 43);
    }

    #[test]
    fn the_binding_to_an_account_elsewhere_is_signed_with_its_key() {
        let (signer, _) = signer();
        let key = SecretBytes::new(b"shared".to_vec());
        let bound = signer.bind(("kid-1", &key), "https://ca.example/new-account").unwrap();
        let protected: Value = serde_json::from_slice(&decoded(&bound["protected"])).unwrap();
        assert_eq!(
            protected,
            json!({ "alg": "HS256", "kid": "kid-1", "url": "https://ca.example/new-account" })
        );
        let message =
            format!("{}.{}", bound["protected"].as_str().unwrap(), bound["payload"].as_str().unwrap());
        let mut mac = Hmac::<Sha256>::new_from_slice(b"shared").unwrap();
        mac.update(message.as_bytes());
        mac.verify_slice(&decoded(&bound["signature"])).unwrap();
    }

    #[test]
    fn a_key_of_another_curve_is_no_account_key_and_is_not_shown() {
        let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        assert!(Signer::from_pem(&other.serialize_pem().into()).is_none());
        assert!(Signer::from_pem(&"nonsense".into()).is_none());
        let (signer, key) = signer();
        let shown = format!("{signer:?}");
        assert!(shown.starts_with("Signer(") && !key.serialize_pem().contains(&shown[7..20]));
    }
}
