//! Stripe's form encoding: `a[b]=c`, `list[0]=x`, numbers and booleans as text.
//!
//! An empty text takes a field away at Stripe, so nothing is ever sent as empty by accident: `null` is left out, at any
//! depth, and an empty text is sent where the caller wrote one.

use serde_json::Value;
use url::form_urlencoded::Serializer;

/// The body of a call.
pub(super) fn encoded(body: &Value) -> String {
    let mut form = Serializer::new(String::new());
    if let Value::Object(fields) = body {
        for (name, value) in fields {
            append(&mut form, name, value);
        }
    }
    form.finish()
}

fn append(form: &mut Serializer<'_, String>, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(value) => {
            form.append_pair(name, if *value { "true" } else { "false" });
        }
        Value::Number(number) => {
            form.append_pair(name, &number.to_string());
        }
        Value::String(text) => {
            form.append_pair(name, text);
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                append(form, &format!("{name}[{index}]"), item);
            }
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                append(form, &format!("{name}[{field}]"), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use url::form_urlencoded;

    use super::*;

    fn pairs(body: &Value) -> Vec<(String, String)> {
        form_urlencoded::parse(encoded(body).as_bytes()).into_owned().collect()
    }

    #[test]
    fn nesting_is_written_with_brackets() {
        let body = json!({
            "name": "Pro & more", "active": true, "percent": 12.5, "amount": 1000,
            "metadata": { "a": "b" }, "events": ["x.y", "*"],
            "tiers": [{ "up_to": 10 }, { "up_to": "inf" }],
        });
        let written: Vec<String> =
            pairs(&body).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            written,
            [
                "name=Pro & more",
                "active=true",
                "percent=12.5",
                "amount=1000",
                "metadata[a]=b",
                "events[0]=x.y",
                "events[1]=*",
                "tiers[0][up_to]=10",
                "tiers[1][up_to]=inf",
            ]
        );
    }

    #[test]
    fn null_is_left_out_and_only_an_empty_text_is_sent_as_empty() {
        assert_eq!(encoded(&json!({ "a": null, "b": { "c": null }, "d": [], "e": {} })), "");
        assert_eq!(encoded(&json!({ "description": "" })), "description=");
    }

    proptest! {
        #[test]
        fn nothing_is_empty_that_was_not_written_so(name in "[a-z]{1,8}", text in any::<String>(), deep in any::<bool>()) {
            let inner = json!({ name.clone(): [text.clone(), null_of(deep)] });
            let sent = pairs(&json!({ "outer": inner }));
            prop_assert_eq!(sent, [(format!("outer[{name}][0]"), text)]);
        }
    }

    fn null_of(deep: bool) -> Value {
        if deep { json!({ "deeper": null }) } else { Value::Null }
    }
}
