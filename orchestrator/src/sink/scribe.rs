//! How values become what stands in a file, and back: sealed or in clear, each marked as ours.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use sutler_secrets::{KeyRing, Letter, OpenError, Place, Recipient, Sealed, SecretString};
use zeroize::Zeroizing;

use super::SinkError;
use super::mark::{Form, Mark, Spot};
use crate::config::Sealing;
use crate::name::{StackName, VariableName};

/// A variable as it stands in a file.
#[derive(Debug)]
pub(super) struct Standing {
    /// What stands there, without the file's own quotes.
    pub(super) text: Zeroizing<String>,
    /// The mark beside it; older versions left none.
    pub(super) mark: Option<Mark>,
    /// Its line, from 1.
    pub(super) line: usize,
}

/// What a variable in our part of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As we wrote it, and for the value that is wanted.
    Same,
    /// As we wrote it.
    Ours,
    /// Changed by somebody else since.
    Edited,
}

/// A value as it is to stand in a file.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) text: SecretString,
    pub(super) mark: Mark,
}

/// Writes and reads for one sink.
#[derive(Debug)]
pub(super) struct Scribe {
    stack: StackName,
    sink: String,
    path: PathBuf,
    sealing: Sealing,
    ring: Arc<KeyRing>,
    recipient: OnceLock<Recipient>,
}

impl Scribe {
    pub(super) fn new(
        (stack, sink): (&StackName, &str),
        path: PathBuf,
        sealing: Sealing,
        ring: Arc<KeyRing>,
    ) -> Self {
        let (stack, sink, recipient) = (stack.clone(), sink.to_owned(), OnceLock::new());
        Self { stack, sink, path, sealing, ring, recipient }
    }

    pub(super) fn sink(&self) -> &str {
        &self.sink
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Whether values are sealed for the ring that is at hand.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealing == Sealing::Sealed
    }

    /// Writes a value.
    ///
    /// # Errors
    /// When the recipient's file cannot be used.
    pub(super) fn write(&self, variable: &VariableName, value: &str) -> Result<Written, SinkError> {
        let (form, text) = match self.recipient()? {
            None => (Form::Clear, SecretString::from(value)),
            Some(recipient) => {
                let letter = recipient.seal(&self.place(variable), value.as_bytes());
                (Form::Sealed(recipient.id()), SecretString::from(letter.to_text()))
            }
        };
        let mark = self.spot().mark(variable, (form, value), text.expose());
        Ok(Written { text, mark })
    }

    /// What stands there in the form it should have; nothing when somebody else changed it. What an older version
    /// wrote is written anew.
    ///
    /// # Errors
    /// As [`write`](Self::write), and when what an older version sealed does not open.
    pub(super) fn renew(
        &self,
        variable: &VariableName,
        standing: &Standing,
    ) -> Result<Option<Written>, SinkError> {
        match standing.mark {
            Some(mark) if self.spot().wrote(&mark, variable, &standing.text) => {
                Ok(Some(Written { text: SecretString::from(standing.text.as_str()), mark }))
            }
            Some(_) => Ok(None),
            None => Ok(Some(self.write(variable, self.open(variable, standing)?.expose())?)),
        }
    }

    /// What a variable in our part of the file is, when this value is wanted.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(super) fn judge(
        &self,
        (variable, standing): (&VariableName, &Standing),
        wanted: Option<&str>,
    ) -> Result<Verdict, SinkError> {
        let Some(mark) = &standing.mark else { return Ok(Verdict::Ours) };
        if !self.spot().wrote(mark, variable, &standing.text) {
            return Ok(Verdict::Edited);
        }
        let Some(wanted) = wanted else { return Ok(Verdict::Ours) };
        let form = self.recipient()?.map_or(Form::Clear, |recipient| Form::Sealed(recipient.id()));
        let same = self.spot().says(mark, variable, (form, wanted));
        Ok(if same { Verdict::Same } else { Verdict::Ours })
    }

    /// Whether it stands in the form that is configured now. What an older version sealed may stay until it is written.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(super) fn is_current(&self, variable: &VariableName, standing: &Standing) -> Result<bool, SinkError> {
        let recipient = self.recipient()?;
        Ok(match (self.form(variable, standing), recipient) {
            (Form::Sealed(id), Some(recipient)) => id == recipient.id(),
            (Form::Clear, None) => true,
            (Form::Clear, Some(_)) => standing.mark.is_none() && Sealed::from_text(&standing.text).is_ok(),
            (Form::Sealed(_), None) => false,
        })
    }

    /// Opens what stands there.
    ///
    /// # Errors
    /// When it was sealed with another key, or for another place, or somebody else changed it.
    pub(super) fn open(
        &self,
        variable: &VariableName,
        standing: &Standing,
    ) -> Result<SecretString, SinkError> {
        let failed = |source| self.unopened(variable, source);
        let place = self.place(variable);
        let text = standing.text.as_str();
        let opened = if matches!(self.form(variable, standing), Form::Sealed(_)) {
            let letter = Letter::from_text(text).map_err(failed)?;
            self.ring.open_letter(&place, &letter)
        } else if standing.mark.is_none() && text.starts_with("sutler:v") {
            match Sealed::from_text(text).and_then(|sealed| self.ring.open(&place, &sealed)) {
                Err(_) if self.sealing == Sealing::Clear => Ok(text.as_bytes().to_vec().into()),
                opened => opened,
            }
        } else {
            Ok(text.as_bytes().to_vec().into())
        };
        let opened =
            opened.and_then(|opened| opened.into_text().map_err(|_| OpenError::Malformed)).map_err(failed)?;
        // Anyone can seal for a public key; the mark tells that it was us. Another's marks say nothing to us.
        let ours = match (&standing.mark, &self.sealing) {
            (None, _) | (_, Sealing::SealedFor(_)) => true,
            (Some(mark), _) => self.spot().wrote(mark, variable, text),
        };
        if ours { Ok(opened) } else { Err(self.edited(variable, standing)) }
    }

    fn edited(&self, variable: &VariableName, standing: &Standing) -> SinkError {
        SinkError::Edited { path: self.path.clone(), line: standing.line, variable: variable.to_string() }
    }

    /// A value in clear may look like a sealed one; its mark tells.
    fn form(&self, variable: &VariableName, standing: &Standing) -> Form {
        let text = standing.text.as_str();
        let is_clear = |mark| self.spot().says(mark, variable, (Form::Clear, text));
        match Letter::from_text(text) {
            Ok(letter) if !standing.mark.as_ref().is_some_and(is_clear) => Form::Sealed(letter.key_id()),
            _ => Form::Clear,
        }
    }

    /// For whom values are sealed; nobody when they are written in clear.
    fn recipient(&self) -> Result<Option<&Recipient>, SinkError> {
        if self.sealing == Sealing::Clear {
            return Ok(None);
        }
        if let Some(recipient) = self.recipient.get() {
            return Ok(Some(recipient));
        }
        let recipient = match &self.sealing {
            Sealing::SealedFor(path) => {
                let failed = |source| SinkError::Read { path: path.clone(), source };
                let text = fs::read_to_string(path).map_err(failed)?;
                let told = text.lines().find(|line| !line.trim_start().starts_with('#')).unwrap_or_default();
                told.parse().map_err(|source| SinkError::Recipient { path: path.clone(), source })?
            }
            _ => self.ring.recipient(),
        };
        Ok(Some(self.recipient.get_or_init(|| recipient)))
    }

    fn unopened(&self, variable: &VariableName, source: OpenError) -> SinkError {
        SinkError::Sealed { path: self.path.clone(), variable: variable.to_string(), source }
    }

    fn place(&self, variable: &VariableName) -> Place {
        Place::new("sink").with(self.stack.as_str()).with(&self.sink).with(variable.as_str())
    }

    fn spot(&self) -> Spot<'_> {
        Spot { ring: &self.ring, stack: self.stack.as_str(), sink: &self.sink }
    }
}
