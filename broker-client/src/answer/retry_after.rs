//! When to come back: the `Retry-After` header (S-25, P-POL-10).

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// No answer makes us come back sooner.
const SHORTEST: Duration = Duration::from_secs(1);

/// No answer makes us stay away for longer.
const LONGEST: Duration = Duration::from_secs(300);

/// Reads the header; a date counts from the answer's own `Date`, or else from `now`. What cannot be read is absent.
pub(super) fn from_headers(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = text_of(headers, &header::RETRY_AFTER)?;
    let duration = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().ok()?)
    } else {
        let now = text_of(headers, &header::DATE).and_then(date).unwrap_or(now);
        // A moment that has passed means now.
        Duration::try_from(date(text)?.duration_since(now)).unwrap_or(SHORTEST)
    };
    Some(duration.clamp(SHORTEST, LONGEST))
}

/// A short header without the blanks around it.
fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| (1..=64).contains(&text.len()))
}

/// An HTTP date in the one form that may be sent today (RFC 9110 §5.6.7).
fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(retry_after: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_str(retry_after).unwrap());
        if let Some(date) = date {
            headers.insert(header::DATE, HeaderValue::from_str(date).unwrap());
        }
        let now = "2026-08-21T10:00:00Z".parse().unwrap();
        from_headers(&headers, now).map(|duration| duration.as_secs())
    }

    #[test]
    fn seconds_are_kept_within_bounds() {
        for (text, seconds) in
            [("7", 7), (" 7 ", 7), ("0", 1), ("300", 300), ("301", 300), ("1000000000000", 300)]
        {
            assert_eq!(read(text, None), Some(seconds), "{text:?}");
        }
    }

    #[test]
    fn a_date_counts_from_the_brokers_own_clock() {
        assert_eq!(read("Fri, 21 Aug 2026 10:00:30 GMT", None), Some(30));
        assert_eq!(read("Fri, 21 Aug 2026 09:00:00 GMT", None), Some(1));
        assert_eq!(read("Wed, 21 Aug 2126 10:00:00 GMT", None), Some(300));
        let broker = Some("Fri, 21 Aug 2026 07:00:00 GMT");
        assert_eq!(read("Fri, 21 Aug 2026 07:00:12 GMT", broker), Some(12));
    }

    #[test]
    fn garbage_is_absent() {
        for text in
            ["", "-1", "1.5", "1e12", "NaN", "soon", "٣", "99999999999999999999999", "Fri, 32 Aug 2026"]
        {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_bytes(text.as_bytes()).unwrap());
            assert_eq!(from_headers(&headers, Timestamp::UNIX_EPOCH), None, "{text:?}");
        }
        assert_eq!(from_headers(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }
}
