//! The exclusive right to change a state: who has it, until when, and whether they still live.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::backend::{Lineage, Seed};
use super::error::StateError;

/// A lock in hand. Whoever has none cannot write; whoever lost it finds out at the next write.
#[derive(Debug)]
pub struct Lock {
    /// Its public name, also the name of the run in the journal.
    pub id: Uuid,
    /// Which state.
    pub lineage: Lineage,
    /// Higher than every lock before.
    pub fence: u64,
    /// Who holds it.
    pub holder: Holder,
    /// Known to the holder alone.
    pub(super) token: Uuid,
}

impl Lock {
    /// The same lock: for what works on it elsewhere. Nobody outside can copy the right to write.
    pub(super) fn same(&self) -> Self {
        let Self { id, lineage, fence, ref holder, token } = *self;
        Self { id, lineage, fence, holder: holder.clone(), token }
    }
}

/// Asking for a lock.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who asks.
    pub holder: Holder,
    /// How long the lock lasts unless renewed.
    pub lease: Duration,
    /// What the state is created from, should there be none.
    pub seed: Seed,
}

/// Who holds a lock, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user.
    pub who: String,
    /// The host.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Such as `apply`.
    pub purpose: String,
    /// Tells whether `pid` can be looked up here: boot and process namespace.
    machine: String,
    /// When the process started, in the kernel's ticks: a pid alone may be somebody else's by now.
    started: u64,
}

impl Holder {
    /// This process.
    #[must_use]
    pub fn this_process(who: impl Into<String>, purpose: impl Into<String>) -> Self {
        let pid = std::process::id();
        Self {
            who: who.into(),
            host: kernel("/proc/sys/kernel/hostname"),
            pid,
            purpose: purpose.into(),
            machine: machine(),
            started: match look(pid) {
                Life::Running { started } => started,
                Life::Ended | Life::Unknown => 0,
            },
        }
    }

    /// Whether the process is known to have ended. `false` when it cannot be known.
    pub(super) fn is_dead(&self) -> bool {
        if self.machine.is_empty() || self.machine != machine() || self.started == 0 {
            return false;
        }
        match look(self.pid) {
            Life::Running { started } => started != self.started,
            Life::Ended => true,
            Life::Unknown => false,
        }
    }
}

/// A lock as others see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LockInfo {
    /// Its public name.
    pub id: Uuid,
    /// Who holds it.
    #[serde(flatten)]
    pub holder: Holder,
    /// Since when.
    pub since: jiff::Timestamp,
    /// When it ends unless renewed.
    pub until: jiff::Timestamp,
}

impl LockInfo {
    /// Whether somebody else may take it now.
    pub(super) fn is_free(&self, now: jiff::Timestamp) -> bool {
        self.until <= now || self.holder.is_dead()
    }
}

impl LockInfo {
    /// The lock that is held, if it is the one with this id: what may be taken away by force.
    pub(super) fn named(
        held: Option<Self>,
        id: Uuid,
        location: impl Fn() -> String,
    ) -> Result<Self, StateError> {
        match held {
            None => Err(StateError::NotLocked { location: location() }),
            Some(info) if info.id == id => Ok(info),
            Some(info) => Err(StateError::OtherLock { location: location(), holder: Box::new(info) }),
        }
    }
}

impl fmt::Display for LockInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder { who, host, pid, purpose, .. } = &self.holder;
        let (since, until) = (self.since, self.until);
        write!(
            f,
            "{who} on {host} (process {pid}) for '{purpose}' since {since:.0}, until {until:.0} unless renewed"
        )
    }
}

/// A lock as a backend stores it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) info: LockInfo,
    pub(super) token: Uuid,
    pub(super) fence: u64,
}

impl Held {
    /// What a claim leads to: the lock it takes, or the one that stands in its way.
    pub(super) fn decide(
        current: Option<Self>,
        fence: u64,
        claim: &Claim,
        now: jiff::Timestamp,
    ) -> Result<Self, Box<LockInfo>> {
        if let Some(held) = current
            && !held.info.is_free(now)
        {
            return Err(Box::new(held.info));
        }
        let until = lease_end(now, claim.lease);
        let info = LockInfo { id: Uuid::new_v4(), holder: claim.holder.clone(), since: now, until };
        Ok(Self { info, token: Uuid::new_v4(), fence: fence + 1 })
    }

    /// Whether this is that lock.
    pub(super) fn is(&self, lock: &Lock) -> bool {
        self.token == lock.token && self.fence == lock.fence
    }

    /// The same, in the hand of its holder.
    pub(super) fn hand_over(&self, lineage: Lineage) -> Lock {
        let LockInfo { id, holder, .. } = self.info.clone();
        Lock { id, lineage, fence: self.fence, holder, token: self.token }
    }
}

/// When a lease that starts now ends.
pub(super) fn lease_end(now: jiff::Timestamp, lease: Duration) -> jiff::Timestamp {
    jiff::SignedDuration::try_from(lease)
        .ok()
        .and_then(|lease| now.checked_add(lease).ok())
        .unwrap_or(jiff::Timestamp::MAX)
}

/// What can be learned of a process.
enum Life {
    /// It runs, or may still run.
    Running { started: u64 },
    /// It does not run any more.
    Ended,
    /// This system does not say.
    Unknown,
}

fn look(pid: u32) -> Life {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => parse_stat(&stat).unwrap_or(Life::Unknown),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && kernel_has_proc() => Life::Ended,
        Err(_) => Life::Unknown,
    }
}

/// The state is field 3, the start field 22; the name before them, in parentheses, may hold anything.
fn parse_stat(stat: &str) -> Option<Life> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    match fields.next()? {
        "Z" | "X" | "x" => Some(Life::Ended),
        _ => fields.nth(18)?.parse().ok().map(|started| Life::Running { started }),
    }
}

fn kernel_has_proc() -> bool {
    std::path::Path::new("/proc/self/stat").exists()
}

fn kernel(path: &str) -> String {
    std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn machine() -> String {
    let boot = kernel("/proc/sys/kernel/random/boot_id");
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    if boot.is_empty() { boot } else { format!("{boot} {}", space.display()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_runs_is_not_dead() {
        assert!(!Holder::this_process("ada", "test").is_dead());
    }

    #[test]
    fn a_process_that_ended_is_dead_also_when_its_number_is_used_again() {
        let mut child = std::process::Command::new("true").spawn().expect("true runs");
        let mut holder = Holder::this_process("ada", "test");
        holder.pid = child.id();
        child.wait().expect("it ends");
        assert!(holder.is_dead());
        let mut reused = Holder::this_process("ada", "test");
        reused.started -= 1;
        assert!(reused.is_dead());
    }

    #[test]
    fn nothing_is_known_of_a_process_on_another_machine() {
        let mut holder = Holder::this_process("ada", "test");
        holder.pid = u32::MAX;
        assert!(holder.is_dead());
        holder.machine = "elsewhere".to_owned();
        assert!(!holder.is_dead());
    }

    #[test]
    fn a_process_name_cannot_pretend_to_be_a_state() {
        let Some(Life::Running { started }) =
            parse_stat("7 (a) Z 1 (b)) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20")
        else {
            panic!("it runs");
        };
        assert_eq!(started, 4711);
    }
}
