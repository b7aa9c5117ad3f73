//! A chunked body, strictly: sizes in hexadecimal, no extensions, no trailers (S-15).

use super::Refusal;

/// Where in a chunked body the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    Size { digits: u8, size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    LastCr,
    LastLf,
    Finished,
}

impl Chunks {
    pub(super) const START: Self = Self::Size { digits: 0, size: 0 };

    /// Goes over these bytes as far as the body goes, and gives how many that were.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut position = 0;
        while let Some(byte) = bytes.get(position) {
            match self {
                Self::Finished => break,
                Self::Data { left } => {
                    let here = (bytes.len() - position) as u64;
                    let taken = here.min(*left);
                    *left -= taken;
                    position += usize::try_from(taken).unwrap_or(usize::MAX);
                    if *left == 0 {
                        *self = Self::DataCr;
                    }
                }
                _ => {
                    *self = self.after(*byte)?;
                    position += 1;
                }
            }
        }
        Ok(position)
    }

    fn after(self, byte: u8) -> Result<Self, Refusal> {
        match (self, byte) {
            (Self::Size { digits, size }, byte) if byte.is_ascii_hexdigit() && digits < 8 => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Ok(Self::Size { digits: digits + 1, size: size * 16 + u64::from(digit) })
            }
            (Self::Size { digits: 1.., size }, b'\r') => Ok(Self::SizeEnd { size }),
            (Self::SizeEnd { size: 0 }, b'\n') => Ok(Self::LastCr),
            (Self::SizeEnd { size }, b'\n') => Ok(Self::Data { left: size }),
            (Self::DataCr, b'\r') => Ok(Self::DataLf),
            (Self::DataLf, b'\n') => Ok(Self::START),
            (Self::LastCr, b'\r') => Ok(Self::LastLf),
            (Self::LastLf, b'\n') => Ok(Self::Finished),
            _ => Err(Refusal::Malformed),
        }
    }
}
