//! What a connection may do before anything looks at a request: framing, sizes, times, and who has to make room.
//!
//! ```text
//! socket ──▶ Gate (framing, deadlines) ──▶ HTTP ──▶ api
//!              └──── Connection ◀────────────────────┘
//! ```
//!
//! The HTTP library bounds the time for the first head of a connection and nothing else: a body that stalls, a reader
//! that does not read and the second head of a connection have no limit there. The gate gives every byte a limit.

mod chunks;
mod connection;
mod crowd;
mod framing;
mod gate;
mod head;
mod socket;
mod timer;

use std::time::Duration;

pub(crate) use connection::Connection;
pub(crate) use crowd::{Crowd, Place};
#[cfg(feature = "testing")]
pub(crate) use framing::Framing;
pub(crate) use gate::Gate;
pub(crate) use socket::Socket;

/// The path of the request that stands for one that must not be read.
pub(crate) const REFUSED_PATH: &str = "/.refused";

/// Why a request is not read. It ends its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It could mean different things to different readers (S-15).
    Malformed,
    /// Its head did not arrive in time (S-13).
    Late,
    /// Its target is too long (S-11).
    LongTarget,
    /// Its head is too large, or has too many fields (S-11).
    LargeHead,
    /// It wants a tunnel (S-18).
    Tunnel,
}

impl Refusal {
    /// The status and the description of the answer.
    pub(crate) fn answer(self) -> (u16, &'static str) {
        match self {
            Self::Malformed => (400, "The request is malformed."),
            Self::Late => (408, "The request did not arrive in time."),
            Self::LongTarget => (414, "The path and query are too long."),
            Self::LargeHead => (431, "The headers are too large."),
            Self::Tunnel => (405, "There are no tunnels here."),
        }
    }
}

/// Sizes and times of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Bytes of a request head.
    pub(crate) head: usize,
    /// Bytes of a request target.
    pub(crate) target: usize,
    /// From the first byte of a head to its last; and from the connection to the first byte.
    pub(crate) head_deadline: Duration,
    /// Between an answer and the next request.
    pub(crate) keep_alive: Duration,
    /// How slowly an answer may be read.
    pub(crate) answer: Pace,
}

/// How slow a transfer may be: all of it within `total`, and `rate` bytes a second after a first while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// For all of it.
    pub(crate) total: Duration,
    /// Before the rate counts.
    pub(crate) grace: Duration,
    /// Bytes a second.
    pub(crate) rate: u64,
}

impl Pace {
    /// When a transfer has taken too long that has come this far; since its beginning.
    pub(crate) fn deadline(&self, transferred: u64) -> Duration {
        let millis = transferred.saturating_mul(1_000) / self.rate.max(1);
        self.total.min(self.grace.saturating_add(Duration::from_millis(millis)))
    }
}
