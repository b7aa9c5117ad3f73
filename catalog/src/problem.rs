//! What is wrong with parameters, said without any of their values (S-31).

use std::fmt;

use jsonschema::{
    error::{ValidationError, ValidationErrorKind},
    paths::Location,
};
use serde_json::Value;

/// Problems listed at most.
const LISTED: usize = 100;
/// Characters of a message at most; messages quote the schema, which may be anyone's.
const MESSAGE: usize = 400;

/// One thing that is wrong with parameters. Holds names of properties and parts of the schema, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer to what is wrong; empty for the parameters as a whole.
    pub path: String,
    /// The keyword that is violated, such as `required`.
    pub rule: String,
    /// What is wrong, in words.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

impl Problem {
    /// All problems that the errors stand for, cut off after the first hundred.
    pub(crate) fn list<'i>(
        errors: impl Iterator<Item = ValidationError<'i>>,
        parameters: &Value,
    ) -> Vec<Self> {
        let mut problems = Vec::new();
        for error in errors {
            Self::add(&mut problems, &error, parameters);
            if problems.len() > LISTED {
                problems.truncate(LISTED);
                let (path, rule) = (String::new(), "more".to_owned());
                problems.push(Self { path, rule, message: "and more".to_owned() });
                break;
            }
        }
        problems
    }

    /// A text of unknown origin made fit for a terminal: escaped and cut.
    pub(crate) fn printable(text: &str) -> String {
        let mut safe: String = text.chars().take(MESSAGE).flat_map(escaped).collect();
        if text.chars().nth(MESSAGE).is_some() {
            safe.push('…');
        }
        safe
    }

    fn add(problems: &mut Vec<Self>, error: &ValidationError<'_>, parameters: &Value) {
        let path = error.instance_path();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                problems.extend(Self::unknown(error, unexpected.iter()));
            }
            // An object that may hold nothing: the error names no property, but all are unknown.
            ValidationErrorKind::FalseSchema
                if error.schema_path().as_str().ends_with("/additionalProperties")
                    && let Some(Value::Object(object)) = parameters.pointer(path.as_str()) =>
            {
                problems.extend(Self::unknown(error, object.keys()));
            }
            ValidationErrorKind::FalseSchema => {
                problems.push(Self::of(error, path.as_str(), "nothing is allowed here"));
            }
            ValidationErrorKind::Required { property } => {
                let message = format!("the property '{}' is required", property.as_str().unwrap_or_default());
                problems.push(Self::of(error, path.as_str(), &message));
            }
            ValidationErrorKind::PropertyNames { error: inner } => {
                let name = inner.instance().as_str().unwrap_or_default();
                let message = format!("the name of the property is not allowed: {}", inner.masked());
                problems.push(Self::of(error, &below(path, name), &message));
            }
            ValidationErrorKind::Not { schema } if let Some(names) = excluded(schema) => {
                let message = format!("the properties {names} cannot be given together");
                problems.push(Self::of(error, path.as_str(), &message));
            }
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }
                if let Some(errors) = meant(context, path) =>
            {
                errors.iter().for_each(|error| Self::add(problems, error, parameters));
            }
            _ => problems.push(Self::of(error, path.as_str(), &error.masked().to_string())),
        }
    }

    fn unknown<'n>(
        error: &ValidationError<'_>,
        names: impl Iterator<Item = &'n String>,
    ) -> impl Iterator<Item = Self> {
        names.take(LISTED + 1).map(|name| Self {
            path: Self::printable(&below(error.instance_path(), name)),
            rule: "additionalProperties".to_owned(),
            message: Self::printable(&format!("the property '{name}' is not known here")),
        })
    }

    fn of(error: &ValidationError<'_>, path: &str, message: &str) -> Self {
        let rule = error.kind().keyword().to_owned();
        Self { path: Self::printable(path), rule, message: Self::printable(message) }
    }
}

/// The names in `{"required": […]}`, which behind `not` says that they exclude each other.
fn excluded(schema: &Value) -> Option<String> {
    let object = schema.as_object().filter(|object| object.len() == 1)?;
    let names: Option<Vec<&str>> = object.get("required")?.as_array()?.iter().map(Value::as_str).collect();
    let names = names.filter(|names| names.len() > 1)?;
    Some(names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" and "))
}

/// Of several alternatives, the only one whose type fits: its errors say more than "none fits".
fn meant<'e>(
    alternatives: &'e [Vec<ValidationError<'static>>],
    path: &Location,
) -> Option<&'e [ValidationError<'static>]> {
    let fits = |errors: &&Vec<ValidationError<'static>>| {
        !errors.iter().any(|error| {
            matches!(error.kind(), ValidationErrorKind::Type { .. }) && error.instance_path() == path
        })
    };
    let mut fitting = alternatives.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(errors), None) => Some(errors),
        _ => None,
    }
}

/// The pointer to a property of what a pointer names.
fn below(path: &Location, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Control characters, and those that turn the direction of writing, as `\u{…}`.
fn escaped(character: char) -> impl Iterator<Item = char> {
    let turns =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escape = character.is_control() || turns;
    let plain = (!escape).then_some(character);
    plain.into_iter().chain(escape.then(|| character.escape_unicode()).into_iter().flatten())
}
