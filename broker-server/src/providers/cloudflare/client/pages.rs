//! Lists: all pages of them, since what is looked for may be on the last.

use serde_json::Value;

use super::{Api, Call, CallError, Cursor, Unclear};
use crate::providers::Sent;

/// More pages than any list has.
const MAX_PAGES: usize = 2_000;

impl Api {
    /// One page of a list, and where the next one begins. A list ends at an empty page, or when as much was seen as there is.
    pub(crate) async fn page(
        &self,
        call: Call<'_>,
        cursor: Cursor,
        per_page: u32,
    ) -> Result<(Vec<Value>, Option<Cursor>), CallError> {
        let answer = self.send(&call.query("page", cursor.page).query("per_page", per_page)).await?;
        let total = answer.total;
        let Value::Array(rows) = answer.result else {
            return Err(CallError::incomplete(Sent::No));
        };
        let seen = cursor.seen + rows.len() as u64;
        let is_last = rows.is_empty() || total.is_some_and(|total| seen >= total);
        let next = Cursor { page: cursor.page + 1, seen };
        Ok((rows, (!is_last).then_some(next)))
    }

    /// Everything on all pages of a list. Ends at an empty page, or when as much was seen as there is: how long a page
    /// is, is up to the vendor, and not every product says how many there are.
    pub(crate) async fn all<'a>(
        &self,
        call: impl Fn() -> Call<'a> + Send,
        per_page: u32,
    ) -> Result<Vec<Value>, CallError> {
        let mut seen = Vec::new();
        for page in 1..=MAX_PAGES {
            let answer = self.send(&call().query("page", page).query("per_page", per_page)).await?;
            let total = answer.total;
            let Value::Array(rows) = answer.result else {
                return Err(CallError::incomplete(Sent::No));
            };
            let is_empty = rows.is_empty();
            seen.extend(rows);
            if is_empty || total.is_some_and(|total| seen.len() as u64 >= total) {
                return Ok(seen);
            }
        }
        Err(CallError::Unavailable { unclear: Unclear::Endless, retry_after: None, sent: Sent::No })
    }
}
