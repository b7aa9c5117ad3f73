//! What Stripe says of the broker's keys.

use sutler_catalog::stripe::Mode;

use super::{ACCOUNT, CallError, Client, Table};
use crate::providers::{Credential, Standing};

/// Asks for the account, and nothing else.
static ONLY_ACCOUNT: Table = Table { endpoints: &[&ACCOUNT], exists: &[], limits: &[], in_use: &[] };

impl Client {
    /// Whether each key is accepted, and is one of the configured account.
    pub async fn credentials(&self) -> Vec<Credential> {
        let mut credentials = Vec::new();
        for mode in self.modes() {
            let name = match mode {
                Mode::Test => "stripe: test_key",
                Mode::Live => "stripe: live_key",
            };
            let standing = match self.of(&ONLY_ACCOUNT, mode).verify().await {
                // Stripe says nothing of when a key ends
                Ok(()) => Standing::Accepted { expires_on: None, note: None },
                Err(CallError::Credentials(403)) => Standing::Refused(
                    "it lacks read on Accounts; add that to the key in the dashboard under API keys"
                        .to_owned(),
                ),
                Err(CallError::Credentials(_)) => Standing::Refused(
                    "Stripe does not accept it; check that it was copied as a whole and is not revoked"
                        .to_owned(),
                ),
                Err(CallError::WrongAccount) => Standing::Refused(
                    "it is the key of another account or mode; check account_id and the key".to_owned(),
                ),
                Err(error) => Standing::NotKnown(error.describe("ask for the account")),
            };
            credentials.push(Credential { name: name.to_owned(), standing });
        }
        credentials
    }
}
