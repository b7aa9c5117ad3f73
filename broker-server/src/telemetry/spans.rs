//! The spans there are. Their fields are on every line that is logged in them, and their attributes in a trace.
//!
//! All have the level `error`, so that no log filter loses the names a line is about. An operation's span is not a
//! child of its request's in this process: it would keep the request open. The parent is set from what is recorded.

use opentelemetry::{Context, trace::TraceContextExt};
use tracing::{Span, error_span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::Parent;
use crate::operation::Operation;

/// A request that is being served. What it is about is recorded when it is known: `credential`, `endpoint`,
/// `instance_id`, `binding_id`, `status`. With it, what work that it sets in motion belongs to.
pub(crate) fn request(request_id: &str, method: &str, parent: Option<&Parent>) -> (Span, Option<Parent>) {
    let span = error_span!(
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        request_id,
        method,
        credential = Empty,
        endpoint = Empty,
        instance_id = Empty,
        binding_id = Empty,
        trace_id = Empty,
        status = Empty,
    );
    let own = adopt(&span, parent);
    (span, own)
}

/// An operation that is being driven.
pub(crate) fn operation(operation: &Operation) -> Span {
    let actor = &operation.actor;
    let span = error_span!(
        parent: None,
        "operation",
        otel.name = operation.work.as_str(),
        operation_id = operation.id.as_str(),
        work = operation.work.as_str(),
        instance_id = operation.instance.as_str(),
        binding_id = operation.binding.as_ref().map(AsRef::<str>::as_ref),
        request_id = actor.request,
        credential = actor.credential,
        trace_id = Empty,
    );
    adopt(&span, actor.trace.as_deref().and_then(Parent::from_traceparent).as_ref());
    span
}

/// A step of the operation around it.
pub(crate) fn step(step: &str, attempt: u32) -> Span {
    error_span!("step", otel.name = step, step, attempt)
}

/// A call of a provider, within a step or a fetch.
pub(crate) fn vendor_call(provider: &str, step: &str) -> Span {
    error_span!("vendor_call", otel.kind = "client", otel.name = step, provider, outcome = Empty)
}

/// Names a span in its trace once it is known what it is about.
pub(crate) fn rename(span: &Span, name: &'static str) {
    span.context().span().update_name(name);
}

/// Makes the span a child of the parent, and writes the trace it belongs to into it. The span as a parent, in turn;
/// where no traces are sent, the parent itself.
fn adopt(span: &Span, parent: Option<&Parent>) -> Option<Parent> {
    if let Some(parent) = parent {
        // without a layer for traces there is nothing to set; the trace id is in the logs all the same
        let _ = span.set_parent(Context::new().with_remote_span_context(parent.context().clone()));
    }
    let context = span.context();
    let own = Parent::of(context.span().span_context()).or_else(|| parent.cloned());
    if let Some(own) = &own {
        span.record("trace_id", format!("{:032x}", own.context().trace_id()).as_str());
    }
    own
}
