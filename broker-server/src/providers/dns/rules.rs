//! What the records of a name may be, whoever keeps the zone. Pure.

use sutler_catalog::domain::record::RecordType as Word;

use super::{CHALLENGE_LABEL, Data, DnsName, RecordType};

/// What the names of marks begin with.
pub const MARK_LABEL: &str = "_osb-";

/// The records of one name and type that are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The full name.
    pub name: &'a str,
    /// The type.
    pub of: RecordType,
    /// What they say.
    pub values: &'a [String],
}

/// The type that a word of the catalog means.
#[must_use]
pub fn record_type(word: Word) -> RecordType {
    match word {
        Word::A => RecordType::A,
        Word::Aaaa => RecordType::AAAA,
        Word::Caa => RecordType::CAA,
        Word::Cname => RecordType::CNAME,
        Word::Mx => RecordType::MX,
        Word::Ns => RecordType::NS,
        Word::Ptr => RecordType::PTR,
        Word::Srv => RecordType::SRV,
        Word::Txt => RecordType::TXT,
    }
}

impl Asked<'_> {
    /// What is wrong with it in this zone, each problem with its parameter.
    #[must_use]
    pub fn problems(&self, zone: &DnsName) -> Vec<String> {
        let mut problems = Vec::new();
        match self.name.parse::<DnsName>() {
            Err(error) => problems.push(format!("name: {error}")),
            Ok(name) => problems.extend(self.misplaced(&name, zone)),
        }
        let mut read = Vec::new();
        for (at, value) in self.values.iter().enumerate() {
            match Data::parse(self.of, value) {
                Err(error) => problems.push(format!("values[{at}]: {error}")),
                Ok(data) if read.contains(&data) => problems.push(format!("values[{at}]: is given twice")),
                Ok(data) => read.push(data),
            }
        }
        if self.of == RecordType::CNAME && self.values.len() > 1 {
            problems.push("values: a name has one CNAME record".to_owned());
        }
        problems
    }

    /// Why there must be no such record at that name.
    fn misplaced(&self, name: &DnsName, zone: &DnsName) -> Option<String> {
        if !zone.holds(name) {
            return Some(format!("name: {name} is not in the zone {zone}"));
        }
        if name == zone && matches!(self.of, RecordType::NS | RecordType::CNAME) {
            return Some(format!(
                "type: {} at the top of a zone would change or break the zone itself",
                self.of
            ));
        }
        let labels: Vec<&str> = self.name.split('.').collect();
        if labels.contains(&CHALLENGE_LABEL) {
            return Some(format!("name: {CHALLENGE_LABEL} is for proofs of ACME; use domain-certificate"));
        }
        let is_mark = labels.iter().any(|label| label.starts_with(MARK_LABEL));
        is_mark.then(|| format!("name: a name with {MARK_LABEL} is for the broker's own marks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(name: &str, of: RecordType, values: &[&str]) -> Vec<String> {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        Asked { name, of, values: &values }.problems(&"example.com".parse().unwrap())
    }

    #[test]
    fn what_may_be_asked_for_is_not_refused() {
        for (name, of, values) in [
            ("example.com", RecordType::A, &["192.0.2.1", "192.0.2.2"][..]),
            ("*.example.com", RecordType::CNAME, &["www.example.com"]),
            ("sub.example.com", RecordType::NS, &["ns1.example.net"]),
            ("_dmarc.example.com", RecordType::TXT, &["v=DMARC1; p=none"]),
        ] {
            assert_eq!(problems(name, of, values), [""; 0], "{name}");
        }
    }

    #[test]
    fn what_must_not_be_is_refused_by_its_parameter() {
        for (name, of, values, expected) in [
            ("www.example.org", RecordType::A, &["192.0.2.1"][..], "name"),
            ("notexample.com", RecordType::A, &["192.0.2.1"], "name"),
            ("_acme-challenge.example.com", RecordType::TXT, &["t"], "name"),
            ("_acme-challenge.www.example.com", RecordType::CNAME, &["a.example.net"], "name"),
            ("_osb-0123.example.com", RecordType::TXT, &["t"], "name"),
            ("example.com", RecordType::NS, &["ns1.example.net"], "type"),
            ("example.com", RecordType::CNAME, &["www.example.com"], "type"),
            ("www.example.com", RecordType::CNAME, &["a.example.com", "b.example.com"], "values"),
            ("www.example.com", RecordType::A, &["192.0.2.1", "no address"], "values[1]"),
            ("www.example.com", RecordType::AAAA, &["2001:db8::1", "2001:DB8:0::1"], "values[1]"),
        ] {
            let problems = problems(name, of, values);
            let [problem] = &problems[..] else { panic!("{name} {of}: {problems:?}") };
            assert_eq!(problem.split(':').next(), Some(expected), "{problem}");
        }
    }
}
