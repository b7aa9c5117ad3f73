//! What is in progress, counted; and what a store did. For metrics, never for decisions.

use std::time::Duration;

use crate::operation::Work;

/// How an operation in progress stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is due and nobody holds it, or its lease has lapsed.
    Queued,
    /// It goes on later.
    Parked,
    /// Somebody holds it.
    Running,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Queued, Self::Parked, Self::Running];

    /// The word for metrics and queries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Parked => "parked",
            Self::Running => "running",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == word)
    }
}

/// How old an operation in progress is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgeBand {
    /// Less than a minute.
    Minute,
    /// Less than ten minutes.
    TenMinutes,
    /// Less than an hour.
    Hour,
    /// Less than a day.
    Day,
    /// A day or more.
    Older,
}

impl AgeBand {
    /// All of them, youngest first.
    pub const ALL: [Self; 5] = [Self::Minute, Self::TenMinutes, Self::Hour, Self::Day, Self::Older];

    /// The word for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "under_1m",
            Self::TenMinutes => "under_10m",
            Self::Hour => "under_1h",
            Self::Day => "under_1d",
            Self::Older => "over_1d",
        }
    }

    /// The end of the band, in milliseconds of age; the last has none.
    #[must_use]
    pub fn limit_millis(self) -> Option<i64> {
        match self {
            Self::Minute => Some(60_000),
            Self::TenMinutes => Some(600_000),
            Self::Hour => Some(3_600_000),
            Self::Day => Some(86_400_000),
            Self::Older => None,
        }
    }

    /// The n-th band, as a query numbers them.
    #[must_use]
    pub fn from_index(index: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(index).ok()?).copied()
    }
}

/// Operations that have work, standing and age in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they do.
    pub work: Work,
    /// How they stand.
    pub standing: Standing,
    /// How old they are.
    pub age: AgeBand,
    /// How many they are.
    pub count: u64,
    /// The age of the oldest.
    pub oldest: Duration,
}

/// Everything in progress, in the whole store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census(pub Vec<Group>);

impl Census {
    /// How many operations are in the groups that are wanted.
    #[must_use]
    pub fn count(&self, wanted: impl Fn(&Group) -> bool) -> u64 {
        self.0.iter().filter(|group| wanted(group)).map(|group| group.count).sum()
    }

    /// The age of the oldest operation of that work; zero when there is none.
    #[must_use]
    pub fn oldest(&self, work: Work) -> Duration {
        self.0.iter().filter(|group| group.work == work).map(|group| group.oldest).max().unwrap_or_default()
    }
}

/// What the store of one process did since it was opened, and what it is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Transactions that were committed for writing.
    pub commits: u64,
    /// Writes that shared them.
    pub writes: u64,
    /// Writes that wait for a commit.
    pub waiting: u64,
    /// Connections that are open.
    pub connections: u64,
    /// Those that are in use.
    pub connections_in_use: u64,
}
