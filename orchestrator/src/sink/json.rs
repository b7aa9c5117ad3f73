//! A JSON file: one object, from variables to values. Members that others wrote stay byte for byte, and in place.
//!
//! ```json
//! {
//!   "OTHER": 1,
//!   "TOKEN": "sutler:xwing1:…",
//!   "// sutler shop/app": { "TOKEN": "…" }
//! }
//! ```
//!
//! The last member holds the marks of ours; whoever reads the file skips names that begin with `//`.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sutler_secrets::KeyRing;
use zeroize::Zeroizing;

use super::SinkError;
use super::decide::{Change, Changes, Found};
use super::file::{FileSink, Format};
use super::mark::Mark;
use super::scribe::{Scribe, Standing};
use crate::config::Sealing;
use crate::name::{StackName, VariableName};

/// A JSON file.
pub type Json = FileSink<Object>;

impl Json {
    /// The file at this path, for a sink of this stack and name.
    #[must_use]
    pub fn new(of: (&StackName, &str), path: PathBuf, sealing: Sealing, ring: Arc<KeyRing>) -> Self {
        let marks = format!("// sutler {}/{}", of.0, of.1);
        Self::with(Scribe::new(of, path, sealing, ring), Object { marks })
    }
}

/// How the object is written.
#[derive(Debug)]
pub struct Object {
    /// The name of the member that holds our marks.
    marks: String,
}

/// The members of an object, and where their values stand in the text.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Members)
    }
}

/// A member of the file.
struct Member {
    name: String,
    value: Range<usize>,
}

/// The file, taken apart.
struct Taken<'t> {
    text: &'t str,
    members: Vec<Member>,
    /// After the opening brace.
    open: usize,
    marks: BTreeMap<String, String>,
}

impl Object {
    fn take<'t>(&self, path: &Path, text: &'t [u8]) -> Result<Taken<'t>, SinkError> {
        let broken = |line, column| SinkError::NotJson { path: path.to_owned(), line, column };
        let text = std::str::from_utf8(text).map_err(|_| broken(1, 1))?;
        if text.trim_ascii().is_empty() {
            return Ok(Taken { text: "", members: Vec::new(), open: 0, marks: BTreeMap::new() });
        }
        let Members(read) =
            serde_json::from_str(text).map_err(|error| broken(error.line(), error.column()))?;
        let mut members: Vec<Member> = Vec::with_capacity(read.len());
        let mut marks = BTreeMap::new();
        for (name, value) in read {
            let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
            if members.iter().any(|member| member.name == name) {
                let line = line_of(text, start);
                return Err(SinkError::Twice { path: path.to_owned(), line, name });
            }
            if name == self.marks {
                marks = serde_json::from_str(value.get()).unwrap_or_default();
            }
            members.push(Member { name, value: start..start + value.get().len() });
        }
        let open = text.find('{').map_or(0, |brace| brace + 1);
        Ok(Taken { text, members, open, marks })
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
}

impl Format for Object {
    fn find(&self, path: &Path, text: &[u8]) -> Result<Found, SinkError> {
        let taken = self.take(path, text)?;
        let mut found = Found::default();
        for member in &taken.members {
            let Ok(variable) = VariableName::new(&member.name) else { continue };
            let line = line_of(taken.text, member.value.start);
            let mark = taken.marks.get(&member.name).and_then(|mark| Mark::parse(mark));
            match mark {
                None => drop(found.foreign.insert(variable, line)),
                mark => {
                    let raw = &taken.text[member.value.clone()];
                    // What is no text was not written by us, and no mark fits it.
                    let text = serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned());
                    found.ours.insert(variable, Standing { text: Zeroizing::new(text), mark, line });
                }
            }
        }
        Ok(found)
    }

    fn render(&self, path: &Path, text: &[u8], changes: &Changes) -> Result<Zeroizing<Vec<u8>>, SinkError> {
        let taken = self.take(path, text)?;
        let mut marks = taken.marks.clone();
        marks.retain(|name, _| taken.members.iter().any(|member| member.name == *name));
        let mut wanted: BTreeMap<&str, Option<Zeroizing<String>>> = BTreeMap::new();
        for (variable, change) in changes {
            match change {
                Change::Put(written) => {
                    marks.insert(variable.to_string(), written.mark.to_string());
                    wanted.insert(variable.as_str(), Some(quoted(written.text.expose())));
                }
                Change::Remove => {
                    marks.remove(variable.as_str());
                    wanted.insert(variable.as_str(), None);
                }
            }
        }
        let told = (!marks.is_empty()).then(|| {
            let members: Vec<String> =
                marks.iter().map(|(name, mark)| format!("{}: {}", *quoted(name), *quoted(mark))).collect();
            Zeroizing::new(format!("{{\n    {}\n  }}", members.join(",\n    ")))
        });
        wanted.insert(&self.marks, told);
        Ok(splice(&taken, &wanted))
    }

    fn unsayable(&self, _: &str) -> Option<&'static str> {
        None
    }
}

fn quoted(text: &str) -> Zeroizing<String> {
    Zeroizing::new(serde_json::to_string(text).expect("a text can be written as JSON"))
}

/// The text with the members as wanted: in place where they are, else at the end; gone where nothing is wanted.
fn splice(taken: &Taken<'_>, wanted: &BTreeMap<&str, Option<Zeroizing<String>>>) -> Zeroizing<Vec<u8>> {
    let end = taken.members.last().map_or(taken.open, |last| last.value.end);
    let (mut pieces, mut kept): (Vec<&str>, usize) = (Vec::new(), 0);
    let mut from = taken.open;
    for member in &taken.members {
        // From the end of the value before to the beginning of this one: comma, blanks and name.
        let mut before = &taken.text[from..member.value.start];
        let value = &taken.text[member.value.clone()];
        from = member.value.end;
        let value = match wanted.get(member.name.as_str()) {
            Some(None) => continue,
            Some(Some(value)) => value.as_str(),
            None => value,
        };
        if kept == 0 {
            // The first that stays loses the comma of one that went.
            before = before.trim_start_matches([' ', '\t', '\r', '\n']).strip_prefix(',').unwrap_or(before);
        }
        pieces.extend([before, value]);
        kept += 1;
    }
    let mut added: Vec<Zeroizing<String>> = Vec::new();
    let (marks, variables): (Vec<_>, Vec<_>) = wanted.iter().partition(|(name, _)| name.starts_with("//"));
    for (name, value) in variables.into_iter().chain(marks) {
        if let Some(value) = value
            && !taken.members.iter().any(|member| member.name == *name)
        {
            let comma = if kept == 0 { "" } else { "," };
            added.push(Zeroizing::new(format!("{comma}\n  {}: {}", *quoted(name), value.as_str())));
            kept += 1;
        }
    }
    pieces.extend(added.iter().map(|added| added.as_str()));
    let (head, tail) = match taken.text {
        "" => ("{", if kept == 0 { "}\n" } else { "\n}\n" }),
        text => (&text[..taken.open], &text[end..]),
    };
    let tail = if !added.is_empty() && tail.trim_start_matches([' ', '\t']).starts_with('}') {
        format!("\n{tail}")
    } else {
        tail.to_owned()
    };
    Zeroizing::new([head, &pieces.concat(), &tail].concat().into_bytes())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use sutler_secrets::SecretString;

    use super::*;
    use crate::sink::{Edits, Sink};

    struct Home {
        folder: tempfile::TempDir,
        ring: Arc<KeyRing>,
    }

    impl Home {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), ring: Arc::new(KeyRing::generate(Timestamp::now())) }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("app.json")
        }

        fn sink(&self, sealing: Sealing) -> Json {
            Json::new((&StackName::new("shop").unwrap(), "app"), self.path(), sealing, Arc::clone(&self.ring))
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.path()).unwrap()
        }
    }

    fn put(pairs: &[(&str, &str)]) -> [Edits; 1] {
        let put = pairs.iter().map(|(name, value)| (VariableName::new(name).unwrap(), (*value).into()));
        [Edits { put: put.collect(), remove: Vec::new() }]
    }

    fn remove(names: &[&str]) -> [Edits; 1] {
        let remove = names.iter().map(|name| VariableName::new(name).unwrap());
        [Edits { put: Vec::new(), remove: remove.collect() }]
    }

    fn opened(sink: &Json) -> Vec<(String, String)> {
        let all: Vec<(VariableName, SecretString)> = sink.open().unwrap();
        all.into_iter().map(|(name, value)| (name.to_string(), value.expose().clone())).collect()
    }

    #[test]
    fn the_file_is_an_object_of_variables() {
        let home = Home::new();
        let sink = home.sink(Sealing::Clear);
        sink.write(&put(&[("TOKEN", "t\"\u{0}\n"), ("A_URL", "u")])).unwrap();
        let value: serde_json::Value = serde_json::from_str(&home.text()).unwrap();
        assert_eq!((&value["TOKEN"], &value["A_URL"]), (&"t\"\u{0}\n".into(), &"u".into()));
        assert_eq!(value["// sutler shop/app"].as_object().unwrap().len(), 2);
        assert!(home.text().starts_with("{\n  \"") && home.text().ends_with("}\n"), "{}", home.text());
        sink.write(&remove(&["TOKEN", "A_URL"])).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&home.text()).unwrap(), serde_json::json!({}));
    }

    #[test]
    fn members_of_others_stay_byte_for_byte_wherever_ours_stand() {
        let theirs = [
            "{\"a\": 1.50, \"big\": 123456789012345678901234567890}",
            "{ }",
            "\n{\n\t\"x\" : {\"TOKEN\": [1, 2 ]} ,\n\t\"y\":null\n}\n\n",
            "{\"\\u0061\":\"\\u00e9\"}",
        ];
        for before in theirs {
            let home = Home::new();
            std::fs::write(home.path(), before).unwrap();
            let sink = home.sink(Sealing::Clear);
            sink.write(&put(&[("B", "1"), ("C", "2")])).unwrap();
            sink.write(&put(&[("B", "changed"), ("D", "3")])).unwrap();
            sink.write(&remove(&["B"])).unwrap();
            assert_eq!(
                opened(&sink),
                [("C".into(), "2".into()), ("D".into(), "3".into())],
                "{}",
                home.text()
            );
            let inner = before.trim().trim_start_matches('{').trim_end_matches('}').trim();
            assert!(home.text().contains(inner), "{before} became {}", home.text());
            sink.write(&remove(&["C", "D"])).unwrap();
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(read(&home.text()), read(before));
            assert!(home.text().contains(inner), "{before} became {}", home.text());
        }
    }

    #[test]
    fn what_is_first_goes_with_its_comma() {
        let home = Home::new();
        let sink = home.sink(Sealing::Clear);
        sink.write(&put(&[("A", "1"), ("B", "2"), ("C", "3")])).unwrap();
        let theirs = home.text().replacen("\"C\"", "\"theirs\": {},\n  \"C\"", 1);
        std::fs::write(home.path(), theirs).unwrap();
        for name in ["A", "C", "B"] {
            sink.write(&remove(&[name])).unwrap();
            let read = serde_json::from_str::<serde_json::Value>(&home.text());
            assert!(read.is_ok(), "{}", home.text());
        }
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&home.text()).unwrap(),
            serde_json::json!({ "theirs": {} })
        );
    }

    #[test]
    fn what_is_no_object_and_what_stands_there_twice_is_left_alone() {
        for (text, place) in [("[1]", ":1:"), ("{\"a\": }", ":1:"), ("{\"A\": 1,\n\"A\": 2}", ":2")] {
            let home = Home::new();
            std::fs::write(home.path(), text).unwrap();
            let error = home.sink(Sealing::Sealed).write(&put(&[("T", "secret")])).unwrap_err().to_string();
            assert!(error.contains(place) && !error.contains("secret"), "{error}");
            assert_eq!(home.text(), text);
        }
    }
}
