//! ACME's interface, as far as it is needed: one method per call, and what its answers mean.

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sutler_broker_server::providers::{ProviderError, Refusal, Sent};
use sutler_secrets::SecretString;

use crate::offering::Region;

/// How many rows a page of a list has.
pub const PAGE: usize = 50;

/// The client. It follows no redirect and waits for nothing for ever.
#[derive(Debug)]
pub struct Acme {
    http: reqwest::Client,
    base_url: String,
    token: SecretString,
}

/// A mailbox as ACME shows it.
#[derive(Debug, Deserialize)]
pub struct Shown {
    /// ACME's id.
    pub id: u64,
    /// Unique in the account.
    pub name: String,
    /// Megabytes.
    pub quota: u32,
}

/// A password as ACME shows it: its value only once, when it is made.
#[derive(Debug, Deserialize)]
pub struct Password {
    /// ACME's id.
    pub id: u64,
    /// Whatever it was labelled with.
    pub label: String,
    /// The value, in the answer to its making.
    pub value: Option<SecretString>,
}

/// Why there is no answer of the usual form.
#[derive(Debug)]
pub enum Trouble {
    /// ACME says that it is not there.
    Missing,
    /// ACME says that the name is taken.
    Taken,
    /// Anything else, as the engine wants to hear it.
    Other(ProviderError),
}

// ANCHOR: trouble
impl Trouble {
    /// What an answer means that is not one of success. ACME's own words are not handed on.
    fn of(status: StatusCode, retry_after: Option<Duration>, sent: Sent) -> Self {
        Self::Other(match status.as_u16() {
            404 => return Self::Missing,
            409 => return Self::Taken,
            401 | 403 => ProviderError::refused(
                Refusal::Credentials,
                "ACME does not accept the broker's token; the operator of the broker has to look after it",
            ),
            429 => ProviderError::Unavailable {
                description: "ACME asks to wait".to_owned(),
                retry_after,
                sent: Sent::No,
            },
            400..500 => ProviderError::refused(Refusal::Unsupported, format!("ACME refused it ({status})")),
            // an error of a server, a page of a proxy, a success that makes no sense: nobody knows what was done
            _ => ProviderError::unavailable("ACME gave no clear answer", sent),
        })
    }
}

impl From<Trouble> for ProviderError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Missing => Self::failed("the mailbox does not exist any more"),
            Trouble::Taken => {
                Self::refused(Refusal::Conflict, "a mailbox of that name exists; it is left alone")
            }
            Trouble::Other(error) => error,
        }
    }
}
// ANCHOR_END: trouble

impl Acme {
    /// A client for an account.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(base_url: &str, token: SecretString, timeout: Duration) -> Result<Self, reqwest::Error> {
        // reqwest is built without a choice of its own; a second installation changes nothing
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(timeout)
            .build()?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned(), token })
    }

    /// The mailbox of exactly this name, on whatever page it is.
    ///
    /// # Errors
    /// When ACME gives no list.
    pub async fn named(&self, name: &str) -> Result<Option<Shown>, Trouble> {
        Ok(self.all::<Shown>("/mailboxes").await?.into_iter().find(|found| found.name == name))
    }

    /// All mailboxes.
    ///
    /// # Errors
    /// When ACME gives no list.
    pub async fn mailboxes(&self) -> Result<Vec<Shown>, Trouble> {
        self.all("/mailboxes").await
    }

    /// One mailbox.
    ///
    /// # Errors
    /// When it is not there, or nobody can tell.
    pub async fn read(&self, id: u64) -> Result<Shown, Trouble> {
        self.call(Method::GET, &format!("/mailboxes/{id}"), None).await
    }

    /// Makes a mailbox.
    ///
    /// # Errors
    /// When the name is taken, or it was not made for sure.
    pub async fn create(&self, name: &str, region: Region) -> Result<Shown, Trouble> {
        self.call(Method::POST, "/mailboxes", Some(json!({ "name": name, "region": region }))).await
    }

    /// Sets how much a mailbox holds.
    ///
    /// # Errors
    /// When it was not set for sure.
    pub async fn resize(&self, id: u64, quota: u32) -> Result<Shown, Trouble> {
        self.call(Method::PATCH, &format!("/mailboxes/{id}"), Some(json!({ "quota": quota }))).await
    }

    /// Deletes a mailbox.
    ///
    /// # Errors
    /// When it is not there, or was not deleted for sure.
    pub async fn delete(&self, id: u64) -> Result<(), Trouble> {
        self.call::<Value>(Method::DELETE, &format!("/mailboxes/{id}"), None).await.map(drop)
    }

    /// All passwords of the account, without their values.
    ///
    /// # Errors
    /// When ACME gives no list.
    pub async fn passwords(&self) -> Result<Vec<Password>, Trouble> {
        self.all("/passwords").await
    }

    /// Makes a password for a mailbox.
    ///
    /// # Errors
    /// When it was not made for sure.
    pub async fn mint(&self, mailbox: u64, label: &str) -> Result<Password, Trouble> {
        self.call(Method::POST, "/passwords", Some(json!({ "mailbox": mailbox, "label": label }))).await
    }

    /// Revokes a password.
    ///
    /// # Errors
    /// When it is not there, or was not revoked for sure.
    pub async fn revoke(&self, id: u64) -> Result<(), Trouble> {
        self.call::<Value>(Method::DELETE, &format!("/passwords/{id}"), None).await.map(drop)
    }

    /// Every page of a list, up to the first that is empty.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Trouble> {
        let mut all = Vec::new();
        for page in 0..1_000 {
            let rows: Vec<T> = self.call(Method::GET, &format!("{path}?page={page}"), None).await?;
            if rows.is_empty() {
                return Ok(all);
            }
            all.extend(rows);
        }
        Err(Trouble::Other(ProviderError::unavailable("a list of ACME's does not end", Sent::No)))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, Trouble> {
        // what only reads has changed nothing, whatever became of it
        let sent = if method.is_safe() { Sent::No } else { Sent::Perhaps };
        let unclear = || Trouble::Other(ProviderError::unavailable("ACME did not answer", sent));
        let mut request =
            self.http.request(method, format!("{}{path}", self.base_url)).bearer_auth(self.token.expose());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|_| unclear())?;
        let status = answer.status();
        if !status.is_success() {
            let seconds =
                answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            return Err(Trouble::of(status, seconds.map(Duration::from_secs), sent));
        }
        let body = answer.bytes().await.map_err(|_| unclear())?;
        serde_json::from_slice(&body).map_err(|_| Trouble::of(status, None, sent))
    }
}
