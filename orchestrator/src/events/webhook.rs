//! A webhook: one POST for each event, CloudEvents in structured mode, signed as Standard Webhooks are.
//!
//! ```text
//! webhook-id: the event's id · webhook-timestamp: seconds · webhook-signature: v1,base64(HMAC-SHA-256(id.timestamp.body))
//! ```

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use sutler_broker_client::{Pacing, Tls, tls_configuration};
use sutler_secrets::SecretString;
use url::Url;
use zeroize::Zeroizing;

use crate::brokers::chain;

/// So often an event is posted at most before the next run tries again.
const ATTEMPTS: u32 = 4;

/// Posts events to one address.
#[derive(Debug)]
pub(super) struct Webhook {
    client: reqwest::Client,
    url: Url,
    secret: SecretString,
    pacing: Pacing,
}

/// What came of a post.
enum Answer {
    Taken,
    /// It may be taken later.
    Later(String),
    /// It will not be taken however often it is posted.
    Refused(String),
}

impl Webhook {
    pub(super) fn new(
        (url, secret): (Url, SecretString),
        pacing: Pacing,
        patience: Duration,
    ) -> Result<Self, String> {
        let tls = tls_configuration(&url, &Tls::default()).map_err(|error| error.to_string())?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("sutler/", env!("CARGO_PKG_VERSION")))
            .timeout(patience)
            .build()
            .map_err(|error| chain(&error.without_url()))?;
        Ok(Self { client, url, secret, pacing })
    }

    /// Posts an event until it is taken.
    ///
    /// # Errors
    /// Why it was not.
    pub(super) async fn post(&self, event: &Value) -> Result<(), String> {
        let (id, body) = (event["id"].as_str().unwrap_or_default(), event.to_string());
        let mut wait = self.pacing.first;
        for attempt in 1..=ATTEMPTS {
            match self.once(id, body.clone()).await {
                Answer::Taken => return Ok(()),
                Answer::Refused(why) => return Err(why),
                Answer::Later(why) if attempt == ATTEMPTS => return Err(why),
                Answer::Later(_) => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(self.pacing.cap);
                }
            }
        }
        Err("it was not posted".to_owned())
    }

    async fn once(&self, id: &str, body: String) -> Answer {
        let timestamp = jiff::Timestamp::now().as_second().to_string();
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/cloudevents+json; charset=utf-8")
            .header("webhook-signature", signature(&key(self.secret.expose()), (id, &timestamp, &body)))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Answer::Taken,
            Ok(answer) => {
                let status = answer.status();
                let why = format!("the answer was {status}");
                let again = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
                if again { Answer::Later(why) } else { Answer::Refused(why) }
            }
            // the address may hold a secret; what went wrong with it is further down
            Err(error) => Answer::Later(chain(&error.without_url())),
        }
    }
}

/// The key that a secret stands for: what follows `whsec_`, decoded; else the text itself.
fn key(secret: &str) -> Zeroizing<Vec<u8>> {
    let decoded = secret.strip_prefix("whsec_").and_then(|rest| BASE64_STANDARD.decode(rest).ok());
    Zeroizing::new(decoded.unwrap_or_else(|| secret.as_bytes().to_vec()))
}

/// What proves who posted it, and when.
fn signature(key: &[u8], (id, timestamp, body): (&str, &str, &str)) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in [id, ".", timestamp, ".", body] {
        Mac::update(&mut mac, part.as_bytes());
    }
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        // The example of their documentation.
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = "{\"test\": 2432232314}";
        assert_eq!(
            signature(&key, ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
