//! What an authority keeps (RFC 8555 section 7.1): the directory, the account, orders, authorizations, certificates.

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Answer, CallError, Client, Problem, Signatory, Unclear};
use crate::providers::Sent;

/// Where the authority takes what.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Directory {
    pub(super) new_nonce: String,
    new_account: String,
    new_order: String,
    revoke_cert: Option<String>,
    /// Since RFC 9773; not every authority has it.
    pub(super) renewal_info: Option<String>,
}

/// How far an order, an authorization or a challenge is. A word that the standard does not know is `Unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::providers::acme) enum Status {
    /// The next move is ours.
    Pending,
    /// All names are proven; the next move is ours.
    Ready,
    /// The authority is at work.
    Processing,
    /// It is done.
    Valid,
    /// It failed for good.
    Invalid,
    /// An authorization that has been given up, or has run out.
    #[serde(alias = "expired", alias = "revoked")]
    Deactivated,
    /// A word from later than this code.
    #[serde(other)]
    Unknown,
}

/// An order for a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::providers::acme) struct Order {
    pub(in crate::providers::acme) status: Status,
    /// After that, the authority forgets it.
    pub(in crate::providers::acme) expires: Option<Timestamp>,
    #[serde(default)]
    pub(in crate::providers::acme) authorizations: Vec<String>,
    pub(in crate::providers::acme) finalize: String,
    pub(in crate::providers::acme) certificate: Option<String>,
    pub(in crate::providers::acme) error: Option<Problem>,
}

/// Whether one name is proven, and how it can be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::providers::acme) struct Authorization {
    pub(in crate::providers::acme) status: Status,
    identifier: Identifier,
    #[serde(default)]
    challenges: Vec<Challenge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Identifier {
    value: String,
}

/// One way of proving a name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::providers::acme) struct Challenge {
    #[serde(rename = "type")]
    kind: String,
    pub(in crate::providers::acme) url: String,
    pub(in crate::providers::acme) status: Status,
    #[serde(default)]
    pub(in crate::providers::acme) token: String,
    pub(in crate::providers::acme) error: Option<Problem>,
}

impl Authorization {
    /// The name that is to be proven; that of a wildcard is the name below which it stands.
    pub(in crate::providers::acme) fn name(&self) -> &str {
        &self.identifier.value
    }

    /// The challenge that is answered in the DNS.
    pub(in crate::providers::acme) fn dns(&self) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.kind == "dns-01")
    }

    /// Why it failed, if a challenge says so.
    pub(in crate::providers::acme) fn problem(&self) -> Option<&Problem> {
        self.challenges.iter().find_map(|challenge| challenge.error.as_ref())
    }
}

impl Client {
    /// Whether an account may be made: the operator agrees to the terms of service.
    pub(in crate::providers::acme) fn may_register(&self) -> bool {
        self.inner.target.terms_of_service_agreed
    }

    /// Whether there is an account of this key. Changes nothing.
    pub(in crate::providers::acme) async fn has_account(&self) -> Result<bool, CallError> {
        match self.account_url().await {
            Ok(_) => Ok(true),
            Err(error) if error.word() == "accountDoesNotExist" => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn ask_for_account(&self) -> Result<String, CallError> {
        let url = self.directory().await?.new_account.clone();
        let payload = json!({ "onlyReturnExisting": true });
        let answer = self.signed(&url, Signatory::Key, (Some(&payload), Sent::No)).await?;
        answer.location.ok_or(CallError::unavailable(Unclear::Foreign(200), Sent::No))
    }

    /// Makes the account. With the same key it is the same account, however often it is asked for.
    pub(in crate::providers::acme) async fn register(&self) -> Result<(), CallError> {
        let url = self.directory().await?.new_account.clone();
        let target = &self.inner.target;
        let mut payload =
            json!({ "termsOfServiceAgreed": target.terms_of_service_agreed, "contact": target.contact });
        if let Some((id, key)) = &target.external {
            let bound = target.signer.bind((id, key), &url);
            let unsigned = CallError::unavailable(Unclear::Unsigned, Sent::No);
            payload["externalAccountBinding"] = bound.ok_or(unsigned)?;
        }
        self.signed(&url, Signatory::Key, (Some(&payload), Sent::Perhaps)).await.map(|_| ())
    }

    /// Orders a certificate, and says where the order is. The answer tells the order itself, too.
    pub(in crate::providers::acme) async fn order(&self, names: &[String]) -> Result<String, CallError> {
        let url = self.directory().await?.new_order.clone();
        let identifiers: Vec<Value> =
            names.iter().map(|name| json!({ "type": "dns", "value": name })).collect();
        let answer = self.change(&url, &json!({ "identifiers": identifiers })).await?;
        let _: Order = read(&answer, Sent::Perhaps)?;
        answer.location.ok_or(CallError::unavailable(Unclear::Foreign(201), Sent::Perhaps))
    }

    /// How far an order is, and how long the authority asks to wait before the next look.
    pub(in crate::providers::acme) async fn read_order(
        &self,
        url: &str,
    ) -> Result<(Order, Option<std::time::Duration>), CallError> {
        let answer = self.read(url).await?;
        Ok((read(&answer, Sent::No)?, answer.retry_after))
    }

    /// How far an authorization is.
    pub(in crate::providers::acme) async fn authorization(
        &self,
        url: &str,
    ) -> Result<Authorization, CallError> {
        read(&self.read(url).await?, Sent::No)
    }

    /// Says that the answer to a challenge can be looked up.
    pub(in crate::providers::acme) async fn respond(&self, challenge: &str) -> Result<(), CallError> {
        let answer = self.change(challenge, &json!({})).await?;
        read::<Challenge>(&answer, Sent::Perhaps).map(|_| ())
    }

    /// Asks for the certificate of an order that is ready, with a certificate request as DER.
    pub(in crate::providers::acme) async fn finalize(&self, url: &str, csr: &[u8]) -> Result<(), CallError> {
        let answer = self.change(url, &json!({ "csr": super::base64url(csr) })).await?;
        read::<Order>(&answer, Sent::Perhaps).map(|_| ())
    }

    /// The certificate and those that lead to the authority's root, as PEM.
    pub(in crate::providers::acme) async fn certificate(&self, url: &str) -> Result<String, CallError> {
        let answer = self.read(url).await?;
        let text = String::from_utf8(answer.body).ok();
        let is_pem = |text: &String| text.trim_start().starts_with("-----BEGIN CERTIFICATE-----");
        text.filter(is_pem).ok_or(CallError::unavailable(Unclear::Foreign(200), Sent::No))
    }

    /// Revokes a certificate, given as DER. That it is revoked already is success.
    pub(in crate::providers::acme) async fn revoke(&self, certificate: &[u8]) -> Result<(), CallError> {
        let directory = self.directory().await?;
        let url = directory.revoke_cert.as_deref().ok_or(CallError::NotOffered)?;
        // 5: cessation of operation (RFC 5280 section 5.3.1)
        let payload = json!({ "certificate": super::base64url(certificate), "reason": 5 });
        match self.change(url, &payload).await {
            Ok(_) => Ok(()),
            Err(error) if error.word() == "alreadyRevoked" => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Reads the body; one that cannot be read is not the authority's.
fn read<T: DeserializeOwned>(answer: &Answer, sent: Sent) -> Result<T, CallError> {
    serde_json::from_slice(&answer.body).map_err(|_| CallError::unavailable(Unclear::Foreign(200), sent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_later_standard_is_unknown_and_not_an_error() {
        let order =
            json!({ "status": "hibernating", "finalize": "https://ca.example/f", "authorizations": [] });
        assert_eq!(serde_json::from_value::<Order>(order).unwrap().status, Status::Unknown);
        let word = |word: &str| serde_json::from_value::<Status>(json!(word)).unwrap();
        assert_eq!(word("expired"), Status::Deactivated);
        assert_eq!(word("ready"), Status::Ready);
    }

    #[test]
    fn of_the_challenges_only_that_of_the_dns_is_answered() {
        let challenge = |kind: &str| json!({ "type": kind, "url": format!("https://ca.example/{kind}"), "status": "pending", "token": "t" });
        let authorization = json!({
            "status": "pending", "identifier": { "type": "dns", "value": "example.com" }, "wildcard": true,
            "challenges": [challenge("http-01"), challenge("dns-01"), { "type": "new-02", "url": "u", "status": "x" }],
        });
        let authorization: Authorization = serde_json::from_value(authorization).unwrap();
        assert_eq!(authorization.dns().unwrap().url, "https://ca.example/dns-01");
        assert_eq!(authorization.name(), "example.com");
    }
}
