//! Provision what an application needs from one declared file, across network brokers.
//!
//! ```text
//! cli ──▶ commands ──▶ migrations ──▶ execute ──▶ plan · walk
//!                                        │           │
//!                                        ▼           ▼
//!              brokers · state · sink · graph ──▶ config ──▶ reference · name
//! ```

pub mod brokers;
pub mod cli;
pub mod commands;
pub mod config;
pub mod digest;
pub mod draw;
pub mod durations;
pub mod events;
pub mod execute;
pub mod exit;
pub mod faults;
pub mod graph;
pub mod migrations;
pub mod name;
pub mod nearest;
pub mod plan;
mod private_file;
pub mod reference;
pub mod sink;
pub mod state;
pub mod walk;
