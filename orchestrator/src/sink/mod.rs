//! Where credentials land: written after state knows them, so that what is lost here can be written again.
//!
//! ```text
//!                set                          all sinks of a configuration
//!      ┌──────┬───┴─────┬─────────┐
//!   dotenv kubernetes  json    command
//!      └─block─┘        │         │           lines of ours between lines of others
//!         └── file ─────┘         │           read, decide, write again in one step
//!        decide · disk            │
//!              scribe             │           sealed or in clear
//!                └───── mark ─────┘           what we wrote, and nobody else
//! ```

use std::collections::BTreeSet;
use std::fmt;

use sutler_secrets::SecretString;

use crate::name::VariableName;

mod block;
mod command;
#[cfg(test)]
mod contract;
mod decide;
mod disk;
pub mod dotenv;
mod error;
mod file;
mod json;
mod kubernetes;
mod mark;
mod scribe;
mod set;

pub use command::CommandSink;
pub use error::SinkError;
pub use json::Json;
pub use kubernetes::Kubernetes;
pub use set::SinkSet;

/// What changes in a sink at once.
#[derive(Debug, Default)]
pub struct Edits {
    /// Variables to write, in place of what we wrote for them before.
    pub put: Vec<(VariableName, SecretString)>,
    /// Variables to remove, where we wrote them.
    pub remove: Vec<VariableName>,
}

impl Edits {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.remove.is_empty()
    }

    /// What is put, and then what is removed.
    fn in_order(&self) -> impl Iterator<Item = (&VariableName, Option<&SecretString>)> {
        let put = self.put.iter().map(|(variable, value)| (variable, Some(value)));
        put.chain(self.remove.iter().map(|variable| (variable, None)))
    }
}

/// Keeps variables somewhere.
///
/// Promises, for every implementation:
/// - A write is all or nothing, and durable when it returns. Repeating it is harmless, and changes nothing when
///   everything is as it should be.
/// - Only what we wrote is replaced or removed. Everything else stays byte for byte. A variable that somebody else
///   wrote there, or changed after we wrote it, is a conflict, found before anything is written.
/// - A value that cannot be read back exactly is an error, never a guess.
/// - Calls may block; they are made away from the runtime's threads.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Its handle in the configuration.
    fn name(&self) -> &str;

    /// Where it is, for people.
    fn location(&self) -> String;

    /// Whether what it holds is sealed with this key ring, and so has to be written anew when its key is exchanged.
    fn is_sealed(&self) -> bool {
        false
    }

    /// Whether these variables could be written: none is somebody else's, and none is dangerous to set.
    ///
    /// # Errors
    /// Every variable that could not.
    fn check(&self, variables: &[VariableName]) -> Result<(), Vec<SinkError>>;

    /// Makes all edits, in order; of several that name one variable, the last counts.
    ///
    /// # Errors
    /// When any edit cannot be made; then none was.
    fn write(&self, edits: &[Edits]) -> Result<(), SinkError>;

    /// The variables that we wrote and that are still there.
    ///
    /// # Errors
    /// When it cannot be read.
    fn variables(&self) -> Result<BTreeSet<VariableName>, SinkError>;

    /// Those of them that stand there as this sink would write them now: sealed or in clear, for this key, in this
    /// dialect.
    ///
    /// # Errors
    /// As [`variables`](Self::variables).
    fn current(&self) -> Result<BTreeSet<VariableName>, SinkError> {
        self.variables()
    }

    /// The variables that we wrote, opened.
    ///
    /// # Errors
    /// When it cannot be read, or when something in it was sealed with another key, or for another place.
    fn open(&self) -> Result<Vec<(VariableName, SecretString)>, SinkError>;
}
