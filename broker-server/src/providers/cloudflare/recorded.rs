//! What was asked for and what was recorded, as the types of one service.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sutler_spec::Parameters;

use crate::providers::{
    BEGIN, Checkpoint, InstanceFacts, Progress, ProviderError, Record, Refusal, Repeatability, Usability,
};

/// The parameters as a type. The engine has checked them against the schema; whatever still fails shows no value.
pub(super) fn wanted<T: DeserializeOwned>(parameters: &Parameters) -> Result<T, ProviderError> {
    let object = Value::Object(parameters.expose().clone());
    serde_path_to_error::deserialize(object).map_err(|error| {
        let place = error.path().to_string();
        ProviderError::refused(
            Refusal::Unsupported,
            format!("the parameter {place} has a form that is not known"),
        )
    })
}

/// The data of the checkpoint.
pub(super) fn data<T: DeserializeOwned>(checkpoint: &Checkpoint) -> Result<T, ProviderError> {
    T::deserialize(&checkpoint.data).map_err(|_| unknown_step(&checkpoint.step))
}

/// What the last finished work remembered.
pub(super) fn remembered<T: DeserializeOwned>(record: Option<&Record>) -> Option<T> {
    record.and_then(|record| T::deserialize(&record.0).ok())
}

/// What an unfinished creation of the same instance knew last: the engine hands it over with the first step.
pub(super) fn left_over<T: DeserializeOwned>(checkpoint: &Checkpoint) -> Option<T> {
    if checkpoint.step != BEGIN {
        return None;
    }
    T::deserialize(&checkpoint.data).ok()
}

/// What is known of an instance, from finished work or else from unfinished.
pub(super) fn known<T: DeserializeOwned>(instance: &InstanceFacts, checkpoint: &Checkpoint) -> Option<T> {
    remembered(instance.record.as_ref()).or_else(|| left_over(checkpoint))
}

/// Goes on at once with another step.
pub(super) fn next<T>(step: &str, data: &impl Serialize) -> Result<Progress<T>, ProviderError> {
    Ok(Progress::Next(at(step, data)?))
}

/// A checkpoint with data.
pub(super) fn at(step: &str, data: &impl Serialize) -> Result<Checkpoint, ProviderError> {
    Ok(Checkpoint::at(step, written(data)?))
}

/// A record.
pub(super) fn record(data: &impl Serialize) -> Result<Record, ProviderError> {
    written(data).map(Record)
}

fn written(data: &impl Serialize) -> Result<Value, ProviderError> {
    serde_json::to_value(data).map_err(|_| unknown_step("with data that cannot be recorded"))
}

/// The recorded step, or its data, is not of this version.
pub(super) fn unknown_step(step: &str) -> ProviderError {
    ProviderError::Failed {
        description: format!("the recorded step {step} cannot be continued by this version of the broker"),
        usable: Usability::Unusable,
        repeat: Repeatability::Pointless,
    }
}

/// Whether the text is so many lower-case hexadecimal digits.
pub(super) fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
