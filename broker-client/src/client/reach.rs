//! Where a broker may be: in any network, private ones too, but never where machines hand out their own credentials.
//!
//! A broker's address comes from a configuration, its name from a name server. A link-local address is no broker's; that
//! is where clouds answer with the credentials of the machine, and where a name must not lead our requests (S-28). It is
//! looked at after the name was resolved, and the connection goes to the very addresses that were looked at.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Nothing is sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is no address of a broker: it is link-local, or where machines keep their own credentials; check where the \
     broker's name leads"
)]
pub(super) struct Unreachable(pub(super) IpAddr);

/// Refuses a URL that names such an address itself, however it is written.
pub(super) fn check(url: &Url) -> Result<(), Unreachable> {
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::from(ip),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip),
        _ => return Ok(()),
    };
    if may_be_a_broker(ip) { Ok(()) } else { Err(Unreachable(ip)) }
}

type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Asks where a name leads.
trait Lookup: Send + Sync {
    fn lookup(&self, name: String) -> Found;
}

struct System;

impl Lookup for System {
    fn lookup(&self, name: String) -> Found {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// Resolves names, and refuses those that lead where no broker is.
pub(super) struct Guard(Arc<dyn Lookup>);

impl Guard {
    pub(super) fn new() -> Self {
        Self(Arc::new(System))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.lookup(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            match found.iter().map(SocketAddr::ip).find(|ip| !may_be_a_broker(*ip)) {
                // one address that should not be there makes the others doubtful, too
                Some(ip) => Err(Box::new(Unreachable(ip)).into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether a broker can have the address, whatever it is wrapped in.
fn may_be_a_broker(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => may_be_v4(ip),
        IpAddr::V6(ip) => may_be_v6(ip),
    }
}

fn may_be_v4(ip: Ipv4Addr) -> bool {
    // where clouds answer that keep outside of what is link-local
    let is_known = matches!(ip.octets(), [100, 100, 100, 200] | [168, 63, 129, 16]);
    !(is_known || ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast())
}

fn may_be_v6(ip: Ipv6Addr) -> bool {
    if ip.is_loopback() {
        return true;
    }
    let v4 = |high: u16, low: u16| may_be_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match ip.segments() {
        // IPv4 in IPv6: mapped, of old, translated, and 6to4
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // link-local and multicast
        [0xfe80..=0xfebf | 0xff00.., ..] => false,
        // where clouds answer
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: [&str; 10] = [
        "169.254.169.254",
        "169.254.170.2",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fe80::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
    ];

    #[test]
    fn s_28_a_broker_may_be_in_a_private_network_and_never_where_machines_keep_credentials() {
        for ip in ["127.0.0.1", "10.1.2.3", "192.168.0.7", "172.16.0.1", "100.64.0.9", "203.0.113.5"] {
            assert!(may_be_a_broker(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["::1", "fd12:3456::1", "2001:db8::1", "::ffff:10.0.0.1"] {
            assert!(may_be_a_broker(ip.parse().unwrap()), "{ip}");
        }
        for ip in METADATA.into_iter().chain(["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1"]) {
            assert!(!may_be_a_broker(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn s_28_a_broker_at_a_metadata_address_is_refused_however_it_is_written() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[fe80::1]",
            "[fd00:ec2::254]",
        ] {
            let url: Url = format!("https://{host}/").parse().unwrap();
            assert!(check(&url).is_err(), "{host}");
            let refused = super::super::Client::new(super::super::Settings::new(url));
            assert!(matches!(refused, Err(super::super::BuildError::Unreachable(_))), "{host}");
        }
        assert_eq!(check(&"https://broker.internal/".parse().unwrap()), Ok(()));
    }

    /// A name server that somebody else answers for.
    struct Leads(&'static [&'static str]);

    impl Lookup for Leads {
        fn lookup(&self, _name: String) -> Found {
            let found = self.0.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
            Box::pin(async move { Ok(found) })
        }
    }

    async fn resolved(leads: &'static [&'static str]) -> Result<usize, String> {
        let guard = Guard(Arc::new(Leads(leads)));
        let found = guard.resolve("broker.example".parse().unwrap()).await;
        found.map(Iterator::count).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn s_28_a_name_that_leads_to_a_metadata_address_leads_nowhere() {
        assert_eq!(resolved(&["10.0.0.1", "fd12::1"]).await, Ok(2));
        for ip in METADATA {
            let leads: &'static [&'static str] = Box::leak(Box::new(["10.0.0.1", ip]));
            let refused = resolved(leads).await.unwrap_err();
            assert!(refused.contains("is no address of a broker"), "{refused}");
        }
    }
}
