//! A dotenv file: lines that set variables, as a dialect writes them. One block of it is ours.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sutler_secrets::{KeyRing, SecretString};
use zeroize::Zeroizing;

use super::SinkError;
use super::block::{Block, Entry, Grammar};
use super::file::FileSink;
use super::scribe::Scribe;
use crate::config::{Dialect, Sealing};
use crate::name::{StackName, VariableName};

mod dialect;
mod portable;
#[cfg(test)]
mod tests;

/// A line that sets a variable, in clear: shells and dotenv readers read back the same. A value may run over several.
///
/// # Errors
/// When the value cannot be written so that all of them do.
pub fn line(variable: &VariableName, value: &SecretString) -> Result<SecretString, SinkError> {
    let quoted = portable::quote(value.expose())
        .map_err(|what| SinkError::Unprintable { variable: variable.to_string(), what })?;
    Ok(SecretString::new(format!("{variable}={}", quoted.expose())))
}

/// A dotenv file.
pub type Dotenv = FileSink<Block<Lines>>;

impl Dotenv {
    /// The file at this path, for a sink of this stack and name.
    #[must_use]
    pub fn new(
        of: (&StackName, &str),
        path: PathBuf,
        (dialect, sealing): (Dialect, Sealing),
        ring: Arc<KeyRing>,
    ) -> Self {
        Self::with(Scribe::new(of, path, sealing, ring), Block::new(of, Lines { dialect }))
    }
}

/// How the lines of a dotenv file are written.
#[derive(Debug)]
pub struct Lines {
    pub(in crate::sink) dialect: Dialect,
}

impl Grammar for Lines {
    fn form(&self) -> &'static str {
        match self.dialect {
            Dialect::Dotenv => "",
            Dialect::Docker => " (docker)",
            Dialect::Shell => " (shell)",
        }
    }

    fn as_written(&self, begin: &[u8]) -> Self {
        let tells = |form: &[u8]| begin.windows(form.len()).any(|piece| piece == form);
        let dialect = match () {
            () if tells(b" (docker);") => Dialect::Docker,
            () if tells(b" (shell);") => Dialect::Shell,
            () => Dialect::Dotenv,
        };
        Self { dialect }
    }

    fn head(&self) -> String {
        String::new()
    }

    fn is_head(&self, _: &[u8]) -> bool {
        false
    }

    fn indent(&self) -> &'static str {
        ""
    }

    fn ours<'t>(&self, text: &'t [u8]) -> Entry<'t> {
        dialect::entry(self.dialect, text)
    }

    fn foreign<'t>(&self, text: &'t [u8]) -> Entry<'t> {
        dialect::entry(self.dialect, text)
    }

    fn line(&self, variable: &VariableName, text: &str) -> SecretString {
        let quoted = dialect::quote(self.dialect, text).expect("what cannot be said was refused before");
        dialect::line(self.dialect, variable, &quoted)
    }

    fn read(&self, value: &str) -> Zeroizing<String> {
        dialect::read(self.dialect, value)
    }

    fn unsayable(&self, text: &str) -> Option<&'static str> {
        dialect::quote(self.dialect, text).err()
    }

    fn refuse(&self, _: &Path, _: &[u8]) -> Result<(), SinkError> {
        Ok(())
    }
}
