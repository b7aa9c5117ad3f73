//! Whose token it is.

use serde_json::json;

use super::{Account, Worked};
use crate::dnsimple::answer::Answer;
use crate::vendor::call::Call;

pub(super) fn get(account: &mut Account, _call: &Call) -> Worked {
    let shown = json!({
        "id": account.id, "email": "owner@example.com", "name": "the account",
        "plan_identifier": "teams-v2-monthly",
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
    });
    Ok(Answer::data(200, json!({ "user": null, "account": shown })))
}
