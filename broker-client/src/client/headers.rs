//! The headers of every request: for whom it is, and our credentials.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sutler_secrets::SecretString;
use sutler_spec::header_name;

use super::{Authentication, BuildError, Settings};

/// Builds them once per client; credentials are marked so that no library prints them.
pub(super) fn of_every_request(settings: &Settings) -> Result<HeaderMap, BuildError> {
    let mut headers = HeaderMap::new();
    if let Some(identity) = &settings.originating_identity {
        let platform = &identity.platform;
        if platform.is_empty() || !platform.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
            return Err(BuildError::OriginatingIdentity);
        }
        let value =
            HeaderValue::try_from(identity.to_header()).map_err(|_| BuildError::OriginatingIdentity)?;
        headers.insert(HeaderName::from_static(header_name::ORIGINATING_IDENTITY), value);
    }
    if let Some(mut value) = authorization(&settings.authentication)? {
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    Ok(headers)
}

/// The `Authorization` header.
fn authorization(authentication: &Authentication) -> Result<Option<HeaderValue>, BuildError> {
    let text: SecretString = match authentication {
        Authentication::None => return Ok(None),
        Authentication::Basic { username, password } => {
            if username.is_empty() || username.contains(|c: char| c == ':' || c.is_control()) {
                return Err(BuildError::Username);
            }
            let pair = SecretString::new(format!("{username}:{}", password.expose()));
            let encoded = SecretString::new(STANDARD.encode(pair.expose()));
            SecretString::new(format!("Basic {}", encoded.expose()))
        }
        Authentication::Bearer { token } => {
            if token.expose().is_empty() || !token.expose().bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
                return Err(BuildError::Token);
            }
            SecretString::new(format!("Bearer {}", token.expose()))
        }
    };
    HeaderValue::from_str(text.expose()).map(Some).map_err(|_| BuildError::Token)
}
