//! The span of the platform that a request belongs to: W3C trace context, or B3 as Cloud Foundry's router sends it.

use actix_web::http::header::HeaderName;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Somebody else's span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parent(SpanContext);

impl Parent {
    fn new(trace: &str, span: &str, sampled: bool) -> Option<Self> {
        // a B3 trace id may have 64 bits
        let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex(trace) || !is_hex(span) || !matches!(trace.len(), 16 | 32) || span.len() != 16 {
            return None;
        }
        let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        let context = SpanContext::new(trace, span, flags, true, TraceState::default());
        context.is_valid().then_some(Self(context))
    }

    /// Reads what [`Parent::to_traceparent`] wrote, or a platform sent.
    pub(crate) fn from_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let version = u8::from_str_radix(version, 16).ok().filter(|_| version.len() == 2)?;
        let flags = u8::from_str_radix(flags, 16).ok().filter(|_| flags.len() == 2)?;
        // later versions may add parts, this one has none
        let is_known = version != 0xff && (version > 0 || parts.next().is_none());
        if !is_known || trace.len() != 32 {
            return None;
        }
        Self::new(trace, span, flags & 1 == 1)
    }

    /// As the W3C header.
    pub(crate) fn to_traceparent(&self) -> String {
        let flags = u8::from(self.0.is_sampled());
        format!("00-{:032x}-{:016x}-{flags:02x}", self.0.trace_id(), self.0.span_id())
    }

    /// A span of ours that others are to belong to.
    pub(super) fn of(context: &SpanContext) -> Option<Self> {
        context.is_valid().then(|| Self(context.clone()))
    }

    pub(super) fn context(&self) -> &SpanContext {
        &self.0
    }
}

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static B3: HeaderName = HeaderName::from_static("b3");
static B3_TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
static B3_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
static B3_FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");
static B3_SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");

/// Reads the headers of a request. What makes no sense is no parent, and never an error.
pub(crate) fn parent<'a>(header: impl Fn(&HeaderName) -> Option<&'a str>) -> Option<Parent> {
    let w3c = header(&TRACEPARENT).and_then(Parent::from_traceparent);
    w3c.or_else(|| header(&B3).and_then(single)).or_else(|| {
        let (trace, span) = (header(&B3_TRACE_ID)?, header(&B3_SPAN_ID)?);
        let sampled = header(&B3_FLAGS) == Some("1") || is_sampled(header(&B3_SAMPLED));
        Parent::new(trace, span, sampled)
    })
}

/// `TRACE-SPAN[-STATE[-PARENT]]`.
fn single(text: &str) -> Option<Parent> {
    let mut parts = text.trim().split('-');
    let (trace, span) = (parts.next()?, parts.next()?);
    Parent::new(trace, span, is_sampled(parts.next()))
}

/// Who does not say leaves it to us: sampled, as a receiver that is not asked would not know.
fn is_sampled(state: Option<&str>) -> bool {
    !matches!(state, Some("0" | "false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn read(headers: &[(&str, &str)]) -> Option<String> {
        let header =
            |name: &HeaderName| headers.iter().find(|(known, _)| *name == *known).map(|(_, value)| *value);
        parent(header).map(|parent| parent.to_traceparent())
    }

    #[test]
    fn w3c_and_both_forms_of_b3_name_the_same_parent() {
        let expected = Some(format!("00-{TRACE}-{SPAN}-01"));
        let (w3c, single) = (format!("00-{TRACE}-{SPAN}-01"), format!("{TRACE}-{SPAN}-1"));
        let multi = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "1")];
        assert_eq!(read(&[("traceparent", &w3c)]), expected);
        assert_eq!(read(&[("b3", &single)]), expected);
        assert_eq!(read(&multi), expected);
        assert_eq!(read(&multi[..2]), expected, "who does not say leaves it to us");
        let both =
            [("traceparent", w3c.as_str()), ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1")];
        assert_eq!(read(&both), expected, "the standard wins");
    }

    #[test]
    fn short_trace_ids_and_the_wish_not_to_be_sampled_are_kept() {
        let short = read(&[("x-b3-traceid", "a3ce929d0e0e4736"), ("x-b3-spanid", SPAN)]);
        assert_eq!(short, Some(format!("00-0000000000000000a3ce929d0e0e4736-{SPAN}-01")));
        assert_eq!(read(&[("b3", &format!("{TRACE}-{SPAN}-0"))]), Some(format!("00-{TRACE}-{SPAN}-00")));
        assert_eq!(
            read(&[("traceparent", &format!("01-{TRACE}-{SPAN}-00-more"))]),
            Some(format!("00-{TRACE}-{SPAN}-00"))
        );
    }

    #[test]
    fn nonsense_is_no_parent() {
        for text in [
            "",
            "0",
            "00",
            "00--",
            &format!("ff-{TRACE}-{SPAN}-01"),
            &format!("00-{TRACE}-{SPAN}-01-x"),
            &format!("00-{}-{SPAN}-01", "0".repeat(32)),
            &format!("00-{TRACE}-{}-01", "0".repeat(16)),
            &format!("00-{}-{SPAN}-01", "g".repeat(32)),
            &format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            &"a-".repeat(10_000),
            "00-é-é-01",
        ] {
            assert_eq!(
                read(&[("traceparent", text), ("b3", text), ("x-b3-traceid", text), ("x-b3-spanid", text)]),
                None,
                "{text}"
            );
        }
    }
}
