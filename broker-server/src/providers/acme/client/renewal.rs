//! When the authority wants a certificate to be renewed (RFC 9773). Of one that was revoked it says: long ago.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::Deserialize;

use super::{CallError, Client, Unclear, asked_wait, refusal};
use crate::providers::Sent;

/// How long a suggestion is believed when the authority does not say how long.
const KEPT: Duration = Duration::from_secs(6 * 60 * 60);
/// Authorities are not asked more often than this, whatever they say, nor more seldom than once a day (section 4.3.3).
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The time in which a certificate should be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(in crate::providers::acme) struct Window {
    start: Timestamp,
    pub(in crate::providers::acme) end: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RenewalInfo {
    suggested_window: Window,
}

/// What was said, until it has to be asked for again.
#[derive(Debug, Default)]
pub(super) struct Suggestions(Mutex<HashMap<String, Kept>>);

#[derive(Debug)]
struct Kept {
    until: Instant,
    window: Option<Window>,
}

impl Suggestions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, id: &str, now: Instant) -> Option<Option<Window>> {
        self.lock().get(id).filter(|kept| kept.until > now).map(|kept| kept.window)
    }

    /// Remembers it; what is too old is forgotten, so that only certificates that are asked for take room.
    fn keep(&self, id: &str, window: Option<Window>, (now, wait): (Instant, Option<Duration>)) {
        let mut all = self.lock();
        all.retain(|_, kept| kept.until > now);
        let until = now + wait.unwrap_or(KEPT).clamp(SHORTEST, LONGEST);
        all.insert(id.to_owned(), Kept { until, window });
    }
}

impl Client {
    /// When the authority wants the certificate of this name to be renewed. `None` when it says nothing about that: it
    /// never does, or does not know the certificate. An answer is believed as long as the authority says.
    pub(in crate::providers::acme) async fn suggested_renewal(
        &self,
        id: &str,
    ) -> Result<Option<Window>, CallError> {
        let directory = self.directory().await?;
        let Some(place) = &directory.renewal_info else { return Ok(None) };
        let suggestions = &self.inner.suggestions;
        if let Some(window) = suggestions.kept(id, Instant::now()) {
            return Ok(window);
        }
        let url = self.own(&format!("{}/{id}", place.trim_end_matches('/')))?;
        let (status, headers, body) =
            self.exchange(self.inner.http.get(url.clone()), (&url, Sent::No)).await?;
        let window = if status.is_success() {
            Some(read(&body).ok_or(CallError::unavailable(Unclear::Foreign(status.as_u16()), Sent::No))?)
        } else {
            match refusal((status, &headers), &body, Sent::No) {
                CallError::Missing => None,
                error => return Err(error),
            }
        };
        suggestions.keep(id, window, (Instant::now(), asked_wait(&headers)));
        Ok(window)
    }
}

/// A window that ends before it begins is as good as no answer (section 4.2).
fn read(body: &[u8]) -> Option<Window> {
    let info: RenewalInfo = serde_json::from_slice(body).ok()?;
    Some(info.suggested_window).filter(|window| window.start < window.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = r#"{ "suggestedWindow": { "start": "2026-01-02T04:00:00Z", "end": "2026-01-03T04:00:00Z" },
        "explanationURL": "https://ca.example/docs/ari" }"#;

    #[test]
    fn a_window_has_a_beginning_and_a_later_end() {
        assert_eq!(read(DAY.as_bytes()).unwrap().end.to_string(), "2026-01-03T04:00:00Z");
        assert_eq!(read(DAY.replace("-03T", "-02T").as_bytes()), None);
        assert_eq!(read(b"{}"), None);
    }

    #[test]
    fn what_was_said_is_believed_as_long_as_the_authority_says_within_bounds() {
        let (said, now) = (Suggestions::default(), Instant::now());
        let window = read(DAY.as_bytes());
        let known = |seconds: u64| said.kept("a", now + Duration::from_secs(seconds));
        for (wait, still, no_more) in [
            (Some(0), 59, 60),
            (Some(600), 599, 600),
            (Some(u64::MAX), 86_399, 86_400),
            (None, 21_599, 21_600),
        ] {
            said.keep("a", window, (now, wait.map(Duration::from_secs)));
            assert_eq!((known(still), known(no_more)), (Some(window), None), "{wait:?}");
        }
        said.keep("b", None, (now + LONGEST, None));
        assert_eq!(said.lock().len(), 1, "what is too old is forgotten");
    }
}
