//! What a record says, in the one form that is compared: the bytes of its canonical form (RFC 4034 §6.2).

use std::{fmt, net::IpAddr};

pub use domain::base::iana::Rtype as RecordType;
use domain::{
    base::{Name, ParsedName, rdata::ComposeRecordData, rdata::UnknownRecordData, scan::IterScanner},
    dep::octseq::Parser,
    rdata::{AllRecordData, Txt, ZoneRecordData},
};

use super::DnsName;

/// The data of one record. Names in it are compared without regard to case, texts byte by byte.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Data {
    of: RecordType,
    wire: Vec<u8>,
}

/// A text is not the data of a record of that type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has not the form of a {0} record")]
pub struct DataError(pub RecordType);

impl Data {
    /// The data that a text means: for TXT the text itself, cut into strings where it is too long for one; for any
    /// other type the form that zone files have, with names that need no dot at the end.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(of: RecordType, text: &str) -> Result<Self, DataError> {
        if of == RecordType::TXT {
            return Self::text(text);
        }
        let parts = text.split_ascii_whitespace().map(|part| part.trim_matches('"'));
        let mut scanner = IterScanner::<_, Vec<u8>>::new(parts);
        let data: ZoneRecordData<Vec<u8>, Name<Vec<u8>>> =
            ZoneRecordData::scan(of, &mut scanner).map_err(|_| DataError(of))?;
        if !scanner.is_exhausted() || text.contains('\\') {
            return Err(DataError(of));
        }
        Self::composed(of, &data)
    }

    /// A TXT record with this text.
    ///
    /// # Errors
    /// When it is longer than a record can be.
    pub fn text(text: &str) -> Result<Self, DataError> {
        let of = RecordType::TXT;
        let data = Txt::<Vec<u8>>::build_from_slice(text.as_bytes()).map_err(|_| DataError(of))?;
        Self::composed(of, &data)
    }

    pub(super) fn composed(of: RecordType, data: &impl ComposeRecordData) -> Result<Self, DataError> {
        let mut wire = Vec::new();
        data.compose_canonical_rdata(&mut wire).map_err(|_| DataError(of))?;
        Ok(Self { of, wire })
    }

    /// The type of its record.
    #[must_use]
    pub fn record_type(&self) -> RecordType {
        self.of
    }

    pub(super) fn told(&self) -> Option<UnknownRecordData<&[u8]>> {
        UnknownRecordData::from_octets(self.of, self.wire.as_slice()).ok()
    }

    fn parsed(&self) -> Option<AllRecordData<&[u8], ParsedName<&[u8]>>> {
        use domain::base::rdata::ParseAnyRecordData;
        let wire = self.wire.as_slice();
        AllRecordData::parse_any_rdata(self.of, &mut Parser::from_ref(wire)).ok()
    }

    /// The name that an NS, CNAME or PTR record leads to.
    #[must_use]
    pub fn target(&self) -> Option<DnsName> {
        match self.parsed()? {
            AllRecordData::Ns(data) => Some(DnsName::of(data.nsdname())),
            AllRecordData::Cname(data) => Some(DnsName::of(data.cname())),
            AllRecordData::Ptr(data) => Some(DnsName::of(data.ptrdname())),
            _ => None,
        }
    }

    /// The address of an A or AAAA record.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.parsed()? {
            AllRecordData::A(data) => Some(data.addr().into()),
            AllRecordData::Aaaa(data) => Some(data.addr().into()),
            _ => None,
        }
    }

    /// The strings of a TXT record, one after the other.
    #[must_use]
    pub fn as_text(&self) -> Option<Vec<u8>> {
        match self.parsed()? {
            AllRecordData::Txt(data) => Some(data.text()),
            _ => None,
        }
    }
}

/// As [`Data::parse`] takes it.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parsed() {
            Some(AllRecordData::Txt(text)) => f.write_str(&String::from_utf8_lossy(&text.text::<Vec<u8>>())),
            Some(AllRecordData::Mx(data)) => {
                write!(f, "{} {}", data.preference(), DnsName::of(data.exchange()))
            }
            Some(AllRecordData::Srv(data)) => {
                let (priority, weight, port) = (data.priority(), data.weight(), data.port());
                write!(f, "{priority} {weight} {port} {}", DnsName::of(data.target()))
            }
            Some(data) => match self.target() {
                Some(target) => write!(f, "{target}"),
                None => write!(f, "{data}"),
            },
            None => write!(f, "{} bytes", self.wire.len()),
        }
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self}", self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(of: RecordType, text: &str) -> Data {
        Data::parse(of, text).unwrap_or_else(|error| panic!("{text} {error}"))
    }

    #[test]
    fn a_text_is_read_and_shown_in_one_form() {
        for (of, text, shown) in [
            (RecordType::A, "192.0.2.1", "192.0.2.1"),
            (RecordType::AAAA, "2001:DB8:0::1", "2001:db8::1"),
            (RecordType::CNAME, "Shop.Example.org.", "shop.example.org"),
            (RecordType::NS, "ns1.example.org", "ns1.example.org"),
            (RecordType::PTR, "host.example.org", "host.example.org"),
            (RecordType::MX, "10  Mail.example.org", "10 mail.example.org"),
            (RecordType::SRV, "1 2 443 a.example.org", "1 2 443 a.example.org"),
            (RecordType::CAA, "0 issue \"ca.example.org\"", "0 issue \"ca.example.org\""),
            (RecordType::TXT, "v=spf1 \"-all\" \\", "v=spf1 \"-all\" \\"),
        ] {
            let read = data(of, text);
            assert_eq!(read.to_string(), shown);
            assert_eq!(data(of, shown), read);
        }
    }

    #[test]
    fn a_long_text_is_cut_into_strings_and_read_as_one() {
        let text = "x".repeat(600);
        let read = data(RecordType::TXT, &text);
        assert_eq!(read.wire.len(), 603);
        assert_eq!(read.as_text().unwrap(), text.as_bytes());
        assert!(Data::text(&"x".repeat(70_000)).is_err());
    }

    #[test]
    fn what_is_not_of_the_type_is_refused() {
        for (of, text) in [
            (RecordType::A, "192.0.2.300"),
            (RecordType::A, "192.0.2.1 192.0.2.2"),
            (RecordType::AAAA, "192.0.2.1"),
            (RecordType::CNAME, ""),
            (RecordType::CNAME, "a..b"),
            (RecordType::MX, "mail.example.org"),
            (RecordType::MX, "70000 mail.example.org"),
            (RecordType::SRV, "1 2 a.example.org"),
            (RecordType::CAA, "issue x"),
            (RecordType::A, "\\# 4 c0000201"),
        ] {
            assert!(Data::parse(of, text).is_err(), "{of} {text}");
        }
    }

    #[test]
    fn what_a_record_leads_to_is_told() {
        assert_eq!(data(RecordType::NS, "a.example").target(), "a.example".parse().ok());
        assert_eq!(data(RecordType::A, "192.0.2.1").address(), "192.0.2.1".parse().ok());
        assert_eq!(data(RecordType::A, "192.0.2.1").target(), None);
    }
}
