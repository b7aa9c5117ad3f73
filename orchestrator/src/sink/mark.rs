//! What tells our writing from everybody else's: a keyed digest beside each value.

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use sutler_secrets::{Digest, Digester, KeyId, KeyRing};

use crate::name::VariableName;

const HALF: usize = 16;

/// Stands beside a value and tells two things to whoever has the key ring, and nothing to others: that the text is the
/// one we wrote, and which value that text stands for. Written as 43 characters of base64 (URL-safe, unpadded).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark([u8; 2 * HALF]);

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Clear,
    /// Sealed for this key's recipient.
    Sealed(KeyId),
}

/// Where a value stands: a sink of a stack, and the keys its marks are made with.
pub(super) struct Spot<'s> {
    pub(super) ring: &'s KeyRing,
    pub(super) stack: &'s str,
    pub(super) sink: &'s str,
}

impl Spot<'_> {
    /// The mark of a value written so.
    pub(super) fn mark(&self, variable: &VariableName, (form, value): (Form, &str), text: &str) -> Mark {
        let mut mark = [0; 2 * HALF];
        mark[..HALF].copy_from_slice(&self.of_text(variable, text));
        mark[HALF..].copy_from_slice(&self.of_value(variable, form, value));
        Mark(mark)
    }

    /// Whether this text is the one that was marked.
    pub(super) fn wrote(&self, mark: &Mark, variable: &VariableName, text: &str) -> bool {
        mark.0[..HALF] == self.of_text(variable, text)
    }

    /// Whether what was marked stands for this value in this form.
    pub(super) fn says(&self, mark: &Mark, variable: &VariableName, (form, value): (Form, &str)) -> bool {
        mark.0[HALF..] == self.of_value(variable, form, value)
    }

    fn of_text(&self, variable: &VariableName, text: &str) -> [u8; HALF] {
        let mut digester = self.start("sink text", variable);
        digester.part(text.as_bytes());
        half(digester.finish())
    }

    fn of_value(&self, variable: &VariableName, form: Form, value: &str) -> [u8; HALF] {
        let mut digester = self.start("sink value", variable);
        match form {
            Form::Clear => digester.part(b"clear"),
            Form::Sealed(id) => digester.part(id.to_string().as_bytes()),
        }
        digester.part(value.as_bytes());
        half(digester.finish())
    }

    fn start(&self, domain: &str, variable: &VariableName) -> Digester {
        let mut digester = self.ring.digester(domain);
        for part in [self.stack, self.sink, variable.as_str()] {
            digester.part(part.as_bytes());
        }
        digester
    }
}

fn half(digest: Digest) -> [u8; HALF] {
    let mut half = [0; HALF];
    half.copy_from_slice(&digest.as_bytes()[..HALF]);
    half
}

impl Mark {
    /// The mark with this text, if it is one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
