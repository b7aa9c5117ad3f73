//! Who may do what.

use super::{Account, policies};
use crate::cloudflare::call::{Call, Caller};
use crate::cloudflare::contract::Operation;
use crate::cloudflare::envelope::Refusal;

/// Says who is asking, or refuses.
pub(crate) fn authenticate(
    account: &Account,
    master: &str,
    call: &Call,
    operation: &Operation,
) -> Result<Caller, Refusal> {
    let header = call.authorization.as_deref();
    let header = header.ok_or_else(|| Refusal::new(400, 9106, "the authorization header is missing"))?;
    let value = header.strip_prefix("Bearer ").filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| Refusal {
        chain: Some((6111, "the authorization header has another form")),
        ..Refusal::new(400, 6003, "invalid request headers")
    })?;
    if value == master {
        return Ok(Caller::Master);
    }
    let about_tokens = operation.id.starts_with("tokens.");
    let unknown = if about_tokens { 9109 } else { 10000 };
    let token = account.tokens.by_value(value);
    let token = token.ok_or_else(|| Refusal::new(401, unknown, "the token is not known"))?;
    if operation.permissions.is_empty() {
        return Ok(Caller::Token(token.id.clone()));
    }
    if token.status() != "active" {
        return Err(Refusal::new(401, unknown, "the token is not active"));
    }
    if policies::allow(&token.wish.policies, (&account.id, call.parameter("zone_id")), &operation.permissions)
    {
        Ok(Caller::Token(token.id.clone()))
    } else {
        Err(Refusal::new(403, unknown, "the token may not do this"))
    }
}
