//! How much work a schema can cause: a few hundred bytes of references can stand for millions of checks (S-31).

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Subschemas visited at most when all references are followed.
const WEIGHT: u64 = 100_000;
/// Nesting and references followed at most; a stack of 2 MiB holds them.
const HEIGHT: u32 = 192;
/// Regular expressions; each may take a megabyte to compile.
const PATTERNS: usize = 256;
/// References that are no plain pointers into the document, which we do not follow.
const NAMED_REFERENCES: usize = 16;

/// Whether a schema stays within what validation can afford.
pub(crate) fn is_affordable(schema: &Value) -> bool {
    let identifier = match schema.get("$schema").and_then(Value::as_str) {
        Some(draft) if draft.contains("draft-04") => "id",
        _ => "$id",
    };
    let mut count = Count { identifier, ..Count::default() };
    count.add(schema, true);
    // Below an identifier of its own, a pointer starts elsewhere.
    let named = if count.has_inner_base { count.references } else { count.named };
    if count.patterns > PATTERNS || named > NAMED_REFERENCES {
        return false;
    }
    let measure = Survey { root: schema, known: HashMap::new() }.measure(schema, 0);
    measure.weight <= WEIGHT && measure.height <= HEIGHT
}

/// What a schema holds, with nothing followed.
#[derive(Default)]
struct Count {
    identifier: &'static str,
    has_inner_base: bool,
    patterns: usize,
    references: usize,
    named: usize,
}

impl Count {
    fn add(&mut self, value: &Value, is_root: bool) {
        match value {
            Value::Object(object) => {
                self.add_keywords(object, is_root);
                object.values().for_each(|child| self.add(child, false));
            }
            Value::Array(items) => items.iter().for_each(|child| self.add(child, false)),
            _ => {}
        }
    }

    fn add_keywords(&mut self, object: &Map<String, Value>, is_root: bool) {
        self.patterns += usize::from(object.get("pattern").is_some_and(Value::is_string));
        self.patterns += object.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
        self.has_inner_base |= !is_root && object.get(self.identifier).is_some_and(Value::is_string);
        for reference in references(object) {
            self.references += 1;
            self.named += usize::from(pointer(reference).is_none());
        }
    }
}

#[derive(Clone, Copy)]
struct Measure {
    weight: u64,
    height: u32,
}

/// Weight and height of subschemas with all pointers followed.
struct Survey<'a> {
    root: &'a Value,
    /// By the address of the subschema; `None` while it is being measured.
    known: HashMap<*const Value, Option<Measure>>,
}

impl<'a> Survey<'a> {
    /// A reference to what is being measured counts once: the instance's depth bounds such a loop, not the schema.
    fn measure(&mut self, value: &'a Value, depth: u32) -> Measure {
        let mut total = Measure { weight: 1, height: 1 };
        if depth > HEIGHT {
            return Measure { weight: u64::MAX, height: u32::MAX };
        }
        let address = std::ptr::from_ref(value);
        match self.known.get(&address) {
            Some(Some(known)) => return *known,
            Some(None) => return total,
            None => self.known.insert(address, None),
        };
        for child in self.children(value) {
            let child = self.measure(child, depth + 1);
            total.weight = total.weight.saturating_add(child.weight);
            total.height = total.height.max(child.height.saturating_add(1));
        }
        self.known.insert(address, Some(total));
        total
    }

    fn children(&self, value: &'a Value) -> Vec<&'a Value> {
        match value {
            Value::Object(object) => {
                let targets = references(object).filter_map(|name| self.root.pointer(pointer(name)?));
                object.values().chain(targets).collect()
            }
            Value::Array(items) => items.iter().collect(),
            _ => Vec::new(),
        }
    }
}

fn references(object: &Map<String, Value>) -> impl Iterator<Item = &str> {
    ["$ref", "$dynamicRef", "$recursiveRef"].into_iter().filter_map(|key| object.get(key)?.as_str())
}

/// The JSON pointer of a reference into the document, unless it is encoded or goes by a name.
fn pointer(reference: &str) -> Option<&str> {
    reference
        .strip_prefix('#')
        .filter(|pointer| (pointer.is_empty() || pointer.starts_with('/')) && !pointer.contains('%'))
}
