//! Where the next page of a list begins: how many pages and rows came before it.

use crate::providers::{ProviderError, Refusal};

/// The page that comes next, and how many rows came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) page: u32,
    pub(crate) seen: u64,
}

impl Cursor {
    /// Before the first page.
    pub(crate) const START: Self = Self { page: 1, seen: 0 };

    /// Reads what [`written`](Self::written) wrote; none is the beginning.
    pub(crate) fn read(text: Option<&str>) -> Result<Self, ProviderError> {
        let Some(text) = text else { return Ok(Self::START) };
        let number =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let read = text.split_once('-').and_then(|(page, seen)| {
            let (page, seen) = (number(page)?, number(seen)?);
            let page = u32::try_from(page).ok().filter(|page| (2..=2_000).contains(page))?;
            Some(Self { page, seen })
        });
        read.ok_or_else(|| ProviderError::refused(Refusal::Unsupported, "the cursor is none that was given"))
    }

    /// As text.
    pub(crate) fn written(self) -> String {
        format!("{}-{}", self.page, self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_one_that_was_given_or_none() {
        let cursor = Cursor { page: 2, seen: 100 };
        assert_eq!(Cursor::read(Some(&cursor.written())).unwrap(), cursor);
        assert_eq!(Cursor::read(None).unwrap(), Cursor::START);
        for nonsense in
            ["", "2", "1-0", "0-5", "2--1", "+2-5", "2-5 ", "99999-1", "2-99999999999999999999", "a-b"]
        {
            assert!(Cursor::read(Some(nonsense)).is_err(), "{nonsense}");
        }
    }
}
