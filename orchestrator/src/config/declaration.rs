//! What the configuration means: one declared instance.

use indexmap::IndexMap;
use serde_json::Value;

use crate::name::{BrokerName, InstanceRef, VariableName};
use crate::reference::Use;

/// How an instance is replaced that cannot be changed in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// The new one is made, consumers move to it, then the old one is deleted.
    CreateFirst,
    /// The old one is deleted first: both cannot be there at once, since something about them is exclusive.
    DeleteFirst,
    /// Not at all: such a change is refused.
    Never,
}

impl Replacement {
    /// The words for it, in the configuration.
    pub const WORDS: [(&str, Self); 3] =
        [("create_first", Self::CreateFirst), ("delete_first", Self::DeleteFirst), ("never", Self::Never)];

    /// Reads a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
    }
}

/// One declared instance.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Its handle.
    pub reference: InstanceRef,
    /// The broker, when `service` is written as `broker/service`.
    pub broker: Option<BrokerName>,
    /// The offering's name.
    pub service: String,
    /// The service plan's name; may be left out when the offering has one plan.
    pub service_plan: Option<String>,
    /// What the vendor object is called; the ref when left out.
    pub name: String,
    /// Never deleted or replaced unless forced.
    pub protected: bool,
    /// How it is replaced where it cannot be changed; as its catalog says, or else the new one first, when left out.
    pub replace: Option<Replacement>,
    /// Output key → variable, in the order written.
    pub bind: IndexMap<String, VariableName>,
    /// As written, references not resolved: an object.
    pub parameters: Value,
    /// Every reference below `parameters` to an output of another instance.
    pub uses: Vec<Use>,
    /// Every reference below `parameters` to a variable that is a secret.
    pub secrets: Vec<SecretUse>,
}

/// A reference to a variable that is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// JSON pointer to the text that holds it, below the parameters.
    pub pointer: String,
    /// The variable.
    pub variable: String,
}
