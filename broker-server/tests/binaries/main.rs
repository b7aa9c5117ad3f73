//! The programs themselves: ours, and the one of `docs/adding-a-service.md`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit;
mod backup;
mod command;
mod database;
mod documents;
mod edge;
mod keys;
mod notes;
mod openapi;
mod operators;
mod pages;
mod process;
