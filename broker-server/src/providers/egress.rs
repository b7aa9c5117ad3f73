//! The way out to vendors: one builder, so that no provider can forget a limit (S-27, S-28, S-29).
//!
//! Where a vendor's name leads is looked at after it was resolved, and the connection goes to the very addresses that
//! were looked at: a name that leads into our own network, or to where machines keep their credentials, leads nowhere.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    ClientBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
};
use url::{Host, Url};

/// Why nothing is sent there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// The address is in a network that is not the public one.
    #[error(
        "{0} is no public address; a vendor is reached over the public network, or on this machine by its IP"
    )]
    NotPublic(IpAddr),
    /// There is no host in the URL.
    #[error("the URL has no host")]
    NoHost,
}

/// A client builder for one vendor: no redirects, no proxy, no retries, limits of time, and only public addresses.
/// A vendor whose URL is on this machine by its IP address or `localhost` is a fake, and the only one who may be there.
///
/// # Errors
/// When the URL names an address that is neither public nor this machine.
pub fn client(base: &Url, call_timeout: Duration) -> Result<ClientBuilder, EgressError> {
    let resolver = match base.host().ok_or(EgressError::NoHost)? {
        Host::Ipv4(ip) if !ip.is_loopback() && !is_public(ip.into()) => {
            return Err(EgressError::NotPublic(ip.into()));
        }
        Host::Ipv6(ip) if !ip.is_loopback() && !is_public(ip.into()) => {
            return Err(EgressError::NotPublic(ip.into()));
        }
        Host::Domain("localhost") => Guard { accepts: |ip| ip.is_loopback(), lookup: Arc::new(System) },
        _ => Guard { accepts: is_public, lookup: Arc::new(System) },
    };
    Ok(builder(call_timeout, resolver))
}

fn builder(call_timeout: Duration, guard: Guard) -> ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("sutler-broker/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(call_timeout.min(Duration::from_secs(10)))
        .read_timeout(call_timeout.min(Duration::from_secs(15)))
        .timeout(call_timeout)
        .dns_resolver(guard)
}

/// Asks where a name leads.
trait Lookup: Send + Sync {
    fn lookup(&self, name: String) -> futures_util::future::BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

struct System;

impl Lookup for System {
    fn lookup(&self, name: String) -> futures_util::future::BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// Leaves out the addresses that nobody should be led to.
struct Guard {
    accepts: fn(IpAddr) -> bool,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (accepts, lookup) = (self.accepts, self.lookup.clone());
        Box::pin(async move {
            let found = lookup.lookup(name.as_str().to_owned()).await?;
            let (good, bad): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| accepts(address.ip()));
            match bad.first() {
                // one address that should not be there makes the others doubtful, too
                Some(bad) => Err(Box::new(EgressError::NotPublic(bad.ip())).into()),
                None => Ok(Box::new(good.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address is one of the public network, whatever it is wrapped in.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = matches!(
        (a, b, c),
        // this network, carriers' NAT, protocol assignments, benchmarks, reserved
        (0, ..) | (100, 64..=127, _) | (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _) | (240.., ..)
    );
    !(is_special
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let embedded =
        |high: u16, low: u16| is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match parts {
        // IPv4 in IPv6: mapped, translated, and 6to4
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // documentation, Teredo and others that are assigned to protocols
        [0x2001, 0xdb8, ..] | [0x2001, 0..=0x1ff, ..] => false,
        // everything else that is routed
        [first, ..] => (first & 0xe000) == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn s_28_only_public_addresses_are_public() {
        for ip in ["1.1.1.1", "104.16.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "2002:0101:0101::1"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "127.255.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn s_28_an_address_in_the_url_is_looked_at_however_it_is_written() {
        for url in [
            "http://169.254.169.254/",
            "http://[::ffff:169.254.169.254]/",
            "http://2852039166/",
            "http://0251.0376.0251.0376/",
            "http://0xa9fea9fe/",
            "https://10.1/",
            "https://[fd00::1]/",
            "https://0/",
        ] {
            let refused = client(&Url::parse(url).unwrap(), Duration::from_secs(1));
            assert!(matches!(refused, Err(EgressError::NotPublic(_))), "{url}");
        }
        for url in [
            "https://api.cloudflare.com/client/v4",
            "http://127.0.0.1:8787/v4",
            "http://[::1]:1/",
            "http://localhost:1/",
        ] {
            assert!(client(&Url::parse(url).unwrap(), Duration::from_secs(1)).is_ok(), "{url}");
        }
    }

    struct Leads(Vec<IpAddr>);

    impl Lookup for Leads {
        fn lookup(&self, _: String) -> futures_util::future::BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
            let found = self.0.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
            Box::pin(async move { Ok(found) })
        }
    }

    #[tokio::test]
    async fn s_28_a_name_that_leads_inside_leads_nowhere() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let canary = TcpListener::bind("127.0.0.1:0").unwrap();
        canary.set_nonblocking(true).unwrap();
        let port = canary.local_addr().unwrap().port();
        let inside = IpAddr::from([127, 0, 0, 1]);
        // alone, and hidden among public ones
        for leads in [
            vec![inside],
            vec![IpAddr::from([192, 0, 2, 1]), inside],
            vec![IpAddr::from([8, 8, 8, 8]), inside],
        ] {
            let guard = Guard { accepts: is_public, lookup: Arc::new(Leads(leads)) };
            let client = builder(Duration::from_secs(5), guard).build().unwrap();
            let refused = client
                .get(format!("http://vendor.example:{port}/latest/meta-data"))
                .send()
                .await
                .unwrap_err();
            assert!(format!("{refused:?}").contains("NotPublic"), "{refused:?}");
        }
        let seen = canary.accept().unwrap_err();
        assert_eq!(seen.kind(), io::ErrorKind::WouldBlock, "nobody came");
    }

    #[tokio::test]
    async fn s_28_a_redirect_is_an_answer_and_is_not_followed() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let canary = TcpListener::bind("127.0.0.1:0").unwrap();
        canary.set_nonblocking(true).unwrap();
        let elsewhere = format!("http://{}/latest/meta-data", canary.local_addr().unwrap());
        let vendor = wiremock::MockServer::start().await;
        for status in [301, 302, 303, 307, 308] {
            vendor.reset().await;
            let answer =
                wiremock::ResponseTemplate::new(status).insert_header("Location", elsewhere.as_str());
            wiremock::Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&vendor).await;
            let base = Url::parse(&vendor.uri()).unwrap();
            let client = client(&base, Duration::from_secs(5)).unwrap().build().unwrap();
            let answer = client.get(base).basic_auth("a", Some("b")).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status);
        }
        assert_eq!(canary.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody came");
    }
}
