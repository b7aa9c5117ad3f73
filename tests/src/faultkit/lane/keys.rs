//! The exchange of sealing keys, as an operator does it.

use std::time::{Duration, Instant};

use super::{super::evidence::Violation, Lane};
use crate::world::WorldError;

impl Lane {
    /// Adds a key and tells the broker, which begins to seal everything with it.
    ///
    /// # Errors
    /// When there is no other key.
    pub async fn rotate_keys(&mut self) -> Result<(), WorldError> {
        self.broker.verb(&["key", "rotate"], &[]).await?;
        // who died meanwhile reads the keys when it starts
        self.broker.signal("HUP").await
    }

    /// Waits until nothing needs an older key.
    ///
    /// # Errors
    /// When that does not come in time, or the broker does not come up.
    pub async fn seal_anew(&mut self) -> Result<(), WorldError> {
        let deadline = Instant::now() + self.bound;
        loop {
            self.stay_alive().await?;
            let listed = self.broker.verb(&["key", "list"], &[]).await?;
            if retired(&listed).all(|line| line.ends_with("sealed values: 0")) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let what = format!("an older key is still needed:\n{listed}");
                self.found.push(Violation::new("I-30", what.clone()));
                return Err(WorldError::new("exchanging keys", what));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Drops the keys that nothing needs (I-30), and starts the broker without them.
    ///
    /// # Errors
    /// When one of them is needed all the same, or the broker does not come up.
    pub async fn drop_old_keys(&mut self) -> Result<(), WorldError> {
        let listed = self.broker.verb(&["key", "list"], &[]).await?;
        for id in retired(&listed).filter_map(|line| line.split_whitespace().next()) {
            self.broker.verb(&["key", "forget"], &[id]).await?;
        }
        self.broker.kill().await?;
        self.stay_alive().await.map(|_| ())
    }
}

/// The lines of the keys that nothing is sealed with any more.
fn retired(listed: &str) -> impl Iterator<Item = &str> {
    listed.lines().filter(|line| line.contains("  retired "))
}
