//! Configuration that changes while the broker runs: on SIGHUP, or when one of its files is written (S-03, S-07).

use std::{path::Path, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

use super::{ServerError, ServerHandle};
use crate::{
    broker::chain,
    config::{Config, ConfigError, Watched},
};

/// How often the files are looked at: a few calls of `stat`, no reads.
const LOOK: Duration = Duration::from_secs(2);

/// Why a changed configuration is not taken over.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error("could not read the configuration again")]
    Config(#[from] ConfigError),
    #[error("could not take the new configuration over")]
    Server(#[from] ServerError),
}

impl ServerHandle {
    /// Takes over the credentials, certificates and keys of the configuration at this path whenever SIGHUP arrives or one
    /// of its files changes. What cannot be used is logged, and what is in use stays. Never ready.
    pub async fn reload_on_change(&self, path: &Path) {
        let mut files = self.files.clone();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut hangup = signal(SignalKind::hangup()).ok();
        loop {
            let asked = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = asked => {}
                _ = looks.tick() => {
                    if !files.have_changed() {
                        continue;
                    }
                }
            }
            // as they are before they are read: what is written meanwhile is a change again
            files.look_again();
            let reloaded = self.take_over(path, &mut files).await;
            if let Err(error) = reloaded {
                let error = chain(&error);
                tracing::error!(error, "the configuration could not be read again; what is in use stays");
            }
        }
    }

    /// Keys first: a ring that does not belong to the store changes nothing else.
    async fn take_over(&self, path: &Path, files: &mut Watched) -> Result<(), ReloadError> {
        let config = Config::load(path)?;
        *files = config.files.clone();
        self.reload_keys(&config).await?;
        Ok(self.reload(config)?)
    }
}
