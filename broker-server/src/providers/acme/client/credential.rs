//! What the certificate authority says of the broker's account.

use super::{CallError, Client};
use crate::providers::{Credential, Standing};

impl Client {
    /// Whether the authority knows an account of the broker's key. Makes none.
    pub async fn credential(&self) -> Credential {
        let standing = match self.has_account().await {
            Ok(true) => Standing::Accepted {
                expires_on: None,
                note: Some("there is an account of it, so the terms of service were agreed to".to_owned()),
            },
            Ok(false) if self.may_register() => Standing::NotYet(
                "there is no account of it yet; the first certificate makes one and agrees to the terms of service \
                 (terms_of_service_agreed)"
                    .to_owned(),
            ),
            Ok(false) => Standing::Refused(
                "there is no account of it, and none may be made: read the authority's terms of service, then say \
                 terms_of_service_agreed: true"
                    .to_owned(),
            ),
            Err(error @ CallError::Credentials { .. }) => Standing::Refused(error.describe("ask for the account")),
            Err(error) => Standing::NotKnown(error.describe("ask for the account")),
        };
        Credential { name: "acme: account_key".to_owned(), standing }
    }
}
