//! What the gate of a connection and the handler of its requests tell each other.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    task::Waker,
};

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::Refusal;

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: Option<IpAddr>,
    /// Where `idle_since` counts from.
    opened: Instant,
    /// Milliseconds after `opened` plus one; 0 while a request is under way.
    idle_since: AtomicU64,
    /// The refusal of the request that must not be read, as its number.
    refusal: AtomicU8,
    wants_body: AtomicBool,
    answered: AtomicBool,
    evicted: AtomicBool,
    /// Somebody proved who they are on it.
    known: AtomicBool,
    waker: AtomicWaker,
}

const REFUSALS: [Refusal; 5] =
    [Refusal::Malformed, Refusal::Late, Refusal::LongTarget, Refusal::LargeHead, Refusal::Tunnel];

impl Connection {
    pub(super) fn new(peer: Option<IpAddr>) -> Self {
        Self {
            peer,
            opened: Instant::now(),
            idle_since: AtomicU64::new(1),
            refusal: AtomicU8::new(0),
            wants_body: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            evicted: AtomicBool::new(false),
            known: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// Why the request that stands for one that must not be read is there.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let number = usize::from(self.refusal.load(Ordering::Relaxed));
        number.checked_sub(1).and_then(|number| REFUSALS.get(number)).copied()
    }

    /// The handler reads the body from now on; before, none of it is taken from the socket (S-05).
    pub(crate) fn want_body(&self) {
        self.wants_body.store(true, Ordering::Relaxed);
        self.waker.wake();
    }

    /// The handler has its answer; the next request may come.
    pub(crate) fn answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Whoever is at the other end has proved who they are: others make room first.
    pub(crate) fn recognise(&self) {
        self.known.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    /// A request begins.
    pub(super) fn begin(&self) {
        self.wants_body.store(false, Ordering::Relaxed);
        self.answered.store(false, Ordering::Relaxed);
        self.idle_since.store(0, Ordering::Relaxed);
    }

    /// No request is under way.
    pub(super) fn rest(&self) {
        let millis = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.idle_since.store(millis + 1, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self, refusal: Refusal) {
        let position = REFUSALS.iter().position(|known| *known == refusal).unwrap_or(0);
        self.refusal.store(u8::try_from(position + 1).unwrap_or(1), Ordering::Relaxed);
    }

    pub(super) fn is_body_wanted(&self) -> bool {
        self.wants_body.load(Ordering::Relaxed)
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// How long nothing is under way, if nothing is.
    pub(super) fn idle_millis(&self) -> Option<u64> {
        let since = self.idle_since.load(Ordering::Relaxed).checked_sub(1)?;
        let age = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        Some(age.saturating_sub(since))
    }

    /// Asks it to end, as somebody else needs its place.
    pub(super) fn evict(&self) {
        self.evicted.store(true, Ordering::Relaxed);
        self.waker.wake();
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Whom to wake when one of these things changes.
    pub(crate) fn wake(&self, waker: &Waker) {
        self.waker.register(waker);
    }
}
