//! Which of two places is the current one, by what is stored in them. Pure.

use serde_json::Value;

/// What is stored at a place, read without the program.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// What the place says of a move; null when it says nothing.
    pub(crate) standing: Value,
    /// Where it stands; nothing when there is no state.
    pub(crate) stands: Option<Stands>,
}

/// Where a state stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stands {
    pub(crate) serial: u64,
    pub(crate) head: String,
    pub(crate) lineage: String,
    pub(crate) fence: u64,
}

/// One of two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Target,
}

impl Seen {
    fn says(&self, word: &str) -> Option<&Value> {
        self.standing.get(word)
    }

    /// A state that is nobody's copy and nobody's tombstone, whole.
    fn is_current(&self, truth: &Stands) -> bool {
        let stands = self.stands.as_ref().is_some_and(|stands| stands.is(truth));
        stands && (self.standing.is_null() || self.says("leaving").is_some())
    }

    /// Nothing that anybody could take for the state.
    fn is_nobodys(&self) -> bool {
        let is_empty = self.stands.is_none() && self.standing.is_null();
        is_empty || self.says("arriving").is_some()
    }
}

impl Stands {
    /// The same life of the same state, as far along.
    fn is(&self, truth: &Self) -> bool {
        (self.serial, &self.head, &self.lineage) == (truth.serial, &truth.head, &truth.lineage)
    }
}

/// The one place that is current and complete (I-27), or what is wrong.
pub(crate) fn judge(source: &Seen, target: &Seen, truth: &Stands) -> Result<Side, String> {
    let wrong =
        |what: &str| Err(format!("{what}: {source:#?} and {target:#?} where {truth:#?} is the truth"));
    if source.is_current(truth) {
        return if target.is_nobodys() { Ok(Side::Source) } else { wrong("two current places") };
    }
    let Some([of, _]) = source.says("left").and_then(Value::as_array).map(Vec::as_slice) else {
        return wrong("the source is neither the state nor its tombstone");
    };
    if !target.stands.as_ref().is_some_and(|stands| stands.is(truth)) {
        return wrong("the source has left, and the target is not complete");
    }
    if target.standing.is_null() {
        return Ok(Side::Target);
    }
    match target.says("arriving").and_then(Value::as_array).map(Vec::as_slice) {
        Some([there, copied]) if there["id"] == of["id"] && copied["settled"] == true => Ok(Side::Target),
        _ => wrong("the source has left, and the target is another move's"),
    }
}

mod tests {
    use serde_json::json;

    use super::*;

    fn truth() -> Stands {
        Stands { serial: 7, head: "h".to_owned(), lineage: "l".to_owned(), fence: 3 }
    }

    fn seen(standing: Value, stands: Option<Stands>) -> Seen {
        Seen { standing, stands }
    }

    #[test]
    fn what_is_wrong_between_two_places_is_found() {
        let whole = Some(truth());
        let of = json!({ "id": "1" });
        let part = Some(Stands { serial: 0, head: "o".to_owned(), ..truth() });
        let current = seen(Value::Null, whole.clone());
        let nothing = seen(Value::Null, None);
        let leaving = seen(json!({ "leaving": of }), whole.clone());
        let left = seen(json!({ "left": [of, "whole"] }), whole.clone());
        let arriving = |settled: bool, stands: &Option<Stands>| {
            seen(json!({ "arriving": [of, { "settled": settled }] }), stands.clone())
        };
        let other = seen(json!({ "arriving": [{ "id": "2" }, { "settled": true }] }), whole.clone());
        let behind = seen(Value::Null, part.clone());
        for (source, target, expected) in [
            (&current, &nothing, Some(Side::Source)),
            (&leaving, &nothing, Some(Side::Source)),
            (&leaving, &arriving(false, &part), Some(Side::Source)),
            (&leaving, &arriving(true, &whole), Some(Side::Source)),
            (&left, &arriving(true, &whole), Some(Side::Target)),
            (&left, &current, Some(Side::Target)),
            (&leaving, &current, None),
            (&current, &current, None),
            (&current, &behind, None),
            (&behind, &nothing, None),
            (&left, &nothing, None),
            (&left, &arriving(false, &whole), None),
            (&left, &arriving(true, &part), None),
            (&left, &other, None),
            (&left, &behind, None),
            (&left, &left, None),
            (&nothing, &arriving(true, &whole), None),
        ] {
            assert_eq!(judge(source, target, &truth()).ok(), expected, "{source:?} and {target:?}");
        }
    }
}
