//! What this crate promises, one module per promise.

mod digest;
mod mask;
mod recipient;
mod ring;
mod seal;

/// A moment for tests.
fn now() -> jiff::Timestamp {
    "2026-11-21T04:00:00Z".parse().expect("it is a time")
}
