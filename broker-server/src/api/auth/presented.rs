//! What a request presents: a user and a password, or a token.

use base64::{Engine, engine::general_purpose::STANDARD};
use sutler_secrets::SecretString;
use zeroize::Zeroize;

/// Reads an `Authorization` header.
pub(crate) fn presented(header: &str) -> Option<(Option<String>, SecretString)> {
    let (scheme, value) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some((None, SecretString::from(value.trim())));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let presented =
        decoded.split_once(':').map(|(user, password)| (Some(user.to_owned()), SecretString::from(password)));
    decoded.zeroize();
    presented
}
