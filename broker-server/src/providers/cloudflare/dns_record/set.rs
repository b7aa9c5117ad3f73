//! What a set of records is, and what has to be done so that it is what is wanted. Pure.

use std::net::Ipv6Addr;

use serde::Deserialize;
use serde_json::{Value, json};
use sutler_catalog::cloudflare::dns_record::{Record, RecordType};

use super::{super::recorded::is_hexadecimal, asked::PREFIXES};
use crate::providers::dns;

/// A record as Cloudflare shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) of: String,
    #[serde(default)]
    pub(super) content: String,
    pub(super) ttl: u32,
    #[serde(default)]
    pub(super) proxied: bool,
    #[serde(default)]
    pub(super) priority: Option<u16>,
    #[serde(default)]
    pub(super) comment: Option<String>,
}

impl Shown {
    /// The digits of the mark behind this in its comment, if it is of such a set.
    pub(super) fn mark(&self, prefix: &str) -> Option<&str> {
        let mark = self.comment.as_deref()?.strip_prefix(prefix)?;
        is_hexadecimal(mark, 32).then_some(mark)
    }

    /// The digits of the mark in its comment, if it is of a set, however that was asked for.
    pub(super) fn any_mark(&self) -> Option<&str> {
        PREFIXES.into_iter().find_map(|prefix| self.mark(prefix))
    }
}

/// A record in the one form that is compared: Cloudflare shows names, addresses and texts in a form of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plain {
    pub(super) name: String,
    pub(super) of: String,
    pub(super) content: String,
    pub(super) ttl: u32,
    pub(super) proxied: bool,
    pub(super) priority: Option<u16>,
}

fn host(text: &str) -> String {
    text.trim_end_matches('.').to_lowercase()
}

/// A text without the quotes that may be around its parts.
fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.map_or_else(|| text.to_owned(), |inner| inner.replace("\" \"", ""))
}

fn content(of: &str, text: &str) -> String {
    match of {
        "AAAA" => text.parse::<Ipv6Addr>().map_or_else(|_| text.to_owned(), |ip| ip.to_string()),
        "CNAME" | "MX" | "NS" | "PTR" => host(text),
        "TXT" => unquoted(text),
        _ => text.to_owned(),
    }
}

/// The word of DNS.
pub(super) fn word(of: RecordType) -> &'static str {
    match of {
        RecordType::A => "A",
        RecordType::Aaaa => "AAAA",
        RecordType::Cname => "CNAME",
        RecordType::Mx => "MX",
        RecordType::Ns => "NS",
        RecordType::Ptr => "PTR",
        RecordType::Txt => "TXT",
    }
}

impl From<&Record> for Plain {
    fn from(record: &Record) -> Self {
        let of = word(record.r#type);
        Self {
            name: host(&record.name),
            of: of.to_owned(),
            content: content(of, &record.content),
            ttl: if record.proxied { 1 } else { record.ttl },
            proxied: record.proxied,
            priority: record.priority,
        }
    }
}

impl From<&Shown> for Plain {
    fn from(shown: &Shown) -> Self {
        Self {
            name: host(&shown.name),
            of: shown.of.clone(),
            content: content(&shown.of, &shown.content),
            ttl: shown.ttl,
            proxied: shown.proxied,
            priority: shown.priority.filter(|_| shown.of == "MX"),
        }
    }
}

impl Plain {
    /// The record as Cloudflare is told.
    fn told(&self, comment: &str) -> Value {
        let mut told = json!({
            "name": self.name,
            "type": self.of,
            "content": self.content,
            "ttl": self.ttl,
            "proxied": self.proxied,
            "comment": comment,
        });
        if let Some(priority) = self.priority {
            told["priority"] = json!(priority);
        }
        told
    }

    /// For people: what is compared, in one line.
    pub(super) fn line(&self) -> String {
        let priority = self.priority.map(|priority| format!("{priority} ")).unwrap_or_default();
        let proxied = if self.proxied { " proxied" } else { "" };
        format!("{} {} {} {priority}{}{proxied}", self.name, self.ttl, self.of, self.content)
    }
}

/// One request that makes all changes, or `None` if there are none. What is as wanted stays; what has the same name and
/// type as something wanted becomes it; the rest is added and removed.
pub(super) fn batch(wanted: &[Record], found: &[Shown], comment: &str) -> Option<Value> {
    let mut missing: Vec<Plain> = wanted.iter().map(Plain::from).collect();
    missing.sort();
    missing.dedup();
    let mut spare: Vec<&Shown> = Vec::new();
    for shown in found {
        match missing.iter().position(|plain| *plain == Plain::from(shown)) {
            Some(at) => drop(missing.remove(at)),
            None => spare.push(shown),
        }
    }
    let mut patches = Vec::new();
    missing.retain(|plain| {
        let alike = |shown: &&Shown| shown.of == plain.of && host(&shown.name) == plain.name;
        let Some(at) = spare.iter().position(alike) else { return true };
        let mut patch = plain.told(comment);
        patch["id"] = json!(spare.remove(at).id);
        patches.push(patch);
        false
    });
    let deletes: Vec<Value> = spare.iter().map(|shown| json!({ "id": shown.id })).collect();
    let posts: Vec<Value> = missing.iter().map(|plain| plain.told(comment)).collect();
    let mut batch = json!({});
    for (name, changes) in [("deletes", deletes), ("patches", patches), ("posts", posts)] {
        if !changes.is_empty() {
            batch[name] = json!(changes);
        }
    }
    batch.as_object().is_some_and(|batch| !batch.is_empty()).then_some(batch)
}

/// Whether visitors can come through Cloudflare.
pub(super) fn may_be_proxied(of: RecordType) -> bool {
    matches!(of, RecordType::A | RecordType::Aaaa | RecordType::Cname)
}

/// Whether Cloudflare takes it.
pub(super) fn is_ttl(ttl: u32) -> bool {
    matches!(ttl, 1 | 60..)
}

/// The type as DNS has it.
pub(super) fn record_type(of: RecordType) -> dns::RecordType {
    match of {
        RecordType::A => dns::RecordType::A,
        RecordType::Aaaa => dns::RecordType::AAAA,
        RecordType::Cname => dns::RecordType::CNAME,
        RecordType::Mx => dns::RecordType::MX,
        RecordType::Ns => dns::RecordType::NS,
        RecordType::Ptr => dns::RecordType::PTR,
        RecordType::Txt => dns::RecordType::TXT,
    }
}

/// What no schema can say about records.
pub(super) fn problems(records: &[Record]) -> Vec<String> {
    let mut problems = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let is_mail = record.r#type == RecordType::Mx;
        if is_mail != record.priority.is_some() {
            let must = if is_mail { "has to be given for" } else { "is only for" };
            problems.push(format!("records[{at}].priority: {must} an MX record"));
        }
        if record.proxied && !may_be_proxied(record.r#type) {
            problems.push(format!("records[{at}].proxied: only A, AAAA and CNAME records are"));
        }
        if !record.proxied && !is_ttl(record.ttl) {
            problems.push(format!("records[{at}].ttl: is 1, or at least 60"));
        }
        if records[..at].iter().any(|before| Plain::from(before) == Plain::from(record)) {
            problems.push(format!("records[{at}]: is given twice"));
        }
    }
    problems
}

/// The names that do not lie in the zone.
pub(super) fn outside(records: &[Record], zone: &str) -> Vec<String> {
    let suffix = format!(".{zone}");
    let lies_in = |record: &Record| record.name == zone || record.name.ends_with(&suffix);
    let places = records.iter().enumerate().filter(|(_, record)| !lies_in(record));
    places
        .map(|(at, record)| format!("records[{at}].name: {} is not in the zone {zone}", record.name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        let parts: Vec<&str> = text.splitn(3, ' ').collect();
        let record = json!({ "name": parts[0], "type": parts[1], "content": parts[2] });
        serde_json::from_value(record).unwrap()
    }

    fn shown(id: &str, text: &str) -> Shown {
        let parts: Vec<&str> = text.splitn(3, ' ').collect();
        let shown = json!({ "id": id, "name": parts[0], "type": parts[1], "content": parts[2], "ttl": 1 });
        serde_json::from_value(shown).unwrap()
    }

    #[test]
    fn forms_that_mean_the_same_are_the_same() {
        for (asked, seen) in [
            ("a.example.com A 192.0.2.1", "A.Example.com. A 192.0.2.1"),
            ("a.example.com AAAA 2001:DB8:0::1", "a.example.com AAAA 2001:db8::1"),
            ("a.example.com CNAME Shop.Example.org.", "a.example.com CNAME shop.example.org"),
            ("a.example.com TXT v=spf1 -all", "a.example.com TXT \"v=spf1 -all\""),
            ("a.example.com TXT longtext", "a.example.com TXT \"long\" \"text\""),
        ] {
            assert_eq!(batch(&[record(asked)], &[shown("1", seen)], "c"), None, "{asked}");
        }
    }

    #[test]
    fn what_is_wanted_is_reached_with_as_few_changes_as_can_be() {
        let wanted = [record("a.x.com A 192.0.2.1"), record("b.x.com A 192.0.2.2"), record("c.x.com TXT t")];
        let found = [
            shown("1", "a.x.com A 192.0.2.1"),
            shown("2", "b.x.com A 192.0.2.9"),
            shown("3", "d.x.com TXT u"),
        ];
        let batch = batch(&wanted, &found, "mark").unwrap();
        assert_eq!(batch["deletes"], json!([{ "id": "3" }]));
        assert_eq!(
            (&batch["patches"][0]["id"], &batch["patches"][0]["content"]),
            (&json!("2"), &json!("192.0.2.2"))
        );
        assert_eq!(
            (&batch["posts"][0]["name"], &batch["posts"][0]["comment"]),
            (&json!("c.x.com"), &json!("mark"))
        );
        assert_eq!(batch["posts"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_second_answer_of_the_same_name_is_one_record_more() {
        let wanted = [record("a.x.com A 192.0.2.1"), record("a.x.com A 192.0.2.2")];
        let batch = batch(&wanted, &[shown("1", "a.x.com A 192.0.2.2")], "c").unwrap();
        assert!(batch.get("deletes").is_none() && batch.get("patches").is_none());
        assert_eq!(batch["posts"][0]["content"], "192.0.2.1");
    }

    #[test]
    fn what_a_record_cannot_be_is_said_by_its_place() {
        let mut mail = record("x.com MX mail.x.com");
        let mut proxied = record("x.com TXT t");
        proxied.proxied = true;
        let mut hasty = record("x.com A 192.0.2.1");
        hasty.ttl = 30;
        let problems = problems(&[mail.clone(), proxied, hasty.clone(), hasty]);
        let places: Vec<&str> = problems.iter().filter_map(|text| text.split(':').next()).collect();
        let expected =
            ["records[0].priority", "records[1].proxied", "records[2].ttl", "records[3].ttl", "records[3]"];
        assert_eq!(places, expected);
        mail.priority = Some(10);
        assert!(super::problems(&[mail]).is_empty());
    }

    #[test]
    fn a_name_lies_in_the_zone_or_not() {
        for (name, is_in) in
            [("x.com", true), ("a.b.x.com", true), ("ax.com", false), ("x.com.evil.org", false)]
        {
            assert_eq!(
                outside(&[record(&format!("{name} A 192.0.2.1"))], "x.com").is_empty(),
                is_in,
                "{name}"
            );
        }
    }
}
