//! What can become of a call besides an answer, and how it is told to users: in our words, never in the authority's.

use std::time::Duration;

use serde::Deserialize;

use crate::providers::{ProviderError, Refusal, Repeatability, Sent, Usability};

/// The beginning of every type of problem that the standard knows.
const NAMESPACE: &str = "urn:ietf:params:acme:error:";

/// A problem as the authority writes it (RFC 8555 section 6.7). Its detail is not even read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::providers::acme) struct Problem {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    subproblems: Vec<Subproblem>,
}

/// A problem with one of the names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Subproblem {
    #[serde(rename = "type", default)]
    kind: String,
}

impl Problem {
    /// The standard's word for it, of the first name that has one if the whole says no more than that.
    pub(in crate::providers::acme) fn word(&self) -> &str {
        match self.kind.strip_prefix(NAMESPACE) {
            Some("compound") | None => {
                let mut words = self.subproblems.iter().filter_map(|one| one.kind.strip_prefix(NAMESPACE));
                words.next().unwrap_or_default()
            }
            Some(word) => word,
        }
    }

    /// Whether it is a problem of ACME's and not of something on the way.
    pub(super) fn is_of_the_standard(&self) -> bool {
        self.kind.starts_with(NAMESPACE)
    }

    /// What it means for users, and what to do about it.
    pub(in crate::providers::acme) fn advice(&self) -> &'static str {
        advice(self.word())
    }
}

/// Every word of the standard (RFC 8555 section 6.7) that a user can do something about.
fn advice(word: &str) -> &'static str {
    match word {
        "caa" => {
            "a CAA record of the domain forbids this certificate authority; allow it there, or remove the record"
        }
        "dns" => {
            "it could not look up the challenge in the DNS; check that the domain is delegated to the name servers of its zone"
        }
        "unauthorized" | "incorrectResponse" => {
            "it did not find the challenge in the DNS; check that the domain is delegated to the zone that the plan writes to"
        }
        "connection" | "tls" => {
            "it could not reach the name servers of the domain; check that they answer everybody"
        }
        "rejectedIdentifier" => {
            "it does not issue certificates for one of the names; public authorities know only names below public suffixes"
        }
        "unsupportedIdentifier" => "it does not know names of this kind",
        "rateLimited" => "too many certificates were asked for; try again later, or for fewer names",
        "badPublicKey" | "badCSR" | "badSignatureAlgorithm" => {
            "it does not accept keys of this type; choose another key_type"
        }
        "externalAccountRequired" => {
            "it wants an account elsewhere; the operator of the broker has to configure external_account"
        }
        "userActionRequired" => "the operator of the broker has to agree to its new terms of service",
        "accountDoesNotExist" => "the account of the broker does not exist there any more",
        "invalidContact" | "unsupportedContact" => {
            "the operator of the broker has to correct the contact of the account"
        }
        _ => "it did not say why in a way that this broker knows",
    }
}

/// Why a call gave no result. Holds words of the standard and our texts, never the authority's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::providers::acme) enum CallError {
    /// The authority says authentically that the thing is not there.
    #[error("not there")]
    Missing,
    /// The authority will not do it.
    #[error("refused ({}, HTTP status {status})", .problem.word())]
    Refused {
        /// Its problem.
        problem: Problem,
        /// The HTTP status.
        status: u16,
    },
    /// The account is not accepted, or may not do it.
    #[error("not authorized (HTTP status {status})")]
    Credentials {
        /// Its problem, if it is one of the standard.
        problem: Option<Problem>,
        /// The HTTP status.
        status: u16,
    },
    /// Too many calls, orders or certificates; this one was not carried out.
    #[error("too many requests")]
    RateLimited {
        /// How long the authority asks to wait.
        retry_after: Option<Duration>,
    },
    /// No answer, or none that can be understood.
    #[error("{unclear}")]
    Unavailable {
        /// What happened.
        unclear: Unclear,
        /// How long the authority asks to wait.
        retry_after: Option<Duration>,
        /// Whether the call may have changed something.
        sent: Sent,
    },
    /// The address is not one of the authority's; nothing was sent.
    #[error("the address is not at the origin of the directory")]
    Elsewhere,
    /// The authority does not offer what was asked for.
    #[error("the certificate authority does not offer it")]
    NotOffered,
}

/// The ways of not knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::providers::acme) enum Unclear {
    /// No connection was made.
    #[error("the certificate authority could not be reached")]
    Unreachable,
    /// The connection was lost, or the time was up, before the answer was complete.
    #[error("the certificate authority did not answer in time")]
    Lost,
    /// The authority says that something on its side went wrong.
    #[error("the certificate authority has a problem (HTTP status {0})")]
    Failing(u16),
    /// The answer is not in the standard's form.
    #[error("something other than the certificate authority answered (HTTP status {0})")]
    Foreign(u16),
    /// The answer is longer than any there is.
    #[error("the answer was too long")]
    TooLong,
    /// Every nonce was called a bad one.
    #[error("the certificate authority accepted no nonce")]
    Nonce,
    /// The request could not be signed.
    #[error("the request could not be signed")]
    Unsigned,
}

impl CallError {
    pub(super) fn unavailable(unclear: Unclear, sent: Sent) -> Self {
        Self::Unavailable { unclear, retry_after: None, sent }
    }

    /// Sending failed. Only what happened before a connection stood is certain not to have arrived.
    pub(super) fn unsent(error: &reqwest::Error, sent: Sent) -> Self {
        if error.is_connect() || error.is_builder() {
            Self::unavailable(Unclear::Unreachable, Sent::No)
        } else {
            Self::unavailable(Unclear::Lost, sent)
        }
    }

    /// What an answer that is not one of success means.
    pub(super) fn of(
        (status, problem): (u16, Option<Problem>),
        retry_after: Option<Duration>,
        sent: Sent,
    ) -> Self {
        let word = problem.as_ref().map(|problem| problem.word().to_owned()).unwrap_or_default();
        match (status, problem) {
            (429, _) => Self::RateLimited { retry_after },
            (500.., _) => Self::Unavailable { unclear: Unclear::Failing(status), retry_after, sent },
            (_, Some(_)) if word == "rateLimited" => Self::RateLimited { retry_after },
            (_, Some(_)) if word == "serverInternal" => {
                Self::Unavailable { unclear: Unclear::Failing(status), retry_after, sent }
            }
            (401 | 403, problem) => Self::Credentials { problem, status },
            (404, Some(_)) => Self::Missing,
            (_, Some(problem)) if is_of_account(&word) => {
                Self::Credentials { problem: Some(problem), status }
            }
            (400..500, Some(problem)) => Self::Refused { problem, status },
            // of another form: whoever refuses a request has not carried it out
            (400, None) => {
                Self::Refused { problem: Problem { kind: String::new(), subproblems: Vec::new() }, status }
            }
            _ => Self::Unavailable { unclear: Unclear::Foreign(status), retry_after, sent },
        }
    }

    /// The standard's word for the problem, if there is one.
    pub(in crate::providers::acme) fn word(&self) -> &str {
        match self {
            Self::Refused { problem, .. } | Self::Credentials { problem: Some(problem), .. } => {
                problem.word()
            }
            _ => "",
        }
    }

    /// What the engine is told; `doing` is what was tried, such as `order the certificate`.
    pub(in crate::providers::acme) fn while_trying_to(self, doing: &str) -> ProviderError {
        let description = self.describe(doing);
        match self {
            Self::Unavailable { retry_after, sent, .. } => {
                ProviderError::Unavailable { description, retry_after, sent }
            }
            Self::RateLimited { retry_after } => {
                ProviderError::Unavailable { description, retry_after, sent: Sent::No }
            }
            Self::Credentials { .. } => ProviderError::refused(Refusal::Credentials, description),
            Self::Refused { .. } | Self::Missing | Self::Elsewhere | Self::NotOffered => {
                ProviderError::refused(Refusal::Unsupported, description)
            }
        }
    }

    /// What the engine is told when only a clear answer counts: nothing is known.
    pub(in crate::providers::acme) fn while_asking(self, doing: &str) -> ProviderError {
        let description = self.describe(doing);
        let retry_after = match self {
            Self::Unavailable { retry_after, .. } | Self::RateLimited { retry_after } => retry_after,
            _ => None,
        };
        ProviderError::Unavailable { description, retry_after, sent: Sent::No }
    }

    /// A sentence for users.
    pub(in crate::providers::acme) fn describe(&self, doing: &str) -> String {
        let because = match self {
            Self::Missing => "the certificate authority says it is not there".to_owned(),
            Self::Refused { problem, status } => {
                format!("the certificate authority refused it (HTTP status {status}): {}", problem.advice())
            }
            Self::Credentials { problem, status } => {
                let advice = problem.as_ref().filter(|problem| is_of_account(problem.word()));
                let advice =
                    advice.map_or("the operator of the broker has to look after it", Problem::advice);
                format!(
                    "the certificate authority does not accept the broker's account (HTTP status {status}): {advice}"
                )
            }
            Self::RateLimited { .. } => {
                "the certificate authority asks to wait; it limits how many certificates it issues".to_owned()
            }
            Self::Unavailable { unclear, .. } => unclear.to_string(),
            Self::Elsewhere => {
                "the certificate authority names an address at another host, where this broker does not go"
                    .to_owned()
            }
            Self::NotOffered => "the certificate authority does not offer it".to_owned(),
        };
        format!("could not {doing}: {because}")
    }
}

/// Problems of the account, about which only the operator can do something.
fn is_of_account(word: &str) -> bool {
    matches!(
        word,
        "accountDoesNotExist"
            | "externalAccountRequired"
            | "userActionRequired"
            | "invalidContact"
            | "unsupportedContact"
    )
}

/// The end of work after which an update may be asked for again: what was there before still is.
pub(in crate::providers::acme) fn failed_but_usable(description: impl Into<String>) -> ProviderError {
    ProviderError::Failed {
        description: description.into(),
        usable: Usability::Usable,
        repeat: Repeatability::Repeatable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(word: &str) -> Problem {
        Problem { kind: format!("{NAMESPACE}{word}"), subproblems: Vec::new() }
    }

    #[test]
    fn only_a_clear_answer_is_an_answer() {
        let told =
            |status, word: Option<&str>| CallError::of((status, word.map(problem)), None, Sent::Perhaps);
        for (status, word) in [
            (500, None),
            (502, Some("serverInternal")),
            (400, Some("serverInternal")),
            (302, None),
            (404, None),
        ] {
            let error = told(status, word);
            assert!(
                matches!(error, CallError::Unavailable { sent: Sent::Perhaps, .. }),
                "{status} {word:?}: {error:?}"
            );
        }
        assert_eq!(told(404, Some("malformed")), CallError::Missing);
        for (status, word) in [(429, None), (429, Some("rateLimited")), (403, Some("rateLimited"))] {
            assert_eq!(told(status, word), CallError::RateLimited { retry_after: None }, "{status} {word:?}");
        }
        for (status, word) in [
            (401, None),
            (403, Some("unauthorized")),
            (400, Some("accountDoesNotExist")),
            (403, Some("userActionRequired")),
        ] {
            assert!(matches!(told(status, word), CallError::Credentials { .. }), "{status} {word:?}");
        }
    }

    #[test]
    fn each_problem_of_the_standard_is_told_in_our_words() {
        for word in [
            "caa",
            "dns",
            "unauthorized",
            "connection",
            "rejectedIdentifier",
            "badCSR",
            "rateLimited",
            "externalAccountRequired",
            "userActionRequired",
            "invalidContact",
        ] {
            let advice = problem(word).advice();
            assert!(!advice.contains(word) || word == "dns", "{word}: {advice}");
            assert_ne!(advice, problem("somethingNew").advice(), "{word}");
        }
    }

    #[test]
    fn a_problem_of_several_names_is_told_by_the_first() {
        let text = r#"{ "type": "urn:ietf:params:acme:error:compound", "detail": "SECRET",
            "subproblems": [{ "type": "urn:ietf:params:acme:error:caa", "detail": "SECRET" }] }"#;
        let problem: Problem = serde_json::from_str(text).unwrap();
        assert_eq!(problem.word(), "caa");
        assert!(!format!("{problem:?}").contains("SECRET"));
    }

    #[test]
    fn a_wait_is_handed_on_to_the_engine() {
        let wait = Some(Duration::from_secs(90));
        let error = CallError::of((429, Some(problem("rateLimited"))), wait, Sent::Perhaps);
        let ProviderError::Unavailable { retry_after, sent, .. } = error.while_trying_to("order") else {
            panic!("not unavailable")
        };
        assert_eq!((retry_after, sent), (wait, Sent::No));
    }
}
