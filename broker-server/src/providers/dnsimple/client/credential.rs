//! What DNSimple says of the broker's token.

use serde_json::Value;

use super::{Call, CallError, Client, Table, WHOAMI};
use crate::providers::{Credential, Need, Right, Standing};

/// Asks whose token it is, and nothing else.
static ONLY_WHOAMI: Table = Table { endpoints: &[&WHOAMI], exists: &[], in_use: &[], advice: &[] };

impl Client {
    /// Whether the token is accepted, and is one of the configured account.
    pub async fn credential(&self) -> Credential {
        let asked = self.of(&ONLY_WHOAMI).exchange(&Call::new(&WHOAMI, &[])).await;
        let standing = match asked.map(|answer| account_of(&answer.data)) {
            Ok(Some(account)) if account == self.account() => {
                Standing::Accepted { expires_on: None, note: Some(format!("it is of account {account}")) }
            }
            Ok(Some(account)) => Standing::Refused(format!(
                "it is of account {account}, and account_id says {}; correct account_id, or give a token of that account",
                self.account()
            )),
            Ok(None) => Standing::Refused(
                "it is the token of a user; make one of the account under Account, Access tokens".to_owned(),
            ),
            Err(CallError::Credentials(_)) => Standing::Refused(
                "DNSimple does not accept it; check that it was copied as a whole, is not revoked, and is one of the \
                 sandbox if base_url is"
                    .to_owned(),
            ),
            Err(error) => Standing::NotKnown(error.describe("ask whose token it is")),
        };
        Credential { name: "dnsimple: token".to_owned(), standing }
    }

    /// DNSimple says whose token it is, and not what it may do.
    pub(in crate::providers::dnsimple) fn needs(&self) -> Vec<Need> {
        let why = "DNSimple does not tell what a token may do; that is seen when it is done";
        vec![Need {
            permissions: "access to the account",
            of: Some("DNSimple"),
            right: Right::NotKnown(why.to_owned()),
        }]
    }
}

/// The account that a token is of.
fn account_of(told: &Value) -> Option<String> {
    told.pointer("/account/id").and_then(Value::as_u64).map(|id| id.to_string())
}
