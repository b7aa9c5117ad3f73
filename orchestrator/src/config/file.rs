//! What the user wrote: serde and nothing else. What it means is decided in `check`.

use serde::{Deserialize, de::IgnoredAny};
use sutler_secrets::SecretString;

use super::strict::{Entries, Object};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) stack: String,
    #[serde(default)]
    pub(super) brokers: Entries<BrokerFile>,
    #[serde(default)]
    pub(super) state: Option<String>,
    #[serde(default)]
    pub(super) sinks: Entries<SinkFile>,
    #[serde(default)]
    pub(super) events: Option<EventsFile>,
    #[serde(default)]
    pub(super) instances: Entries<InstanceFile>,
    #[serde(default)]
    pub(super) moved: Entries<String>,
    #[serde(default)]
    pub(super) removed: Vec<String>,
    /// Read by `compose`, and gone after it.
    #[serde(default)]
    pub(super) variables: Option<IgnoredAny>,
    /// As `variables`.
    #[serde(default)]
    pub(super) include: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BrokerFile {
    pub(super) url: String,
    #[serde(default)]
    pub(super) auth: Option<AuthenticationFile>,
    #[serde(default)]
    pub(super) ca: Option<String>,
    #[serde(default)]
    pub(super) parallelism: Option<u64>,
    #[serde(default)]
    pub(super) timeout: Option<String>,
    #[serde(default)]
    pub(super) on_ambiguous: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthenticationFile {
    #[serde(default)]
    pub(super) basic: Option<BasicFile>,
    #[serde(default)]
    pub(super) bearer: Option<SecretForm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicFile {
    pub(super) username: String,
    pub(super) password: SecretForm,
}

/// A text is the secret itself.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum SecretForm {
    Literal(SecretString),
    Source(SecretFile),
}

impl From<SecretForm> for SecretFile {
    fn from(form: SecretForm) -> Self {
        match form {
            SecretForm::Literal(secret) => Self { env: None, file: None, literal: Some(secret) },
            SecretForm::Source(source) => source,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretFile {
    #[serde(default)]
    pub(super) env: Option<String>,
    #[serde(default)]
    pub(super) file: Option<String>,
    #[serde(default)]
    pub(super) literal: Option<SecretString>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SinkFile {
    #[serde(default)]
    pub(super) dotenv: Option<String>,
    #[serde(default)]
    pub(super) json: Option<String>,
    #[serde(default)]
    pub(super) kubernetes: Option<String>,
    #[serde(default)]
    pub(super) command: Option<Vec<String>>,
    #[serde(default)]
    pub(super) sealed: Option<bool>,
    #[serde(default)]
    pub(super) recipient: Option<String>,
    #[serde(default)]
    pub(super) dialect: Option<String>,
    #[serde(default)]
    pub(super) secret: Option<String>,
    #[serde(default)]
    pub(super) namespace: Option<String>,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) provider: Option<String>,
    #[serde(default)]
    pub(super) timeout: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsFile {
    #[serde(default)]
    pub(super) file: Option<String>,
    #[serde(default)]
    pub(super) webhooks: Entries<WebhookFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookFile {
    pub(super) url: String,
    pub(super) secret: SecretForm,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstanceFile {
    pub(super) service: String,
    #[serde(default)]
    pub(super) plan: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) protected: Option<bool>,
    #[serde(default)]
    pub(super) replace: Option<String>,
    #[serde(default, alias = "parameters")]
    pub(super) params: Object,
    #[serde(default)]
    pub(super) bind: Entries<String>,
    /// Read by `compose`, and gone after it.
    #[serde(default)]
    pub(super) for_each: Option<IgnoredAny>,
}

impl ConfigFile {
    /// Whether there is anything that has to be composed first.
    pub(super) fn is_composed(&self) -> bool {
        self.variables.is_some()
            || self.include.is_some()
            || self.instances.0.iter().any(|(_, instance)| instance.for_each.is_some())
    }
}

/// One variable. What it is by default and what it may be depends on its type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariableFile {
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) default: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) one_of: Option<IgnoredAny>,
    /// For people.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    pub(super) secret: Option<bool>,
    #[serde(default)]
    pub(super) from: Option<SecretFile>,
}
