//! The owner of a domain: a person who is asked, while `sutler` works, to set a record, and does.

use std::path::Path;
use std::time::Duration;

use super::{Finished, Names, World, WorldError};

/// How often the person looks whether there is anything to do.
const GLANCE: Duration = Duration::from_millis(50);

impl World {
    /// Runs `sutler` in the project as [`World::sutler`] does, with a person beside it who sets the TXT record that a
    /// verification asks for.
    ///
    /// # Errors
    /// When it cannot be started, or the name server does not take the record.
    pub async fn sutler_and_owner(&self, arguments: &[&str]) -> Result<Finished, WorldError> {
        let running = self.start_sutler(arguments)?;
        let Some(names) = self.names() else { return running.wait().await };
        let said = running.stderr_file().to_owned();
        tokio::select! {
            finished = running.wait() => finished,
            failed = watch(names, &said) => Err(failed),
        }
    }
}

/// Looks until something is asked, does it, and is at rest from then on. Ends only when it cannot be done.
async fn watch(names: &Names, said: &Path) -> WorldError {
    loop {
        let text = std::fs::read_to_string(said).unwrap_or_default();
        match names.obey(&text).await {
            Ok(None) => tokio::time::sleep(GLANCE).await,
            Ok(Some(_)) => std::future::pending().await,
            Err(error) => return error,
        }
    }
}
