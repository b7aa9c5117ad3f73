//! The resolvers that the machine is configured with.

use std::net::{IpAddr, SocketAddr};

const CONFIGURATION: &str = "/etc/resolv.conf";

/// The resolvers of the machine, in its order; none if it names none.
#[must_use]
pub fn system_resolvers() -> Vec<SocketAddr> {
    std::fs::read_to_string(CONFIGURATION).map(|text| named(&text)).unwrap_or_default()
}

fn named(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let ip = (words.next()? == "nameserver").then(|| words.next())??;
        Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, 53))
    };
    text.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolvers_are_read_from_the_lines_that_name_one() {
        let text = "# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver x";
        let expected: Vec<SocketAddr> =
            ["192.0.2.1:53", "[2001:db8::1]:53"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(named(text), expected);
    }
}
