//! What can go wrong with a sink. Each text says what, where, why, and what to do next; none holds a value.

use std::io;
use std::path::PathBuf;

use sutler_secrets::{OpenError, ParseRecipientError};

/// Why a sink could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Somebody else wrote the variable.
    #[error(
        "{variable} is already set at {}:{line}, and Sutler did not write it there; \
         remove it, or bind to another variable", path.display()
    )]
    Conflict {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
    },
    /// Somebody else changed what we wrote.
    #[error(
        "{variable} at {}:{line} was changed by somebody else since Sutler wrote it; \
         remove it there and apply again, which writes it anew", path.display()
    )]
    Edited {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
    },
    /// Setting the variable changes what programs load, run or talk to (S-49).
    #[error(
        "{variable} changes how programs run and is not written to sink '{sink}'; bind to another variable"
    )]
    Hostile {
        /// The sink.
        sink: String,
        /// The variable.
        variable: String,
    },
    /// The format has no way to say the value.
    #[error(
        "the value of {variable} holds {what}, which this file cannot carry in clear; \
         let sink '{sink}' seal its values, which carries everything"
    )]
    Unwritable {
        /// The sink.
        sink: String,
        /// The variable.
        variable: String,
        /// What it holds.
        what: &'static str,
    },
    /// The format has no way to say the value, and nothing is there to seal it.
    #[error(
        "the value of {variable} holds {what}, which a dotenv file cannot carry; use --format json or -- COMMAND"
    )]
    Unprintable {
        /// The variable.
        variable: String,
        /// What it holds.
        what: &'static str,
    },
    /// The part of the file that is ours is not whole.
    #[error("{}:{line}: {what}; restore the marker lines, or remove the whole block and apply again", path.display())]
    Marker {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Our block would become a part of somebody's value.
    #[error("{}:{line}: the quote that opens here is never closed; close it, or remove the line", path.display())]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Not the JSON object that variables are kept in.
    #[error("{}:{line}:{column}: this is not a JSON object; it was left as it is. Name another file", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A member of a JSON object is there twice.
    #[error("{}:{line}: '{name}' is there twice; keep one of them", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The line of the second one, from 1.
        line: usize,
        /// The member's name.
        name: String,
    },
    /// What others wrote into a manifest is no YAML.
    #[error("{} holds what is not YAML; it was left as it is. Mend it, or name another file", path.display())]
    NotYaml {
        /// The file.
        path: PathBuf,
    },
    /// The manifest of somebody else has the Secret already.
    #[error(
        "{} has a Secret '{name}' that Sutler did not write; remove it, or give the sink another `secret`",
        path.display()
    )]
    SameSecret {
        /// The file.
        path: PathBuf,
        /// The Secret's name.
        name: String,
    },
    /// The file with the public key cannot be used.
    #[error("{} does not name a recipient", path.display())]
    Recipient {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ParseRecipientError,
    },
    /// A command did not take what it was given.
    #[error("sink '{sink}': {program} {what}; what it was given will be given again by the next apply")]
    Command {
        /// The sink.
        sink: String,
        /// The program.
        program: String,
        /// What is wrong; masked.
        what: String,
    },
    /// What a command was given cannot be told.
    #[error("{} is not what Sutler wrote; remove it, and the next apply gives the command everything again", path.display())]
    Ledger {
        /// The file.
        path: PathBuf,
    },
    /// The sink only takes.
    #[error("sink '{sink}' is a command, which only takes variables; name another one with --sink")]
    NotKept {
        /// The sink.
        sink: String,
    },
    /// A symbolic link, or no file at all.
    #[error("{} is {what}, which Sutler does not write to; name a regular file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Far larger than a file of variables is.
    #[error("{} is larger than {limit} bytes; it was left as it is. Name another file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How large it may be.
        limit: u64,
    },
    /// Somebody keeps writing to it.
    #[error("{} was changed by somebody else again and again while it was being written; try again", path.display())]
    Unsteady {
        /// The file.
        path: PathBuf,
    },
    /// The system would not read it.
    #[error("could not read {}; see that this user may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system would not write it.
    #[error("could not write {}; see that its folder exists, may be written, and has space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A sealed value does not open.
    #[error("{variable} at {} cannot be opened; `sutler apply` writes it anew once its line is removed", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
        /// The variable.
        variable: String,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The program was stopped, or a thread was lost.
    #[error("writing to sink '{sink}' was interrupted; run the command again")]
    Interrupted {
        /// The sink.
        sink: String,
    },
}
