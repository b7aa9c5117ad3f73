//! Lists: all pages of them, since what is looked for may be on the last.

use serde_json::Value;

use super::{Api, Call, CallError, Cursor, Unclear};
use crate::providers::Sent;

/// More pages than any list has.
const MAX_PAGES: usize = 2_000;
/// The longest page there is.
pub(super) const PER_PAGE: u32 = 100;

impl Api {
    /// One page of a list, and where the next one begins. A list ends at an empty page, or when as much was seen as there is.
    pub(crate) async fn page(
        &self,
        call: Call<'_>,
        cursor: Cursor,
    ) -> Result<(Vec<Value>, Option<Cursor>), CallError> {
        self.page_of(call, cursor, PER_PAGE).await
    }

    /// The same with so many rows on a page.
    pub(crate) async fn page_of(
        &self,
        call: Call<'_>,
        cursor: Cursor,
        per_page: u32,
    ) -> Result<(Vec<Value>, Option<Cursor>), CallError> {
        let answer = self.whole(&call.query("page", cursor.page).query("per_page", per_page)).await?;
        let (Value::Array(rows), Some(total)) = (answer.data, answer.total) else {
            return Err(CallError::incomplete(Sent::No));
        };
        let seen = cursor.seen + rows.len() as u64;
        let is_last = rows.is_empty() || seen >= total;
        Ok((rows, (!is_last).then_some(Cursor { page: cursor.page + 1, seen })))
    }

    /// Everything on all pages of a list.
    pub(crate) async fn all<'a>(&self, call: impl Fn() -> Call<'a> + Send) -> Result<Vec<Value>, CallError> {
        let mut seen = Vec::new();
        let mut cursor = Cursor::START;
        for _ in 0..MAX_PAGES {
            let (rows, next) = self.page(call(), cursor).await?;
            seen.extend(rows);
            match next {
                None => return Ok(seen),
                Some(next) => cursor = next,
            }
        }
        Err(CallError::Unavailable { unclear: Unclear::Endless, retry_after: None, sent: Sent::No })
    }
}
