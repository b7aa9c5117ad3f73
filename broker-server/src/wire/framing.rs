//! Where requests begin and end in a stream of bytes. No more than one request is looked at at a time.

use memchr::memmem;

use super::{
    Refusal, Rules,
    chunks::Chunks,
    head::{self, Follows},
};

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A head; so many of its bytes were searched for its end.
    Head {
        searched: usize,
    },
    Bytes {
        left: u64,
    },
    Chunks(Chunks),
}

/// The framing of one connection.
#[derive(Debug)]
pub(crate) struct Framing {
    state: State,
    rules: Rules,
}

impl Framing {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { state: State::Head { searched: 0 }, rules }
    }

    /// Whether the next byte belongs to a body.
    pub(crate) fn in_body(&self) -> bool {
        !matches!(self.state, State::Head { .. })
    }

    /// Looks for a whole head at the front of these bytes, and gives its length. Bytes that it did not find the end
    /// in must be shown again, with more behind them.
    pub(crate) fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let State::Head { searched } = &mut self.state else { return Ok(Some(0)) };
        if matches!(bytes.first(), Some(b'\r' | b'\n' | b' ' | b'\t' | 0x16)) {
            return Err(Refusal::Malformed);
        }
        // the end may have begun in what was searched before
        let from = searched.saturating_sub(3);
        let found = memmem::find(&bytes[from.min(bytes.len())..], b"\r\n\r\n");
        let Some(found) = found else {
            *searched = bytes.len();
            return self.unfinished(bytes, from).map_or(Ok(None), Err);
        };
        let length = from + found + 4;
        if length > self.rules.head {
            return Err(Refusal::LargeHead);
        }
        self.state = match head::read(&bytes[..length], &self.rules)? {
            Follows::Nothing => State::Head { searched: 0 },
            Follows::Bytes(left) => State::Bytes { left },
            Follows::Chunks => State::Chunks(Chunks::START),
        };
        Ok(Some(length))
    }

    /// What is wrong with a head already that has not arrived whole; what stands before `from` was looked at.
    fn unfinished(&self, bytes: &[u8], from: usize) -> Option<Refusal> {
        let line = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        // method, target and version, with what stands around the target
        if line.unwrap_or(bytes.len()) > self.rules.target + 64 {
            return Some(Refusal::LongTarget);
        }
        if bytes.len() > self.rules.head {
            return Some(Refusal::LargeHead);
        }
        // a line end that is none would let a head without end wait for one
        let bare = bytes[from.min(bytes.len())..].windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r');
        bare.then_some(Refusal::Malformed)
    }

    /// Goes over the bytes of a body, as far as it goes, and gives how many that were.
    pub(crate) fn body(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match &mut self.state {
            State::Head { .. } => Ok(0),
            State::Bytes { left } => {
                let taken = (bytes.len() as u64).min(*left);
                *left -= taken;
                if *left == 0 {
                    self.state = State::Head { searched: 0 };
                }
                Ok(usize::try_from(taken).unwrap_or(usize::MAX))
            }
            State::Chunks(chunks) => {
                let taken = chunks.advance(bytes)?;
                if *chunks == Chunks::Finished {
                    self.state = State::Head { searched: 0 };
                }
                Ok(taken)
            }
        }
    }
}
