//! Everything a command needs, opened: configuration, state, keys, brokers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sutler_broker_client::Pacing;

use super::anchor::{Anchor, Rollback};
use super::failure::Failure;
use crate::brokers::{BrokerError, BrokerErrors, BrokerSet, Connecting};
use crate::config::{self, Choices, Config, StateUrl};
use crate::name::BrokerName;
use crate::sink::SinkSet;
use crate::state::{self, AppliedBy, Lineage, Notice, State, StateBackend, Vault};

/// What the environment says about how to run. Durations have a unit, such as `50ms`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `SUTLER_KEYS`: the key ring; `.sutler/keys` beside the configuration when left out.
    pub keys: Option<PathBuf>,
    /// `SUTLER_LEASE`: how long a lock lasts unless renewed.
    pub lease: Duration,
    /// `SUTLER_CALL_TIMEOUT`: time for one request to a broker.
    pub call_timeout: Duration,
    /// `SUTLER_POLL_INTERVAL`: between two polls at least.
    pub poll_interval: Duration,
    /// `SUTLER_BACKOFF_CAP`: between two polls at most.
    pub backoff_cap: Duration,
    /// `CI`: whether a pipeline runs this.
    pub occasion: AppliedBy,
    /// Who runs this, for whoever finds the lock held.
    pub user: String,
    /// Whether a state may be older than the one that was seen.
    pub rollback: Rollback,
    /// Whom to tell that a lock is waited for.
    pub notice: Notice,
    /// Which stage, and what variables are.
    pub choices: Choices,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable is set to what is not a duration.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let read = |name: &str, default: Duration| match variable(name) {
            None => Ok(default),
            Some(text) => duration(&text).ok_or_else(|| {
                Failure::usage(format!(
                    "{name}={text} is not a duration; write a number and a unit, such as 50ms, 2s or 5m"
                ))
            }),
        };
        Ok(Self {
            keys: variable("SUTLER_KEYS").map(PathBuf::from),
            lease: read("SUTLER_LEASE", Duration::from_secs(30))?,
            call_timeout: read("SUTLER_CALL_TIMEOUT", Duration::from_secs(60))?,
            poll_interval: read("SUTLER_POLL_INTERVAL", Duration::from_secs(1))?,
            backoff_cap: read("SUTLER_BACKOFF_CAP", Duration::from_secs(15))?,
            occasion: match variable("CI").as_deref() {
                None | Some("false" | "0") => AppliedBy::Cli,
                Some(_) => AppliedBy::Ci,
            },
            user: variable("USER").unwrap_or_else(|| "unknown".to_owned()),
            rollback: Rollback::Refused,
            notice: Notice::none(),
            choices: Choices::default(),
        })
    }
}

impl Settings {
    /// When to ask brokers how far they are.
    #[must_use]
    pub fn pacing(&self) -> Pacing {
        Pacing {
            first: self.poll_interval.min(Pacing::default().first),
            minimum: self.poll_interval,
            cap: self.backoff_cap.max(self.poll_interval),
            ..Pacing::default()
        }
    }
}

/// A number and a unit: `50ms`, `2s`, `5m`, `1h`.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// A configuration and where its state is.
#[derive(Debug)]
pub struct Project {
    /// What is declared.
    pub config: Arc<Config>,
    /// Where state lives.
    pub backend: Arc<dyn StateBackend>,
    /// The key ring's file.
    pub keys: PathBuf,
    /// How to run.
    pub settings: Settings,
}

impl Project {
    /// Loads the configuration that is named, or the nearest one upwards from the working directory.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn open(path: Option<&Path>, settings: Settings) -> Result<Self, Failure> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => {
                let here = std::env::current_dir()
                    .map_err(|error| Failure::failed(format!("no working directory: {error}")))?;
                config::find(&here)?
            }
        };
        let config = Arc::new(config::load_as(&path, &settings.choices)?);
        let backend = state::open(&config);
        let folder = config.source.path.parent().unwrap_or(Path::new(".")).to_owned();
        let keys = settings.keys.clone().unwrap_or_else(|| folder.join(".sutler/keys"));
        Ok(Self { config, backend, keys, settings })
    }

    /// What is declared, read once more.
    ///
    /// # Errors
    /// When it cannot be used any more.
    pub(super) fn reload(&self) -> Result<Config, Failure> {
        Ok(config::load_as(&self.config.source.path, &self.settings.choices)?)
    }

    /// Connects the brokers that are wanted.
    ///
    /// # Errors
    /// Every trouble of every one of them.
    pub async fn connect_to(&self, wanted: impl Fn(&BrokerName) -> bool) -> Result<BrokerSet, Failure> {
        let connecting = Connecting { call_timeout: Some(self.settings.call_timeout), identity: None };
        BrokerSet::connect(&self.config, &connecting, wanted).await.map_err(Failure::Brokers)
    }

    /// Connects those of the brokers that are wanted which answer, and says why others cannot be used.
    ///
    /// # Errors
    /// When one of them is not configured well: that is not for it to answer for.
    pub async fn connect_what_answers(
        &self,
        wanted: impl Fn(&BrokerName) -> bool,
    ) -> Result<(BrokerSet, BrokerErrors), Failure> {
        let connecting = Connecting { call_timeout: Some(self.settings.call_timeout), identity: None };
        let (brokers, trouble) = BrokerSet::connect_what_answers(&self.config, &connecting, wanted).await;
        if trouble.0.iter().any(BrokerError::is_configuration) {
            return Err(Failure::Brokers(trouble));
        }
        Ok((brokers, trouble))
    }

    /// Reads state, and proves that the key ring is its own. Writes nothing.
    ///
    /// # Errors
    /// When state is damaged, foreign, or sealed with another key.
    pub async fn read(&self) -> Result<(State, Vault), Failure> {
        let read = async || {
            let state = self.backend.load().await?;
            let vault = Vault::open_to_read(&self.keys, &state, &self.backend.location())?;
            self.refuse_rollback(&state).await?;
            Ok((state, vault))
        };
        match read().await {
            // Another run on this machine may have written, and remembered it, after we had read: then what is there now is
            // newer than both.
            Err(Failure::RolledBack(_)) => read().await,
            first => first,
        }
    }

    /// What this machine last saw of states.
    ///
    /// # Errors
    /// When that cannot be read.
    pub(super) fn anchor(&self) -> Result<Anchor, Failure> {
        Anchor::beside(&self.keys, self.settings.rollback)
    }

    /// Refuses a state that is older than the one that was seen.
    ///
    /// # Errors
    /// [`Failure::RolledBack`].
    pub(super) async fn refuse_rollback(&self, state: &State) -> Result<(), Failure> {
        if self.settings.rollback == Rollback::Accepted || self.config.state == StateUrl::Memory {
            return Ok(());
        }
        self.anchor()?.check(self.backend.as_ref(), state).await
    }

    /// Remembers what state is now.
    ///
    /// # Errors
    /// When it cannot be read, or not be remembered.
    pub(super) async fn remember(&self, lineage: Lineage) -> Result<(), Failure> {
        if self.config.state == StateUrl::Memory {
            return Ok(());
        }
        let of = (self.config.stack.as_str(), lineage);
        self.anchor()?.remember(self.backend.as_ref(), of, None).await
    }
}

impl Project {
    /// Records whose variables a sink has lost (a deleted `.env`, a new sink) count as not written, so that a plan
    /// writes them again.
    ///
    /// # Errors
    /// When a sink cannot be read.
    pub(super) fn notice_lost_variables(&self, state: &mut State, vault: &Vault) -> Result<(), Failure> {
        if state.records.iter().all(|record| record.sink_digest.is_none()) {
            return Ok(());
        }
        let held = SinkSet::new(&self.config, vault.ring()).held()?;
        for record in &mut state.records {
            if !record.variables.values().all(|variable| held.contains(variable)) {
                record.sink_digest = None;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, milliseconds) in
            [("50ms", 50), ("2s", 2000), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1.5s", "1d", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
