//! What is decided without asking anyone: what a configuration means, what a plan holds, how a graph is drawn.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod config;
mod generations;
mod golden;
mod plan;
mod removal;
mod reuse;
mod shop;
mod size;
mod upkeep;
mod world;
