//! Lines: an event and the spans it happened in, as one JSON object (S-20).

use std::{
    fmt::{self, Write as _},
    io::Write,
};

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

/// What only a line itself may say.
const RESERVED: [&str; 3] = ["timestamp", "level", "target"];

/// Writes lines.
pub(super) struct Lines<W>(W);

impl<W> Lines<W> {
    /// Each line goes to a writer of its own, in one write.
    pub(super) fn to(writer: W) -> Self {
        Self(writer)
    }
}

/// The fields of a span, kept with it.
struct Kept(Fields);

/// Fields by name, in the order in which they came; a later one of the same name counts. Every request has some and few
/// have a line, so that taking them in has to be cheap: their texts stand one behind the other, their names live as long
/// as the program.
#[derive(Default)]
struct Fields {
    named: Vec<(&'static str, Held)>,
    texts: String,
}

/// A value.
enum Held {
    /// As it is.
    Scalar(Value),
    /// The text up to here, since the end of the one before.
    Text { end: usize },
}

impl Fields {
    /// With room for those of a request.
    fn of_span() -> Self {
        Self { named: Vec::with_capacity(8), texts: String::with_capacity(160) }
    }

    /// Leaves out what is for traces only.
    fn put(&mut self, field: &Field, held: impl FnOnce(&mut String) -> Held) {
        let name = field.name();
        if !name.starts_with("otel.") && !RESERVED.contains(&name) {
            self.named.push((name, held(&mut self.texts)));
        }
    }

    fn put_scalar(&mut self, field: &Field, value: impl Into<Value>) {
        self.put(field, |_| Held::Scalar(value.into()));
    }

    /// All of them, for a line.
    fn owned(&self) -> impl Iterator<Item = (String, Value)> {
        let mut begin = 0;
        self.named.iter().map(move |(name, held)| {
            let value = match held {
                Held::Scalar(value) => value.clone(),
                Held::Text { end } => {
                    let text = &self.texts[std::mem::replace(&mut begin, *end)..*end];
                    Value::from(text)
                }
            };
            ((*name).to_owned(), value)
        })
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, |texts| {
            // writing to a text does not fail
            let _ = write!(texts, "{value:?}");
            Held::Text { end: texts.len() }
        });
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, |texts| {
            texts.push_str(value);
            Held::Text { end: texts.len() }
        });
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put_scalar(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put_scalar(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put_scalar(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put_scalar(field, value);
    }
}

impl<S, W, O> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn() -> O + 'static,
    O: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::of_span();
        attributes.record(&mut fields);
        span.extensions_mut().insert(Kept(fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(Kept(fields)) = span.extensions_mut().get_mut() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), jiff::Timestamp::now().to_string().into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        if let Some((name, message)) = own.owned().find(|(name, _)| name == "message") {
            line.insert(name, message);
        }
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(Kept(fields)) = span.extensions().get() {
                line.extend(fields.owned());
            }
        }
        line.extend(own.owned().filter(|(name, _)| name != "message"));
        line.insert("target".to_owned(), event.metadata().target().into());
        // nobody reads standard error any more: there is nobody to tell
        let _ = (self.0)().write_all(rendered(line).as_bytes());
    }
}

/// One line. What some readers take for the end of a line, and what would play with a terminal, is escaped.
fn rendered(line: Map<String, Value>) -> String {
    let text = Value::Object(line).to_string();
    let mut rendered = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if is_treacherous(character) {
            rendered.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            rendered.push(character);
        }
    }
    rendered.push('\n');
    rendered
}

/// Such characters are only ever inside the strings of the object: everything else of it is ASCII.
fn is_treacherous(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use proptest::prelude::*;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while `act` runs.
    fn written(act: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = tracing_subscriber::registry().with(Lines::to(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, act);
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_names_what_it_was_written_in_and_the_inner_wins() {
        let text = written(|| {
            let fields =
                tracing::error_span!("request", request_id = "r", endpoint = tracing::field::Empty, step = 1);
            fields.record("endpoint", "bind");
            let _outer = fields.enter();
            let _inner = tracing::error_span!("operation", step = 2, otel.kind = "server").entered();
            tracing::info!(work = "bind", level = "forged", "done");
        });
        let line: Value = serde_json::from_str(&text).unwrap();
        for (name, value) in [
            ("request_id", "r"),
            ("endpoint", "bind"),
            ("work", "bind"),
            ("level", "INFO"),
            ("message", "done"),
        ] {
            assert_eq!(line[name], value, "{line}");
        }
        assert_eq!(line["step"], 2);
        assert!(line.get("otel.kind").is_none());
    }

    proptest! {
        #[test]
        fn s_20_whatever_is_said_stays_within_its_field(said in any::<String>(), also in "\\PC*[\n\r\u{85}\u{2028}\u{202e}\u{1b}]\\PC*") {
            for said in [said, also] {
                let text = written(|| {
                    let _span = tracing::error_span!("request", request_id = %said).entered();
                    tracing::info!(description = said, "{said}");
                });
                let line: Value = serde_json::from_str(&text).unwrap();
                for field in ["request_id", "description", "message"] {
                    prop_assert_eq!(line[field].as_str(), Some(said.as_str()));
                }
                prop_assert_eq!(line.as_object().unwrap().len(), 6);
                let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}', '\u{1b}', '\u{202e}'];
                prop_assert_eq!(text.matches(breaks).count(), 1, "one line, ended once");
            }
        }
    }
}
