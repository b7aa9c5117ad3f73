//! Lists: all pages of them, since what is looked for may be on the last.

use serde_json::Value;
use url::Url;

use super::{Api, Call, CallError, Unclear, call::is_json};
use crate::providers::Sent;

/// More pages than any list has.
const MAX_PAGES: usize = 2_000;
/// The longest page there is.
const PER_PAGE: u32 = 100;

impl Api {
    /// Everything on all pages of a list.
    pub(crate) async fn list<'a>(&self, call: impl Fn() -> Call<'a> + Send) -> Result<Vec<Value>, CallError> {
        let (mut seen, mut after) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let (rows, next) = self.page(call(), after.as_deref()).await?;
            seen.extend(rows);
            match next {
                None => return Ok(seen),
                next => after = next,
            }
        }
        Err(endless())
    }

    /// One page of a list: the first, or the one that begins where an earlier page said; and where the next one begins.
    pub(crate) async fn page(
        &self,
        call: Call<'_>,
        after: Option<&str>,
    ) -> Result<(Vec<Value>, Option<String>), CallError> {
        let is_second_version = is_json(call.endpoint);
        let from = if is_second_version { "page" } else { "starting_after" };
        let call = call.query("limit", PER_PAGE);
        let call = match after {
            Some(after) => call.query(from, after),
            None => call,
        };
        let mut page = self.send(&call).await?;
        let incomplete = || CallError::incomplete(Sent::No);
        let Some(Value::Array(rows)) = page.get_mut("data").map(Value::take) else {
            return Err(incomplete());
        };
        let next = if is_second_version { named(&page) } else { last(&page, &rows) };
        next.map(|next| (rows, next)).ok_or_else(incomplete)
    }
}

/// Version 1: each page is asked for by the last object of the one before. Nothing if that cannot be told.
fn last(page: &Value, rows: &[Value]) -> Option<Option<String>> {
    match (page.get("has_more")?.as_bool()?, rows.last()) {
        (true, Some(last)) => last.get("id")?.as_str().map(|id| Some(id.to_owned())),
        _ => Some(None),
    }
}

/// Version 2. Where the next page is said to be is not followed: only the name of the page is taken from it.
fn named(page: &Value) -> Option<Option<String>> {
    match page.get("next_page_url").and_then(Value::as_str) {
        None => Some(None),
        Some(url) => page_of(url).map(Some),
    }
}

/// The name of a page in its address, which may be relative.
fn page_of(url: &str) -> Option<String> {
    let base = Url::parse("https://api.stripe.com").ok()?;
    let url = base.join(url).ok()?;
    url.query_pairs().find(|(name, _)| name == "page").map(|(_, page)| page.into_owned())
}

fn endless() -> CallError {
    CallError::Unavailable { unclear: Unclear::Endless, retry_after: None, sent: Sent::No }
}
