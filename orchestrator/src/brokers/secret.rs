//! Secrets of brokers, read at the moment they are used.

use std::env::VarError;
use std::path::Path;

use sutler_broker_client as client;
use sutler_secrets::SecretString;
use url::{Host, Url};

use super::Why;
use crate::config::{Authentication, BrokerConfig, SecretSource};

/// How a broker knows us, secrets included.
pub(super) fn authentication(config: &BrokerConfig) -> Result<client::Authentication, Why> {
    let secret = |source| read(source, &config.url);
    Ok(match &config.authentication {
        Authentication::None => client::Authentication::None,
        Authentication::Basic { username, password } => {
            client::Authentication::Basic { username: username.clone(), password: secret(password)? }
        }
        Authentication::Bearer(token) => client::Authentication::Bearer { token: secret(token)? },
    })
}

/// A secret for somebody at an address; what is wrong with it in words, never quoting it.
pub(crate) fn read_secret(source: &SecretSource, url: &Url) -> Result<SecretString, String> {
    read(source, url).map_err(|why| why.to_string())
}

fn read(source: &SecretSource, url: &Url) -> Result<SecretString, Why> {
    let (place, secret) = match source {
        SecretSource::Literal(_) if !is_loopback(url) => return Err(Why::Literal),
        SecretSource::Literal(secret) => return Ok(secret.duplicate()),
        SecretSource::Environment(name) => {
            // The error of the standard library would quote a value that is not text.
            let secret = std::env::var(name).map(SecretString::new).map_err(|error| match error {
                VarError::NotPresent => "it is not set".to_owned(),
                VarError::NotUnicode(_) => "it is not text".to_owned(),
            });
            (format!("the environment variable {name}"), secret)
        }
        SecretSource::File(path) => (path.display().to_string(), from_file(path)),
    };
    match secret {
        Ok(secret) if secret.expose().is_empty() => Err(Why::Secret { place, what: "it is empty".into() }),
        Ok(secret) => Ok(secret),
        Err(what) => Err(Why::Secret { place, what }),
    }
}

fn from_file(path: &Path) -> Result<SecretString, String> {
    let secret = std::fs::read_to_string(path).map(SecretString::new).map_err(|error| error.to_string())?;
    let text = secret.expose();
    let line = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(SecretString::from(line))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
