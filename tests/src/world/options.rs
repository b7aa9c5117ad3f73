//! What a world is made with.

use std::path::PathBuf;
use std::time::Duration;

/// What a world is made with.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// How long a Pages domain takes from one state to the next.
    pub pages_delay: Duration,
    /// How long brokers work on a request before they answer that they go on by themselves.
    pub inline_budget: &'static str,
    /// Our extensions of the protocol that brokers allow.
    pub extensions: &'static str,
    /// Log level of brokers and CLI.
    pub log_level: &'static str,
    /// Keep the folder and leave processes alone on drop.
    pub keep: bool,
    /// Where to put everything; a fresh temporary folder when left out.
    pub folder: Option<PathBuf>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            pages_delay: Duration::from_millis(60),
            inline_budget: "2s",
            extensions: "",
            log_level: "trace",
            keep: false,
            folder: None,
        }
    }
}
