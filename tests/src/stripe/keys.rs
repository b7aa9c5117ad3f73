//! What is kept under idempotency keys.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::answer::{Answer, Refusal};
use super::call::Call;

/// A failure of the vendor's own, which is kept under the key of the call like any other answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFailure {
    /// The operation that fails.
    pub operation: String,
    /// Whether the work is done all the same.
    pub after_work: bool,
}

/// The first answer to each key.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    kept: HashMap<String, Kept>,
    failures: Vec<KeptFailure>,
}

#[derive(Debug)]
struct Kept {
    /// Method, path and body of the first call.
    call: String,
    answer: Answer,
}

impl Keys {
    /// The kept answer, or the refusal of a key that was used for something else.
    pub(crate) fn replay(&self, call: &Call) -> Result<Option<Answer>, Refusal> {
        let Some(kept) = call.key.as_ref().and_then(|key| self.kept.get(key)) else { return Ok(None) };
        // a failed call of version 2 is really tried again
        if call.is_v2() && kept.answer.status >= 400 {
            return Ok(None);
        }
        if kept.call != fingerprint(call) {
            let message = "Keys for idempotent requests can only be used with the same parameters they were first \
                           used with. Try using a key other than the one you used before if you meant to execute a \
                           different request.";
            return Err(Refusal::idempotency(400, None, message));
        }
        let mut answer = kept.answer.clone();
        answer.headers.push(("idempotent-replayed".to_owned(), "true".to_owned()));
        Ok(Some(answer))
    }

    /// Keeps an answer under the call's key.
    pub(crate) fn keep(&mut self, call: &Call, answer: &Answer) {
        if let Some(key) = &call.key {
            self.kept.insert(key.clone(), Kept { call: fingerprint(call), answer: answer.clone() });
        }
    }

    /// The next call of an operation fails.
    pub(crate) fn fail(&mut self, failure: KeptFailure) {
        self.failures.push(failure);
    }

    /// Whether a call of this operation fails now.
    pub(crate) fn failure(&mut self, operation: &str) -> Option<KeptFailure> {
        let at = self.failures.iter().position(|failure| failure.operation == operation)?;
        Some(self.failures.remove(at))
    }

    /// A day later: no key is known any more.
    pub(crate) fn forget(&mut self) {
        self.kept.clear();
    }
}

fn fingerprint(call: &Call) -> String {
    format!("{} {}\n{}", call.method, call.path, call.text)
}
