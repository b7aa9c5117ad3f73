//! Secrets of brokers, read at the moment they are used.

use sutler_broker_client as client;
use sutler_secrets::SecretString;
use url::{Host, Url};

use super::Why;
use crate::config::{Authentication, BrokerConfig, SecretSource, Unread};

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
    match source {
        SecretSource::Literal(_) if !is_loopback(url) => Err(Why::Literal),
        source => source.read().map_err(|Unread { place, what }| Why::Secret { place, what }),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
