//! What a platform sees: a real server on a free port, with a provider that does as it is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bindings;
mod deprovision;
mod edge;
mod operators;
mod probe;
mod protocol;
mod provision;
mod restart;
mod secrets;
mod update;
mod world;
