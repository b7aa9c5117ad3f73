//! Provision what an application needs from one declared file, across network brokers.
//!
//! ```text
//! cli ──▶ commands ──▶ execute ──▶ plan · walk
//!                         │           │
//!                         ▼           ▼
//!              brokers · state · sink · graph ──▶ config ──▶ reference · name
//! ```

pub mod config;
pub mod name;
pub mod plan;
pub mod reference;
pub mod state;
pub mod walk;
