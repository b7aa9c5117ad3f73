//! Where words go: results to standard output, everything for people to standard error.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use serde_json::{Value, json};

use super::args::Color;
use super::text::Paint;

/// The two streams of a run, coloured as asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    choice: ColorChoice,
    quiet: bool,
    json: bool,
}

impl Output {
    pub(crate) fn new(color: Color, quiet: bool, json: bool) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { choice, quiet, json }
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Whether a live picture can be drawn: standard error is a terminal, and nobody asked for silence or JSON.
    pub(crate) fn is_live(self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }

    /// Whether a person can be asked.
    pub(crate) fn can_ask(self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Paint for text that goes through [`Output::print`] or [`Output::say`]: they drop colours where not wanted.
    pub(crate) fn paint(self) -> Paint {
        if self.choice == ColorChoice::Never { Paint::PLAIN } else { Paint::COLORED }
    }

    /// A result, as it is.
    pub(crate) fn print(self, text: &str) -> io::Result<()> {
        let mut stream = AutoStream::new(io::stdout(), self.choice).lock();
        stream.write_all(text.as_bytes())?;
        stream.flush()
    }

    /// A result as one versioned document.
    pub(crate) fn document(self, kind: &str, fields: Value) -> io::Result<()> {
        let mut document = json!({ "kind": kind, "format_version": 1 });
        if let (Value::Object(document), Value::Object(fields)) = (&mut document, fields) {
            document.extend(fields);
        }
        self.print(&format!("{document}\n"))
    }

    /// Something for people, unless they asked for silence.
    pub(crate) fn say(self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Something for people, always.
    pub(crate) fn complain(self, text: &str) {
        let mut stream = AutoStream::new(io::stderr(), self.choice).lock();
        // Where standard error is closed there is nobody to tell.
        let _closed = writeln!(stream, "{text}");
    }
}
