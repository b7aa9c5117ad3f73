//! Carries out a plan: many steps at once, each recorded before and after everything it asks of a broker.
//!
//! ```text
//!                    run ── report · progress
//!                     │
//!                    step                                   one task for each step
//!        ┌────────┬───┴────┬────────┬────────┐
//!     create   update   replace   delete   record           what happens to an instance (update: upgrade)
//!        └────────┴───┬────┴────────┘
//!     bind · unbind · rotate · land · mitigate               what it consists of
//!                     │
//!        call · wait · resolve · outputs                    how a broker is asked; what goes in and comes out
//!                     │
//!         aftermath · resolution · window                   what is decided, apart from what is done
//!                     │
//!        shared · ending · group · gate · error
//! ```

use std::sync::Arc;
use std::time::Duration;

use sutler_broker_client::Pacing;
use tokio::sync::{mpsc::UnboundedSender, watch};
use uuid::Uuid;

use crate::brokers::BrokerSet;
use crate::config::{Config, OnAmbiguous};
use crate::durations::Durations;
use crate::name::InstanceRef;
use crate::plan::Plan;
use crate::sink::SinkSet;
use crate::state::record::InstanceRecord;
use crate::state::{Lock, StateBackend, Vault};

mod aftermath;
mod bind;
mod call;
mod conclude;
mod create;
mod delete;
mod ending;
mod error;
mod gate;
mod generation;
mod group;
mod keep_lock;
mod land;
mod mitigate;
mod orphans;
mod outputs;
mod progress;
mod record;
mod replace;
mod report;
mod resolution;
mod resolve;
mod rotate;
mod run;
mod shared;
mod step;
#[cfg(test)]
mod tests;
mod unbind;
mod update;
mod upgrade;
mod wait;
mod window;

pub use conclude::running;
pub use ending::Closing;
pub use error::StepError;
pub(crate) use gate::{Gate, asks_to_wait};
pub(crate) use outputs::{DRIFT, outputs};
pub use progress::Progress;
pub use report::{Done, Ended, Failed, Report, Running, Skipped};

/// How steps are carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// So many steps at once.
    pub parallelism: usize,
    /// How long the lock lasts; it is renewed three times as often.
    pub lease: Duration,
    /// When to poll, and when to repeat a call that was not answered.
    pub pacing: Pacing,
    /// How often a call is made at most while nobody knows what became of it.
    pub attempts: u32,
    /// How long to wait for accepted work whose plan does not say (`maximum_polling_duration`).
    pub maximum_wait: Duration,
    /// What is done about requests of earlier runs of which nobody knows what became; each broker's own setting, or
    /// [`OnAmbiguous::Resume`], when left out.
    pub on_ambiguous: Option<OnAmbiguous>,
    /// How far to go.
    pub until: Until,
    /// What is entered in the ledger with the last change, when there is a last one.
    pub closing: Option<Arc<dyn Closing>>,
    /// What is made from an object that exists.
    pub adoption: Option<Adoption>,
    /// How long the binding before is kept after a rotation.
    pub grace: Duration,
    /// Makes ids; random and never used before.
    pub mint: fn() -> Uuid,
}

/// An instance that is made from an object that exists, instead of being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// Which instance.
    pub reference: InstanceRef,
    /// The vendor's id of the object.
    pub object: String,
}

/// How far steps are carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Until {
    /// Until everything is done.
    #[default]
    Done,
    /// Until every broker has accepted what can be asked of it now; what it works on is recorded and left running.
    Accepted,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parallelism: 10,
            lease: Duration::from_secs(30),
            pacing: Pacing::default(),
            attempts: 4,
            maximum_wait: Duration::from_secs(60 * 60),
            on_ambiguous: None,
            until: Until::Done,
            closing: None,
            adoption: None,
            grace: Duration::ZERO,
            mint: Uuid::new_v4,
        }
    }
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    #[default]
    Never,
    /// Start nothing new; finish and record what is running.
    Drain,
    /// Stop at the next safe point. The next run resumes.
    Abandon,
}

/// Everything that carrying out a plan needs.
#[derive(Debug, Clone)]
pub struct Context {
    /// What is declared.
    pub config: Arc<Config>,
    /// Who provides it.
    pub brokers: Arc<BrokerSet>,
    /// Where it is recorded.
    pub backend: Arc<dyn StateBackend>,
    /// The right to record.
    pub lock: Arc<Lock>,
    /// The keys.
    pub vault: Vault,
    /// Where credentials land.
    pub sinks: Arc<SinkSet>,
    /// How.
    pub options: Options,
    /// How long steps took before: what is likely to take longest begins first.
    pub durations: Arc<Durations>,
    /// Is told what happens.
    pub events: UnboundedSender<Progress>,
    /// Says when to stop. Its sender may be dropped: then nobody stops it.
    pub stop: watch::Receiver<Stop>,
}

/// Carries out a plan that was made of these records under this lock. Never fails as a whole: the report says what was
/// done, and what was not and why. Whatever happens, state is such that the next run can go on from it.
pub async fn execute(plan: &Plan, records: Vec<InstanceRecord>, context: Context) -> Report {
    run::run(plan, records, context).await
}

/// Waits for everything that brokers have accepted and that has not ended, and records how it ended. Starts nothing:
/// what follows is for the next [`execute`].
pub async fn wait(records: Vec<InstanceRecord>, context: Context) -> Report {
    conclude::wait(records, context).await
}
