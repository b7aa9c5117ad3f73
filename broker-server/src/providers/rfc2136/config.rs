//! Which server, which zone, and with what key: checked before anything is sent.

use std::{net::SocketAddr, time::Duration};

use sutler_secrets::SecretString;

use crate::providers::dns::KeyError;

/// What the operator says about the name server.
#[derive(Debug)]
pub struct Rfc2136Config {
    /// The server that takes changes of the zone, as `HOST:PORT`.
    pub server: String,
    /// The zone.
    pub zone: String,
    /// The name of the key.
    pub key_name: String,
    /// `hmac-sha256`, `hmac-sha384` or `hmac-sha512`.
    pub algorithm: String,
    /// The key's secret, in base64.
    pub secret: SecretString,
    /// All servers that answer for the zone; those that the zone itself names if there are none here.
    pub name_servers: Vec<SocketAddr>,
    /// How long one exchange may take.
    pub call_timeout: Duration,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It has another form.
    #[error("the name server of rfc2136 is HOST:PORT, such as ns1.example.com:53")]
    Server,
    /// It is no name.
    #[error("the zone of rfc2136 is a name of DNS with two labels or more")]
    Zone,
    /// The key cannot be used.
    #[error("the key of rfc2136 cannot be used")]
    Key(#[source] KeyError),
    /// An exchange could never end in time.
    #[error("the time limit of an exchange must be longer than nothing")]
    CallTimeout,
}

/// Whether it has the form `HOST:PORT`.
pub(super) fn is_address(text: &str) -> bool {
    if text.parse::<SocketAddr>().is_ok() {
        return true;
    }
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_host = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_host_and_a_port() {
        for good in ["127.0.0.1:53", "[::1]:5353", "ns1.example.com:53", "localhost:1"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "ns1.example.com", ":53", "ns1:0", "ns1:x", "http://ns1:53", "ns1/x:53", "::1:53x"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
