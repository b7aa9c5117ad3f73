//! What an instance was asked for, as keyed digests: whether it changed can be seen without opening anything.

use serde_json::Value;
use sutler_secrets::{Digest, KeyRing, canonical_json};
use sutler_spec::{PlanId, ServiceId};

use crate::reference::{Mention, Part, Template, output, parse};
use crate::state::record::Few;

/// The digest of an output's value, by ref and key; nothing when it is not known.
pub trait OutputDigests {
    /// The digest, if the instance has such an output. Asked for the longest key first.
    fn output_digest(&self, target: &str, key: &str) -> Option<Digest>;
}

impl<F: Fn(&str, &str) -> Option<Digest>> OutputDigests for F {
    fn output_digest(&self, target: &str, key: &str) -> Option<Digest> {
        self(target, key)
    }
}

/// What is asked for, apart from parameters.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'s> {
    /// The offering.
    pub service: &'s ServiceId,
    /// The plan.
    pub service_plan: &'s PlanId,
    /// What the vendor object is called.
    pub name: &'s str,
}

/// Makes digests of inputs. References are not resolved: each counts as the digest of the output it refers to and the
/// path into it, so a consumer changes when what it uses changes. Keep one for many: it reuses its memory.
#[derive(Debug)]
pub struct Inputs<'r> {
    ring: &'r KeyRing,
    buffer: Vec<u8>,
}

impl<'r> Inputs<'r> {
    /// Digests under this ring.
    #[must_use]
    pub fn new(ring: &'r KeyRing) -> Self {
        Self { ring, buffer: Vec::with_capacity(1024) }
    }

    /// The ring.
    #[must_use]
    pub fn ring(&self) -> &'r KeyRing {
        self.ring
    }

    /// The digest of everything: [`Asked::inputs`](crate::state::record::Asked::inputs). Nothing when it refers to an
    /// output that is not known.
    pub fn digest(
        &mut self,
        subject: Subject<'_>,
        parameters: &Value,
        outputs: &impl OutputDigests,
    ) -> Option<Digest> {
        self.buffer.clear();
        for text in [subject.service.as_str(), subject.service_plan.as_str(), subject.name] {
            write_text(text, &mut self.buffer);
        }
        write(parameters, outputs, &mut self.buffer)?;
        Some(self.ring.digest("inputs", &self.buffer))
    }

    /// The digest of one top-level parameter. Nothing when it refers to an output that is not known.
    pub fn parameter(&mut self, key: &str, value: &Value, outputs: &impl OutputDigests) -> Option<Digest> {
        self.buffer.clear();
        write_text(key, &mut self.buffer);
        write(value, outputs, &mut self.buffer)?;
        Some(self.ring.digest("parameter", &self.buffer))
    }

    /// The digest of each top-level parameter: [`Asked::parameter_digests`](crate::state::record::Asked::parameter_digests).
    /// Nothing when one refers to an output that is not known.
    pub fn parameters(&mut self, parameters: &Value, outputs: &impl OutputDigests) -> Option<Few<Digest>> {
        let members = parameters.as_object().into_iter().flatten();
        members.map(|(key, value)| Some((key.as_str(), self.parameter(key, value, outputs)?))).collect()
    }
}

/// One form for each meaning, and no form for two: a tag, lengths before texts, members sorted.
fn write(value: &Value, outputs: &impl OutputDigests, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null => out.push(b'n'),
        Value::Bool(flag) => out.push(if *flag { b't' } else { b'f' }),
        Value::Number(_) => {
            out.push(b'#');
            canonical_json(value, out).ok()?;
            out.push(b';');
        }
        Value::String(text) => return write_template(text, outputs, out),
        Value::Array(items) => {
            out.push(b'[');
            items.iter().try_for_each(|item| write(item, outputs, out))?;
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            if members.keys().is_sorted() {
                for (key, member) in members {
                    write_text(key, out);
                    write(member, outputs, out)?;
                }
            } else {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_unstable_by_key(|(key, _)| key.as_str());
                for (key, member) in sorted {
                    write_text(key, out);
                    write(member, outputs, out)?;
                }
            }
            out.push(b'}');
        }
    }
    Some(())
}

fn write_template(text: &str, outputs: &impl OutputDigests, out: &mut Vec<u8>) -> Option<()> {
    match parse(text).ok()? {
        Template::Literal(text) => write_text(&text, out),
        Template::Whole(mention) => write_output(mention, outputs, out)?,
        Template::Embedded(parts) => {
            out.push(b'<');
            for part in parts {
                match part {
                    Part::Text(text) => write_text(&text, out),
                    Part::Output(mention) => write_output(mention, outputs, out)?,
                }
            }
            out.push(b'>');
        }
    }
    Some(())
}

fn write_output(mention: Mention<'_>, outputs: &impl OutputDigests, out: &mut Vec<u8>) -> Option<()> {
    let (digest, path) = output(mention.key, |key| outputs.output_digest(mention.target, key))?;
    out.push(b'@');
    out.extend_from_slice(digest.as_bytes());
    write_text(path, out);
    Some(())
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b's');
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    struct Case {
        ring: KeyRing,
        token: &'static str,
    }

    impl Case {
        fn digest(&self, name: &str, parameters: &Value) -> Option<Digest> {
            let (service, service_plan) = (ServiceId::new("s").unwrap(), PlanId::new("p").unwrap());
            let subject = Subject { service: &service, service_plan: &service_plan, name };
            Inputs::new(&self.ring).digest(subject, parameters, &self.outputs())
        }

        fn outputs(&self) -> impl OutputDigests {
            |target: &str, key: &str| {
                ((target, key) == ("t", "token")).then(|| self.ring.digest("output", self.token.as_bytes()))
            }
        }
    }

    #[test]
    fn the_order_of_keys_and_the_form_of_numbers_do_not_count() {
        let case = Case { ring: KeyRing::generate(Timestamp::UNIX_EPOCH), token: "a" };
        let one = case.digest("n", &json!({ "a": 1, "b": { "c": [1.0, 2], "d": null } }));
        let other = case.digest("n", &json!({ "b": { "d": null, "c": [1, 2] }, "a": 1.0 }));
        assert!(one.is_some());
        assert_eq!(one, other);
        assert_ne!(one, case.digest("m", &json!({ "a": 1, "b": { "c": [1, 2], "d": null } })));
        assert_ne!(case.digest("n", &json!(["a", "b"])), case.digest("n", &json!(["ab"])));
        assert_ne!(case.digest("n", &json!("1")), case.digest("n", &json!(1)));
    }

    #[test]
    fn a_reference_counts_as_the_output_and_not_as_its_text() {
        let mut case = Case { ring: KeyRing::generate(Timestamp::UNIX_EPOCH), token: "a" };
        let (whole, part) = (json!({ "x": ["@t.token"] }), json!({ "x": "id=${t.token.deep}" }));
        let (before, embedded) = (case.digest("n", &whole), case.digest("n", &part));
        assert!(before.is_some() && embedded.is_some() && before != embedded);
        case.token = "b";
        assert_ne!(before, case.digest("n", &whole));
        assert_ne!(embedded, case.digest("n", &part));
        assert_eq!(case.digest("n", &json!("@t.other")), None);
        assert_eq!(case.digest("n", &json!("@@x")), case.digest("n", &json!("@@x")));
        assert!(case.digest("n", &json!("@@x")).is_some());
    }

    #[test]
    fn each_parameter_has_a_digest_of_its_own() {
        let case = Case { ring: KeyRing::generate(Timestamp::UNIX_EPOCH), token: "a" };
        let mut inputs = Inputs::new(&case.ring);
        let digests =
            inputs.parameters(&json!({ "a": 1, "b": 1, "c": "@t.token" }), &case.outputs()).unwrap();
        assert_eq!(digests.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_ne!(digests["a"], digests["b"]);
        assert_eq!(inputs.parameters(&json!({ "c": "@t.no" }), &case.outputs()), None);
    }
}
