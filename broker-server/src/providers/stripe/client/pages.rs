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
        if is_json(call().endpoint) { self.by_page(call).await } else { self.by_last(call).await }
    }

    /// Version 1: each page is asked for by the last object of the one before.
    async fn by_last<'a>(&self, call: impl Fn() -> Call<'a> + Send) -> Result<Vec<Value>, CallError> {
        let mut seen: Vec<Value> = Vec::new();
        for _ in 0..MAX_PAGES {
            let mut call = call().query("limit", PER_PAGE);
            if let Some(last) = seen.last() {
                let id = last.get("id").and_then(Value::as_str).ok_or(CallError::incomplete(Sent::No))?;
                call = call.query("starting_after", id);
            }
            let mut page = self.send(&call).await?;
            let has_more = page.get("has_more").and_then(Value::as_bool);
            let Some(Value::Array(rows)) = page.get_mut("data").map(Value::take) else {
                return Err(CallError::incomplete(Sent::No));
            };
            let is_empty = rows.is_empty();
            seen.extend(rows);
            match has_more {
                None => return Err(CallError::incomplete(Sent::No)),
                Some(true) if !is_empty => {}
                Some(_) => return Ok(seen),
            }
        }
        Err(endless())
    }

    /// Version 2. Where the next page is said to be is not followed: only the name of the page is taken from it.
    async fn by_page<'a>(&self, call: impl Fn() -> Call<'a> + Send) -> Result<Vec<Value>, CallError> {
        let mut seen: Vec<Value> = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let call = match &next {
                Some(page) => call().query("page", page),
                None => call(),
            };
            let mut page = self.send(&call.query("limit", PER_PAGE)).await?;
            let Some(Value::Array(rows)) = page.get_mut("data").map(Value::take) else {
                return Err(CallError::incomplete(Sent::No));
            };
            seen.extend(rows);
            match page.get("next_page_url").and_then(Value::as_str) {
                None => return Ok(seen),
                Some(url) => next = Some(page_of(url).ok_or(CallError::incomplete(Sent::No))?),
            }
        }
        Err(endless())
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
