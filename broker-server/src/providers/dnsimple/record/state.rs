//! What is remembered of an instance, and what is to be done next. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::zone::{Place, Row};
use crate::providers::FieldDrift;

/// The provider's memory of an instance. DNSimple has no place for a mark: what is ours is known by its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) place: Place,
    /// DNSimple's numbers of the records that are ours.
    pub(super) ids: Vec<u64>,
}

/// Work on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Syncing {
    pub(super) known: Known,
    /// Those of them that this work has made.
    #[serde(default)]
    pub(super) made: Vec<u64>,
    /// What the record says that is being made. Once that is in doubt, a record that says it and was not there before is
    /// ours.
    #[serde(default)]
    pub(super) making: Option<String>,
    /// How often it was looked for after a doubt.
    #[serde(default)]
    pub(super) doubt: u32,
    /// The record that is being changed, and what it is to say.
    #[serde(default)]
    pub(super) changing: Option<(u64, String)>,
    /// The record that is being deleted.
    #[serde(default)]
    pub(super) dropping: Option<u64>,
    /// Why it is given up.
    #[serde(default)]
    pub(super) why: Option<String>,
    /// Since when the name servers are waited for.
    #[serde(default)]
    pub(super) since: Option<Timestamp>,
    /// How many of the records are known to be everywhere.
    #[serde(default)]
    pub(super) shown: usize,
    /// How often it was looked whether the next one is.
    #[serde(default)]
    pub(super) looks: u32,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// This record is to say that.
    Change(u64, String),
    /// This record is one too many.
    Drop(u64),
    /// A record that says this is to be made.
    Make(String),
    /// Somebody else has a record that says this.
    Taken(String),
    /// All is as it should be.
    Nothing,
}

impl Syncing {
    pub(super) fn of(known: Known) -> Self {
        Self {
            known,
            made: Vec::new(),
            making: None,
            doubt: 0,
            changing: None,
            dropping: None,
            why: None,
            since: None,
            shown: 0,
            looks: 0,
        }
    }

    /// Where other work goes on: with what finished work remembers and what unfinished work knew last. `None` without
    /// either. What is gone already does no harm.
    pub(super) fn taken_up(finished: Option<Known>, left: Option<Self>) -> Option<Self> {
        let (left, making) = left.map_or((None, None), |left| (Some(left.known), left.making));
        let known = match (finished, left) {
            (Some(mut finished), Some(left)) => {
                let more: Vec<u64> = left.ids.into_iter().filter(|id| !finished.ids.contains(id)).collect();
                finished.ids.extend(more);
                finished
            }
            (Some(known), None) | (None, Some(known)) => known,
            (None, None) => return None,
        };
        Some(Self { making, ..Self::of(known) })
    }

    /// The record that was being made is found.
    pub(super) fn found(&mut self, id: u64) {
        self.known.ids.push(id);
        self.made.push(id);
        self.making = None;
        self.doubt = 0;
    }

    /// The record is not there any more.
    pub(super) fn forget(&mut self, id: u64) {
        self.known.ids.retain(|known| *known != id);
        self.made.retain(|known| *known != id);
        self.dropping = None;
    }
}

/// Records of ours beside what they should be: each value with its record, and the records that none needs.
struct Paired<'a> {
    values: Vec<(&'a String, Option<&'a Row>)>,
    spare: Vec<&'a Row>,
}

fn paired<'a>(known: &Known, rows: &'a [Row], values: &'a [String]) -> Paired<'a> {
    let mut spare: Vec<&Row> = rows.iter().filter(|row| known.ids.contains(&row.id)).collect();
    let with_record = |value: &'a String| {
        let at = spare.iter().position(|row| known.place.says(row, value));
        (value, at.map(|at| spare.remove(at)))
    };
    let values = values.iter().map(with_record).collect();
    Paired { values, spare }
}

/// The next difference between what is there and what is wanted. Nothing new is made before the rest is done.
pub(super) fn next(known: &Known, rows: &[Row], (values, ttl): (&[String], u32)) -> Action {
    let Paired { values, spare } = paired(known, rows, values);
    let differs = |row: &Row| row.ttl != ttl || row.name != known.place.name;
    for (value, row) in &values {
        if let Some(row) = row.filter(|row| differs(row)) {
            return Action::Change(row.id, (*value).clone());
        }
    }
    let missing = values.iter().find(|(_, row)| row.is_none()).map(|(value, _)| *value);
    let is_taken =
        |value: &String| rows.iter().any(|row| !known.ids.contains(&row.id) && known.place.says(row, value));
    match (missing, spare.first()) {
        (Some(value), _) if is_taken(value) => Action::Taken(value.clone()),
        (Some(value), Some(row)) => Action::Change(row.id, value.clone()),
        (None, Some(row)) => Action::Drop(row.id),
        (Some(value), None) => Action::Make(value.clone()),
        (None, None) => Action::Nothing,
    }
}

/// What differs from what was asked for, value by value. What others have beside ours is theirs.
pub(super) fn drift(known: &Known, rows: &[Row], (values, ttl): (&[String], u32)) -> Vec<FieldDrift> {
    let Paired { values, spare } = paired(known, rows, values);
    let mut drift = Vec::new();
    let mut differs = |field: &str, wanted: Value, found: Value| {
        drift.push(FieldDrift { field: field.to_owned(), wanted, found });
    };
    let mut spare = spare.into_iter();
    for (value, _) in values.iter().filter(|(_, row)| row.is_none()) {
        differs("values", json!(value), json!(spare.next().map(Row::line)));
    }
    for row in spare {
        differs("values", Value::Null, json!(row.line()));
    }
    let own = || rows.iter().filter(|row| known.ids.contains(&row.id));
    if let Some(row) = own().find(|row| row.ttl != ttl) {
        differs("ttl", json!(ttl), json!(row.ttl));
    }
    if let Some(row) = own().find(|row| row.name != known.place.name) {
        differs("name", json!(known.place.name), json!(row.name));
    }
    drift
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(of: &str, ids: &[u64]) -> Known {
        let place = json!({ "zone": "example.com", "name": "www", "type": of });
        Known { place: serde_json::from_value(place).unwrap(), ids: ids.to_vec() }
    }

    fn rows(of: &str, rows: &[(u64, &str, u32)]) -> Vec<Row> {
        let row = |(id, content, ttl): &(u64, &str, u32)| {
            let row = json!({ "id": id, "name": "www", "type": of, "content": content, "ttl": ttl });
            serde_json::from_value(row).unwrap()
        };
        rows.iter().map(row).collect()
    }

    fn values(values: &[&str]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_missing_takes_the_place_of_what_is_too_much_and_new_records_come_last() {
        let change = |id, value: &str| Action::Change(id, value.to_owned());
        for (there, ids, wanted, expected) in [
            (&[][..], &[][..], &["192.0.2.1"][..], Action::Make("192.0.2.1".to_owned())),
            (&[(1, "192.0.2.1", 60)], &[1], &["192.0.2.1"], Action::Nothing),
            (&[(1, "192.0.2.1", 90)], &[1], &["192.0.2.1", "192.0.2.2"], change(1, "192.0.2.1")),
            (&[(1, "192.0.2.1", 60)], &[1], &["192.0.2.2", "192.0.2.3"], change(1, "192.0.2.2")),
            (&[(1, "192.0.2.1", 60), (2, "192.0.2.2", 60)], &[1, 2], &["192.0.2.2"], Action::Drop(1)),
            // what is of others is neither changed nor taken
            (&[(9, "192.0.2.9", 60)], &[], &["192.0.2.1"], Action::Make("192.0.2.1".to_owned())),
            (&[(9, "192.0.2.1", 60)], &[], &["192.0.2.1"], Action::Taken("192.0.2.1".to_owned())),
            // gone: made again
            (&[], &[1], &["192.0.2.1"], Action::Make("192.0.2.1".to_owned())),
        ] {
            let next = next(&known("A", ids), &rows("A", there), (&values(wanted), 60));
            assert_eq!(next, expected, "{there:?} {ids:?} {wanted:?}");
        }
    }

    #[test]
    fn what_an_update_left_is_ours_beside_what_finished_work_remembers() {
        let left = |making: Option<&str>| {
            let making = making.map(str::to_owned);
            Syncing { making, made: vec![3], doubt: 4, ..Syncing::of(known("A", &[2, 3])) }
        };
        let taken_up = |finished: Option<&[u64]>, left: Option<Syncing>| {
            Syncing::taken_up(finished.map(|ids| known("A", ids)), left)
                .map(|syncing| (syncing.known.ids, syncing.made, syncing.making, syncing.doubt))
        };
        let value = Some("192.0.2.4".to_owned());
        assert_eq!(taken_up(None, None), None);
        assert_eq!(taken_up(Some(&[1, 2]), None), Some((vec![1, 2], vec![], None, 0)));
        assert_eq!(taken_up(None, Some(left(None))), Some((vec![2, 3], vec![], None, 0)));
        let both = taken_up(Some(&[1, 2]), Some(left(Some("192.0.2.4"))));
        assert_eq!(both, Some((vec![1, 2, 3], vec![], value, 0)));
    }

    #[test]
    fn values_are_compared_by_what_they_mean() {
        for (of, content, value) in [
            ("AAAA", "2001:db8::1", "2001:DB8:0::1"),
            ("CNAME", "shop.example.org", "Shop.Example.org."),
            ("TXT", "\"v=spf1 -all\"", "v=spf1 -all"),
            ("CAA", "0 issue \"ca.example.net\"", "0 issue ca.example.net"),
        ] {
            let next = next(&known(of, &[1]), &rows(of, &[(1, content, 60)]), (&values(&[value]), 60));
            assert_eq!(next, Action::Nothing, "{of} {value}");
        }
        let mut mail = rows("MX", &[(1, "mail.example.com", 60)]);
        assert!(matches!(
            next(&known("MX", &[1]), &mail, (&values(&["10 mail.example.com"]), 60)),
            Action::Change(..)
        ));
        let with = json!({ "id": 1, "name": "www", "type": "MX", "content": "mail.example.com", "ttl": 60, "priority": 10 });
        mail[0] = serde_json::from_value(with).unwrap();
        assert_eq!(next(&known("MX", &[1]), &mail, (&values(&["10 mail.example.com"]), 60)), Action::Nothing);
    }

    #[test]
    fn each_value_that_differs_is_told_and_what_others_have_is_not() {
        let there = rows("A", &[(1, "192.0.2.7", 90), (9, "192.0.2.9", 60)]);
        let drift = drift(&known("A", &[1, 2]), &there, (&values(&["192.0.2.1", "192.0.2.2"]), 60));
        let told: Vec<String> =
            drift.iter().map(|one| format!("{} {} {}", one.field, one.wanted, one.found)).collect();
        let expected = [r#"values "192.0.2.1" "192.0.2.7""#, r#"values "192.0.2.2" null"#, "ttl 60 90"];
        assert_eq!(told, expected);
    }
}
