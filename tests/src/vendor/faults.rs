//! What goes wrong on cue.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Answer, Body};

/// Strikes the `nth` to `nth + times - 1` calls that match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The HTTP method; `*` for any.
    #[serde(default = "any")]
    pub method: String,
    /// The path below the base path; `*` stands for any text.
    #[serde(default = "any")]
    pub path: String,
    /// The first matching call to strike, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many matching calls in a row to strike.
    #[serde(default = "one")]
    pub times: u64,
    /// What to do to them.
    pub action: FaultAction,
}

/// What can go wrong with a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultAction {
    /// The connection is closed before anything is done.
    DropRequest,
    /// The work is done, then the connection is closed without an answer.
    DropResponse,
    /// The call waits before the work is done, or between the work and the answer.
    #[serde(rename_all = "snake_case")]
    Delay {
        /// How long.
        milliseconds: u64,
        /// Whether the work is done first.
        #[serde(default)]
        after_work: bool,
    },
    /// This answer is given.
    Answer(CannedAnswer),
    /// The work is done and the answer's document changed: a merge patch, in which `null` removes a field.
    AlterAnswer {
        /// The merge patch for the whole envelope.
        merge: Value,
        /// Whether the contract judges the altered answer.
        #[serde(default)]
        checked: bool,
    },
    /// The work is done, and the answer shows this word in place of every word that tells how far something is.
    Puzzle(String),
}

/// An answer given in place of the real one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CannedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// A text is sent as it is, anything else as JSON.
    pub body: Value,
    /// The content type of a text.
    #[serde(default = "html")]
    pub content_type: String,
    /// More headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether the work is done before this answer is given.
    #[serde(default)]
    pub after_work: bool,
}

fn any() -> String {
    "*".to_owned()
}

const fn one() -> u64 {
    1
}

fn html() -> String {
    "text/html; charset=utf-8".to_owned()
}

impl Fault {
    /// Strikes the first call of this method and path.
    pub fn new(method: &str, path: &str, action: FaultAction) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), nth: 1, times: 1, action }
    }

    /// Strikes from the nth matching call on.
    #[must_use]
    pub fn from_call(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    /// Strikes this many matching calls in a row.
    #[must_use]
    pub fn for_calls(self, times: u64) -> Self {
        Self { times, ..self }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        (self.method == "*" || self.method.eq_ignore_ascii_case(method)) && fits(&self.path, path)
    }
}

impl CannedAnswer {
    /// A body as the edge in front of the interface gives it.
    pub fn html(status: u16) -> Self {
        Self {
            status,
            body: Value::String(
                "<html><body><h1>the edge could not reach the origin</h1></body></html>".to_owned(),
            ),
            content_type: html(),
            headers: BTreeMap::new(),
            after_work: false,
        }
    }

    /// A JSON body.
    pub fn json(status: u16, body: Value) -> Self {
        Self { body, ..Self::html(status) }
    }

    /// The work is done, only the answer is another.
    #[must_use]
    pub fn after_work(self) -> Self {
        Self { after_work: true, ..self }
    }

    pub(crate) fn answer<Kind>(&self) -> Answer<Kind> {
        let mut answer = Answer::json(self.status, self.body.clone());
        if let Value::String(text) = &self.body {
            answer.body = Body::Text { content_type: self.content_type.clone(), text: text.clone() };
        }
        answer.headers = self.headers.clone().into_iter().collect();
        answer.deliberate = true;
        answer
    }
}

impl FaultAction {
    fn name(&self) -> &'static str {
        match self {
            Self::DropRequest => "drop_request",
            Self::DropResponse => "drop_response",
            Self::Delay { .. } => "delay",
            Self::Answer(_) => "answer",
            Self::AlterAnswer { .. } => "alter_answer",
            Self::Puzzle(_) => "puzzle",
        }
    }
}

/// The faults that wait for their calls.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(Fault, u64)>);

impl Faults {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self(faults.into_iter().map(|fault| (fault, 0)).collect())
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a call and says what strikes it.
    pub(crate) fn strike(&mut self, method: &str, path: &str) -> Struck {
        let mut struck = Struck::default();
        for (fault, seen) in self.0.iter_mut().filter(|(fault, _)| fault.matches(method, path)) {
            *seen += 1;
            if *seen >= fault.nth && *seen - fault.nth < fault.times {
                struck.0.push(fault.action.clone());
            }
        }
        struck
    }
}

/// What strikes one call.
#[derive(Debug, Default, Clone)]
pub(crate) struct Struck(Vec<FaultAction>);

impl Struck {
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|action| action.name().to_owned()).collect()
    }

    pub(crate) fn drops_request(&self) -> bool {
        self.0.contains(&FaultAction::DropRequest)
    }

    pub(crate) fn drops_response(&self) -> bool {
        self.0.contains(&FaultAction::DropResponse)
    }

    pub(crate) fn delay(&self, after: bool) -> Duration {
        let wanted = |action: &FaultAction| match action {
            FaultAction::Delay { milliseconds, after_work } if *after_work == after => Some(*milliseconds),
            _ => None,
        };
        Duration::from_millis(self.0.iter().filter_map(wanted).sum())
    }

    pub(crate) fn canned<Kind>(&self, after: bool) -> Option<Answer<Kind>> {
        self.0.iter().find_map(|action| match action {
            FaultAction::Answer(canned) if canned.after_work == after => Some(canned.answer()),
            _ => None,
        })
    }

    /// Changes the answer as wanted.
    pub(crate) fn alter<Kind>(&self, answer: &mut Answer<Kind>) {
        for action in &self.0 {
            if let (FaultAction::Puzzle(word), Body::Json(body)) = (action, &mut answer.body) {
                puzzle(body, word);
                answer.deliberate = true;
            }
            if let (FaultAction::AlterAnswer { merge, checked }, Body::Json(body)) =
                (action, &mut answer.body)
            {
                merge_patch(body, merge);
                answer.deliberate |= !checked;
            }
        }
    }
}

/// Puts the word wherever a field tells how far something is, in one word or in several.
fn puzzle(shown: &mut Value, word: &str) {
    match shown {
        Value::Array(items) => items.iter_mut().for_each(|item| puzzle(item, word)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(state) if name == "status" || name == "state" => *state = word.to_owned(),
                    Value::Object(states) if name == "status" => states
                        .values_mut()
                        .filter(|state| state.is_string())
                        .for_each(|state| *state = Value::from(word)),
                    value => puzzle(value, word),
                }
            }
        }
        _ => {}
    }
}

/// RFC 7386.
fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            fields.shift_remove(name);
        } else {
            merge_patch(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Whether a path fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, rest)) => path.strip_prefix(start).is_some_and(|left| {
            (0..=left.len()).filter(|&at| left.is_char_boundary(at)).any(|at| fits(rest, &left[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fault, FaultAction, Faults, fits, merge_patch, puzzle};

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(fits("/accounts/*/d1/database", "/accounts/a/d1/database"));
        assert!(fits("*", ""));
        assert!(fits("/accounts/*/tokens/*/value", "/accounts/a/tokens/b/value"));
        assert!(!fits("/accounts/*/d1/database", "/accounts/a/d1/database/b"));
    }

    #[test]
    fn a_fault_strikes_the_calls_it_names_and_no_other() {
        let fault = Fault::new("POST", "/a/*", FaultAction::DropRequest).from_call(2).for_calls(2);
        let mut faults = Faults::new(vec![fault]);
        let struck: Vec<bool> = (0..5).map(|_| faults.strike("POST", "/a/b").drops_request()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(!faults.strike("GET", "/a/b").drops_request());
    }

    #[test]
    fn null_in_a_merge_patch_removes_a_field() {
        let mut target = json!({"result": {"id": 1, "value": "v"}});
        merge_patch(&mut target, &json!({"result": {"value": null, "id": 2}}));
        assert_eq!(target, json!({"result": {"id": 2}}));
    }

    #[test]
    fn a_fault_is_short_to_write_down() {
        let fault: Fault = serde_json::from_value(json!({"action": "drop_response"})).unwrap();
        assert_eq!(fault, Fault::new("*", "*", FaultAction::DropResponse));
    }

    #[test]
    fn a_puzzling_word_stands_wherever_something_says_how_far_it_is_and_nowhere_else() {
        let mut shown = json!({
            "name": "active", "status": "active", "ssl": { "status": "pending", "method": "txt" },
            "rows": [{ "state": "new", "status": { "ownership": "active", "looks": 3 } }],
        });
        puzzle(&mut shown, "odd");
        let expected = json!({
            "name": "active", "status": "odd", "ssl": { "status": "odd", "method": "txt" },
            "rows": [{ "state": "odd", "status": { "ownership": "odd", "looks": 3 } }],
        });
        assert_eq!(shown, expected);
    }
}
