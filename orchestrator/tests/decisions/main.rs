//! What is decided without asking anyone: what a configuration means, what a plan holds, how a graph is drawn.

mod config;
mod golden;
mod plan;
mod world;
