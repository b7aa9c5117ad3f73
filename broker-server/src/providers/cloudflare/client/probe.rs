//! Whether a right is there: one harmless read tells.

use serde_json::Value;

use super::{Answer, Call, CallError, Client, Endpoint, Product};
use crate::providers::{Need, Right};

/// A read that shows whether the token has a right. Each table of calls has one beside it.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Whose table the read is in.
    pub(crate) product: &'static Product,
    /// The read.
    pub(crate) endpoint: &'static Endpoint,
    /// Where it reads.
    pub(crate) place: Place,
    /// The query.
    pub(crate) query: &'static [(&'static str, &'static str)],
    /// The headers.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The permissions that it stands for, in Cloudflare's words.
    pub(crate) permissions: &'static str,
}

/// Where a read goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// These parts of the path are enough. That nothing is there is an answer, too.
    Account(&'static [&'static str]),
    /// A zone is needed; this lists them. Zones that a token may not see are left out without a word.
    Zone(&'static Endpoint),
}

impl Client {
    /// Tries one right.
    pub(crate) async fn need(&self, probe: &Probe) -> Need {
        let right = match self.tried(probe).await {
            Ok(right) => right,
            Err(error) => of_error(&error),
        };
        Need { permissions: probe.permissions, of: None, right }
    }

    async fn tried(&self, probe: &Probe) -> Result<Right, CallError> {
        let api = self.of(probe.product);
        let read = async |segments: &[&str]| -> Result<Answer, CallError> {
            let mut call = Call::new(probe.endpoint, segments);
            for (name, value) in probe.query {
                call = call.query(name, value);
            }
            for (name, value) in probe.headers {
                call = call.header(name, value);
            }
            api.send(&call).await
        };
        match probe.place {
            Place::Account(segments) => read(segments).await.map(|_| Right::Given),
            Place::Zone(list) => {
                let zones = api.send(&Call::new(list, &[]).query("per_page", 5)).await?.result;
                match zones[0]["id"].as_str() {
                    Some(zone) => read(&[zone]).await.map(|_| Right::Given),
                    None => Ok(Right::NotKnown(NO_ZONE.to_owned())),
                }
            }
        }
    }
}

const NO_ZONE: &str =
    "Cloudflare shows the token no zone: either the account has none, or the token may not see them";

/// What an answer that is none says about the right.
fn of_error(error: &CallError) -> Right {
    match error {
        CallError::Credentials { .. } => Right::Lacking,
        // who may not look is not told that there is nothing
        CallError::Missing { .. } | CallError::Exists { .. } => Right::Given,
        other => Right::NotKnown(other.describe("try it")),
    }
}

/// What Cloudflare says of the broker's own token.
pub(crate) struct Verified {
    /// `active` and other words.
    pub(crate) status: String,
    /// When it ends.
    pub(crate) expires_on: Option<String>,
}

impl Client {
    /// Asks Cloudflare about the broker's own token.
    pub(crate) async fn verified(
        &self,
        (product, verify): (&'static Product, &'static Endpoint),
    ) -> Result<Verified, CallError> {
        let answer = self.of(product).send(&Call::new(verify, &[])).await?.result;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let status = text(&answer["status"]).ok_or(CallError::incomplete(crate::providers::Sent::No))?;
        Ok(Verified { status, expires_on: text(&answer["expires_on"]) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Sent;

    #[test]
    fn only_a_clear_no_means_that_a_right_is_lacking() {
        let refused = |status, advice| CallError::Refused { status, code: Some(1), advice, limit: false };
        for (error, right) in [
            (CallError::Credentials { status: 403, code: Some(10000) }, Some(Right::Lacking)),
            (CallError::Missing { code: 10007 }, Some(Right::Given)),
            (refused(403, Some("R2 is not enabled")), None),
            (refused(400, None), None),
            (CallError::Misrouted { code: 7003 }, None),
            (CallError::RateLimited { retry_after: None }, None),
            (CallError::incomplete(Sent::No), None),
        ] {
            let found = of_error(&error);
            match right {
                Some(right) => assert_eq!(found, right, "{error}"),
                None => assert!(matches!(found, Right::NotKnown(_)), "{error}: {found:?}"),
            }
        }
    }
}
