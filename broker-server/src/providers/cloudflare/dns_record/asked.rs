//! In which form a set is asked for.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::dns_record::{self, Parameters, Record, RecordType},
    domain::record::{self, Backend, CloudflareParameters},
};

use super::set::{self, Plain};
use crate::providers::dns::rules;

/// What a user says about a set.
pub trait Asked: DeserializeOwned + Send + Sync + 'static {
    /// What every record of such a set has in its comment, before the mark. No two forms have the same.
    const PREFIX: &'static str;
    /// The parameter that tells the records.
    const FIELD: &'static str;

    /// What is offered.
    fn offering() -> Offering;
    /// The zone.
    fn zone(&self) -> Zoned<'_>;
    /// All records of the set.
    fn records(&self) -> Vec<Record>;
    /// What no schema can say about it.
    fn problems(&self) -> Vec<String>;
    /// What platforms are told of it.
    fn attributes(&self, zone_id: &str) -> Map<String, Value>;
    /// The parameters of a set with this record alone, unless it can be in none; the zone by id and name.
    fn describing(zone: (&str, &str), found: &Plain) -> Option<Map<String, Value>>;
}

/// What marks stand behind in comments, in all forms.
pub(super) const PREFIXES: [&str; 2] = [Parameters::PREFIX, CloudflareParameters::PREFIX];

/// How a zone is named.
#[derive(Debug, Clone, Copy)]
pub enum Zoned<'a> {
    /// By Cloudflare's id.
    Id(&'a str),
    /// By its name.
    Name(&'a str),
}

impl Asked for Parameters {
    const PREFIX: &'static str = "osb:";
    const FIELD: &'static str = "records";

    fn offering() -> Offering {
        dns_record::offering()
    }

    fn zone(&self) -> Zoned<'_> {
        Zoned::Id(&self.zone_id)
    }

    fn records(&self) -> Vec<Record> {
        self.records.clone()
    }

    fn problems(&self) -> Vec<String> {
        set::problems(&self.records)
    }

    fn attributes(&self, zone_id: &str) -> Map<String, Value> {
        let mut names: Vec<&str> = self.records.iter().map(|record| record.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        Map::from_iter([
            (dns_record::output::ZONE_ID.to_owned(), json!(zone_id)),
            (dns_record::output::NAMES.to_owned(), json!(names)),
        ])
    }

    fn describing(zone: (&str, &str), found: &Plain) -> Option<Map<String, Value>> {
        let mut record = json!({ "name": found.name, "type": found.of, "content": found.content });
        with_manner(&mut record, found);
        if let Some(priority) = found.priority {
            record["priority"] = json!(priority);
        }
        offered::<Self>(json!({ "zone_id": zone.0, "records": [record] }))
    }
}

impl Asked for CloudflareParameters {
    const PREFIX: &'static str = "osb-record:";
    const FIELD: &'static str = "values";

    fn offering() -> Offering {
        record::offering(&[Backend::Cloudflare])
    }

    fn zone(&self) -> Zoned<'_> {
        Zoned::Name(&self.zone)
    }

    fn records(&self) -> Vec<Record> {
        let record = |value: &String| {
            let preferred = (self.r#type == RecordType::Mx).then(|| value.split_once(' ')).flatten();
            let (priority, content) = match preferred {
                Some((priority, host)) => (priority.parse().ok(), host.trim()),
                None => (None, value.as_str()),
            };
            Record {
                name: self.name.clone(),
                r#type: self.r#type,
                content: content.to_owned(),
                ttl: self.ttl,
                proxied: self.proxied,
                priority,
            }
        };
        self.values.iter().map(record).collect()
    }

    fn problems(&self) -> Vec<String> {
        let Ok(zone) = self.zone.parse() else { return vec!["zone: is no name of DNS".to_owned()] };
        let of = set::record_type(self.r#type);
        let mut problems = rules::Asked { name: &self.name, of, values: &self.values }.problems(&zone);
        if self.proxied && !set::may_be_proxied(self.r#type) {
            problems.push("proxied: only A, AAAA and CNAME records are".to_owned());
        }
        if !self.proxied && !set::is_ttl(self.ttl) {
            problems.push("ttl: is 1, or at least 60".to_owned());
        }
        problems
    }

    fn describing(zone: (&str, &str), found: &Plain) -> Option<Map<String, Value>> {
        let value = match found.priority {
            Some(priority) => format!("{priority} {}", found.content),
            None => found.content.clone(),
        };
        let mut parameters =
            json!({ "zone": zone.1, "name": found.name, "type": found.of, "values": [value] });
        with_manner(&mut parameters, found);
        offered::<Self>(parameters)
    }

    fn attributes(&self, _zone_id: &str) -> Map<String, Value> {
        Map::from_iter([
            (record::output::NAME.to_owned(), json!(self.name)),
            (record::output::TYPE.to_owned(), json!(self.r#type)),
            (record::output::ZONE.to_owned(), json!(self.zone)),
        ])
    }
}

/// What is told only where it is not as it is anyway.
fn with_manner(parameters: &mut Value, found: &Plain) {
    if found.ttl != 1 {
        parameters["ttl"] = json!(found.ttl);
    }
    if found.proxied {
        parameters["proxied"] = json!(true);
    }
}

/// Parameters, if they are such as somebody may ask for.
fn offered<A: Asked>(parameters: Value) -> Option<Map<String, Value>> {
    let asked: A = serde_json::from_value(parameters.clone()).ok()?;
    match parameters {
        Value::Object(parameters) if asked.problems().is_empty() => Some(parameters),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(of: &str, values: &[&str], rest: Value) -> CloudflareParameters {
        let mut asked = json!({ "zone": "x.com", "name": "a.x.com", "type": of, "values": values });
        asked.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        serde_json::from_value(asked).unwrap()
    }

    #[test]
    fn each_value_is_a_record_and_that_of_mail_has_its_preference() {
        let records = asked("MX", &["10 mail.x.com", "20 late.x.com"], json!({ "ttl": 300 })).records();
        let told: Vec<(Option<u16>, &str)> =
            records.iter().map(|record| (record.priority, record.content.as_str())).collect();
        assert_eq!(told, [(Some(10), "mail.x.com"), (Some(20), "late.x.com")]);
        let records = asked("TXT", &["10 words"], json!({})).records();
        assert_eq!((records[0].priority, records[0].content.as_str()), (None, "10 words"));
    }

    #[test]
    fn what_cloudflare_cannot_have_is_said_by_its_parameter() {
        for (of, value, rest, expected) in [
            ("A", "192.0.2.1", json!({}), None),
            ("A", "192.0.2.1", json!({ "proxied": true, "ttl": 1 }), None),
            ("A", "192.0.2.1", json!({ "ttl": 30 }), Some("ttl")),
            ("TXT", "t", json!({ "proxied": true }), Some("proxied")),
            ("MX", "mail.x.com", json!({}), Some("values[0]")),
            ("A", "192.0.2.1", json!({ "name": "a.y.com" }), Some("name")),
        ] {
            let problems = asked(of, &[value], rest).problems();
            let place = problems.first().and_then(|problem| problem.split(':').next());
            assert_eq!(place, expected, "{problems:?}");
        }
    }
}
