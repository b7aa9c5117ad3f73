//! What was asked for and what was recorded, as the types of one service.

use serde::{Serialize, de::DeserializeOwned};
use sutler_spec::Parameters;

use crate::providers::{BEGIN, Checkpoint, InstanceFacts, Progress, ProviderError, Record, typed};

/// The parameters as a type.
pub(crate) fn wanted<T: DeserializeOwned>(parameters: &Parameters) -> Result<T, ProviderError> {
    typed::parameters(parameters)
}

/// The data of the checkpoint.
pub(crate) fn data<T: DeserializeOwned>(checkpoint: &Checkpoint) -> Result<T, ProviderError> {
    checkpoint.data()
}

/// What the last finished work remembered.
pub(crate) fn remembered<T: DeserializeOwned>(record: Option<&Record>) -> Option<T> {
    record.and_then(Record::read)
}

/// What unfinished work on the same instance knew last: the engine hands it over with the first step.
pub(crate) fn left_over<T: DeserializeOwned>(checkpoint: &Checkpoint) -> Option<T> {
    if checkpoint.step != BEGIN {
        return None;
    }
    T::deserialize(&checkpoint.data).ok()
}

/// What is known of an instance, from finished work or else from unfinished.
pub(crate) fn known<T: DeserializeOwned>(instance: &InstanceFacts, checkpoint: &Checkpoint) -> Option<T> {
    remembered(instance.record.as_ref()).or_else(|| left_over(checkpoint))
}

/// Goes on at once with another step.
pub(crate) fn next<T>(step: &str, data: &impl Serialize) -> Result<Progress<T>, ProviderError> {
    Progress::next(step, data)
}

/// A checkpoint with data.
pub(crate) fn at(step: &str, data: &impl Serialize) -> Result<Checkpoint, ProviderError> {
    Checkpoint::with(step, data)
}

/// A record.
pub(crate) fn record(data: &impl Serialize) -> Result<Record, ProviderError> {
    Record::of(data)
}

/// The recorded step is not of this version.
pub(crate) fn unknown_step(step: &str) -> ProviderError {
    ProviderError::failed(format!(
        "the recorded step {step} cannot be continued by this version of the broker"
    ))
}

/// Whether the text is so many lower-case hexadecimal digits.
pub(crate) fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
