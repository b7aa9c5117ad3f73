//! Which cases there are. A row is cases that go deeper and deeper: it ends with the first that is not met.

use std::time::Duration;

use super::{Backend, Case, Damage, Lane, Manner, Operation, Trouble, damage::size, trouble::Injection};
use crate::faultkit::Random;

/// Cases one after another, as long as each is met.
pub type Row = Vec<Case>;

/// What is done to runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Death at each point of the protocol, the first time and the last time that it is reached.
    Points,
    /// Death at each system call.
    Calls,
    /// Full and broken disks.
    Disks,
    /// Every message between a run and a broker.
    Brokers,
    /// Every message between a run and its state on a server.
    Messages,
    /// The database server crashes.
    Restarts,
    /// Two runs at once.
    Twins,
    /// State files that are not what was written.
    Damage,
    /// Random deaths.
    Kills,
}

/// Calls at which a process is killed: what it writes, makes durable, renames, removes, and says.
pub const CALLS: [&str; 11] = [
    "openat",
    "write",
    "writev",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "unlink",
    "sendto",
    "connect",
];
/// Calls that fail when a disk is full or broken. What writes to a pipe or a socket as well is not among them.
pub const DISK_CALLS: [&str; 5] = ["pwrite64", "fsync", "fdatasync", "ftruncate", "rename"];
/// How large files may get on a disk that is nearly full.
const SIZES: [u64; 9] = [0, 512, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144];
/// What becomes of a message between a run and a broker.
const ACTS: [&str; 9] = [
    "drop-request",
    "drop-response",
    "reset",
    "truncate:40",
    "garble",
    "answer:503",
    "answer-after:500",
    "delay-response:2500",
    "duplicate:1",
];
/// What becomes of one between a run and an S3 server.
const BUCKET_ACTS: [&str; 10] = [
    "drop-request",
    "drop-response",
    "reset",
    "truncate:30",
    "answer:500",
    "answer:503",
    "answer-after:500",
    "answer-after:412",
    "answer:412",
    "delay-response:700",
];
/// What becomes of one between a run and PostgreSQL.
const FATES: [&str; 8] = [
    "drop-request",
    "drop-response",
    "half",
    "reset",
    "truncate:3",
    "half-close",
    "delay:300",
    "delay-response:300",
];
/// A state file is cut at every so many bytes.
const CUT_EVERY: usize = 509;
/// So many bits of it are flipped, one at a time.
const FLIPS: u64 = 400;
/// Random deaths of one operation, before the next one comes.
const DEATHS: u64 = 12;

/// In an order that the seed decides.
#[must_use]
pub fn shuffled<T>(mut rows: Vec<T>, seed: u64) -> Vec<T> {
    let mut random = Random::new(seed);
    for last in (1..rows.len()).rev() {
        let other = random.below(last as u64 + 1);
        rows.swap(last, usize::try_from(other).unwrap_or(last));
    }
    rows
}

impl Part {
    /// Whether it can be done to runs with state there.
    #[must_use]
    pub fn fits(self, backend: Backend) -> bool {
        match self {
            Self::Messages => backend != Backend::Sqlite,
            Self::Restarts => backend == Backend::Postgres,
            Self::Disks | Self::Damage => backend == Backend::Sqlite,
            _ => true,
        }
    }

    /// Its rows for an operation; the lane counts what that does when nobody disturbs it.
    ///
    /// # Errors
    /// When it does not succeed then.
    pub async fn rows(self, scout: &Lane, operation: Operation, seed: u64) -> Result<Vec<Row>, String> {
        let (manner, backend) = (scout.options.manner, scout.options.backend);
        let mut random = Random::new(seed);
        let mut rows = Vec::new();
        let at = At { operation, manner, backend };
        match self {
            Self::Points => rows.extend(points(scout, at).await?),
            Self::Calls => {
                for (name, most) in scout.calls(operation, &CALLS).await? {
                    rows.extend(at.each(most, |nth| Trouble::Call(name.clone(), nth, Injection::Kill)));
                }
            }
            Self::Disks => rows.extend(disks(scout, at).await?),
            Self::Brokers => {
                rows.extend(at.deeper(&["PUT", "GET", "PATCH", "DELETE"], &ACTS, "broker", 8)?);
            }
            Self::Messages => rows.extend(at.messages()?),
            Self::Restarts => {
                let took = scout.measure(operation).await?;
                rows.extend(at.each(8, |nth| Trouble::Restart(took * u32::try_from(nth).unwrap_or(1) / 8)));
            }
            Self::Twins => {
                let took = scout.measure(operation).await?;
                rows.push(vec![at.case(Trouble::Twin(None))]);
                let share = |nth: u64| took * u32::try_from(nth).unwrap_or(1) / 6;
                rows.extend(at.each(6, |nth| Trouble::Twin(Some(share(nth)))));
            }
            Self::Damage => {
                let size = size(scout, operation).await?;
                let mut all = vec![Damage::Older, Damage::Newer];
                all.extend((0..size).step_by(CUT_EVERY).map(Damage::Cut));
                all.extend((0..FLIPS).map(|_| Damage::Flipped(random.below(size * 8))));
                rows.extend(all.into_iter().map(|damage| vec![at.case(Trouble::Damage(damage))]));
            }
            Self::Kills => {
                let took = scout.measure(operation).await?;
                let most = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                rows.extend(at.each(DEATHS, |_| {
                    Trouble::Kill(Duration::from_micros(random.moment(2_000, most.max(4_000))))
                }));
            }
        }

        Ok(rows)
    }
}

/// Where and how an operation is done.
#[derive(Debug, Clone, Copy)]
struct At {
    operation: Operation,
    manner: Manner,
    backend: Backend,
}

impl At {
    fn case(self, trouble: Trouble) -> Case {
        let Self { operation, manner, backend } = self;
        Case { operation, manner, backend, trouble }
    }

    /// So many cases that have nothing to do with one another.
    fn each(self, count: u64, mut trouble: impl FnMut(u64) -> Trouble) -> Vec<Row> {
        (1..=count).map(|nth| vec![self.case(trouble(nth))]).collect()
    }

    /// The first, the second, the third message of each kind, as long as there is one.
    fn deeper(self, kinds: &[&str], acts: &[&str], side: &str, deepest: u64) -> Result<Vec<Row>, String> {
        let mut rows = Vec::new();
        for kind in kinds {
            for act in acts {
                let troubles = (1..=deepest).map(|nth| format!("{side}.{kind}@{nth}={act}").parse());
                let row: Result<Row, String> =
                    troubles.map(|trouble| trouble.map(|trouble| self.case(trouble))).collect();
                rows.push(row?);
            }
        }
        Ok(rows)
    }

    fn messages(self) -> Result<Vec<Row>, String> {
        match self.backend {
            Backend::Sqlite => Ok(Vec::new()),
            Backend::Postgres => {
                let mut rows = self.deeper(&["COMMIT"], &FATES, "database", 24)?;
                rows.extend(self.deeper(&["*"], &FATES, "database", 60)?);
                Ok(rows)
            }
            Backend::Bucket => self.deeper(&["PUT", "GET"], &BUCKET_ACTS, "bucket", 40),
        }
    }
}

async fn points(scout: &Lane, at: At) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (point, times) in scout.reached(at.operation).await? {
        let times = if times > 1 { vec![1, times] } else { vec![1] };
        rows.extend(
            times.into_iter().map(|nth| vec![at.case(Trouble::Point(format!("{point}=kill@{nth}")))]),
        );
    }
    Ok(rows)
}

async fn disks(scout: &Lane, at: At) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = SIZES.into_iter().map(|bytes| vec![at.case(Trouble::Full(bytes))]).collect();
    for (name, most) in scout.calls(at.operation, &DISK_CALLS).await? {
        for injection in [Injection::Full, Injection::Broken] {
            rows.extend(at.each(most, |nth| Trouble::Call(name.clone(), nth, injection)));
        }
    }
    Ok(rows)
}
