//! The audit chain: every event is followed by a keyed digest of itself and of all before it (S-63).
//!
//! ```text
//! head 0 ─▶ event ─▶ digest 1 ─▶ event ─▶ digest 2 ─▶ … ─▶ head n, kept beside the chain
//! ```
//! Who changes, removes, swaps or adds a row of the past, or cuts off the end, is noticed: the digests cannot be made
//! without the key ring. Who puts back an old copy of everything is not; keep what `audit verify` prints elsewhere.
//!
//! Where events are chained a moment after they were told, the transaction that tells one also adds it to a tally, so
//! that nobody can take it away in that moment either.

use std::collections::BTreeMap;

use sutler_secrets::{Digest, KeyRing};

use super::{Event, StoreError, seal::plain};

/// An event as the database holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) sequence: i64,
    /// Microseconds since 1970.
    pub(super) at: i64,
    /// Kind, instance, binding, operation, credential, request, claimed identity, detail.
    pub(super) texts: [Option<String>; 8],
    /// The digest of what was asked for.
    pub(super) asked: Option<Vec<u8>>,
}

impl Told {
    /// What an event tells; the database gives it its place and its time.
    pub(super) fn of(event: &Event, asked: Option<&Digest>) -> Self {
        let texts = [
            Some(event.kind.to_owned()),
            Some(event.instance.as_str().to_owned()),
            event.binding.as_ref().map(|binding| binding.as_str().to_owned()),
            event.operation.as_ref().map(|operation| operation.as_str().to_owned()),
            event.actor.credential.clone(),
            event.actor.request.clone(),
            event.actor.originating_identity.as_ref().map(plain),
            event.detail.clone(),
        ];
        Self { sequence: 0, at: 0, texts, asked: asked.map(|digest| digest.as_bytes().to_vec()) }
    }

    fn digest_into(&self, digester: &mut sutler_secrets::Digester) {
        for text in &self.texts {
            // an absent text and an empty one differ
            digester.part(&[u8::from(text.is_some())]);
            digester.part(text.as_deref().unwrap_or_default().as_bytes());
        }
        digester.part(&[u8::from(self.asked.is_some())]);
        digester.part(self.asked.as_deref().unwrap_or_default());
    }

    /// What only we can say of this event, before the database has given it a place; `change` names it.
    pub(super) fn mark(&self, ring: &KeyRing, change: &str) -> Mark {
        let mut digester = ring.digester("audit mark");
        digester.part(change.as_bytes());
        self.digest_into(&mut digester);
        let digest = digester.finish();
        let half = |bytes: &[u8]| bytes.iter().fold(0_i64, |half, byte| (half << 8) | i64::from(*byte));
        let (first, rest) = digest.as_bytes().split_at(8);
        Mark { first: half(first), second: half(&rest[..8]) }
    }
}

/// 128 bits that cannot be made without the key ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) first: i64,
    pub(super) second: i64,
}

/// How many events were told on a strand, and all their marks in one: kept by the transaction that tells, so that one
/// that is taken away before it is chained is missed. Transactions on different strands do not wait for each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) told: i64,
    pub(super) first: i64,
    pub(super) second: i64,
}

/// The tallies of all strands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tallies(pub(super) BTreeMap<i16, Tally>);

impl Tallies {
    /// Counts one more event.
    pub(super) fn count(&mut self, strand: i16, mark: Mark) {
        let tally = self.0.entry(strand).or_default();
        *tally = Tally {
            told: tally.told + 1,
            first: tally.first ^ mark.first,
            second: tally.second ^ mark.second,
        };
    }

    /// Compares what was recorded with what is there.
    pub(super) fn check(&self, found: &Self) -> Result<(), AuditBreak> {
        let strands = self.0.keys().chain(found.0.keys());
        for strand in strands {
            let of = |tallies: &Self| tallies.0.get(strand).copied().unwrap_or_default();
            let (recorded, found) = (of(self), of(found));
            if recorded != found {
                let count = |tally: Tally| tally.told.unsigned_abs();
                return Err(AuditBreak::Unlike { recorded: count(recorded), found: count(found) });
            }
        }
        Ok(())
    }
}

/// A row of the chain, with the event it is about, if that is still there.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) position: i64,
    pub(super) event: i64,
    pub(super) digest: Vec<u8>,
    pub(super) told: Option<Told>,
}

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) position: i64,
    pub(super) digest: Digest,
    /// Every event up to this sequence is in the chain.
    pub(super) floor: i64,
}

const HEAD_LENGTH: usize = 8 + 8 + 32 + 32;

impl Head {
    /// The end of a chain that has no rows yet.
    pub(super) fn start(ring: &KeyRing, installation: &str) -> Self {
        Self { position: 0, digest: ring.digest("audit start", installation.as_bytes()), floor: 0 }
    }

    /// The end after one more event.
    pub(super) fn after(self, ring: &KeyRing, told: &Told) -> Self {
        let position = self.position + 1;
        let mut digester = ring.digester("audit link");
        digester.part(self.digest.as_bytes());
        for number in [position, told.sequence, told.at] {
            digester.part(&number.to_be_bytes());
        }
        told.digest_into(&mut digester);
        Self { position, digest: digester.finish(), ..self }
    }

    /// For storage, with a proof that it is ours.
    pub(super) fn to_bytes(self, ring: &KeyRing) -> Vec<u8> {
        let mut bytes = self.plain();
        bytes.extend_from_slice(ring.digest("audit head", &bytes).as_bytes());
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` when it was not us.
    pub(super) fn from_bytes(ring: &KeyRing, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != HEAD_LENGTH {
            return None;
        }
        let (position, rest) = bytes.split_first_chunk::<8>()?;
        let (floor, rest) = rest.split_first_chunk::<8>()?;
        let (digest, proof) = rest.split_first_chunk::<32>()?;
        let head = Self {
            position: i64::from_be_bytes(*position),
            floor: i64::from_be_bytes(*floor),
            digest: Digest::from_bytes(*digest),
        };
        (ring.digest("audit head", &head.plain()).as_bytes().as_slice() == proof).then_some(head)
    }

    /// Reads the head of a store; a damaged one is refused.
    pub(super) fn read(ring: &KeyRing, bytes: &[u8]) -> Result<Self, StoreError> {
        Self::from_bytes(ring, bytes).ok_or(StoreError::Damaged { column: "meta.audit_head" })
    }

    fn plain(self) -> Vec<u8> {
        [&self.position.to_be_bytes()[..], &self.floor.to_be_bytes(), self.digest.as_bytes()].concat()
    }
}

/// What a look at the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Rows of the chain that are as they were written.
    pub rows: u64,
    /// The digest of the last of them.
    pub last: Digest,
    /// Events that wait to be chained. In SQLite there are none.
    pub waiting: u64,
    /// Where it breaks.
    pub broken: Option<AuditBreak>,
}

/// Where, and how, the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditBreak {
    /// A row of the chain is not there.
    #[error("row {position} of the chain is missing")]
    LinkMissing {
        /// Its position, from 1.
        position: i64,
    },
    /// The event of a row is not there.
    #[error("event {event}, row {position} of the chain, is missing")]
    EventMissing {
        /// Its position, from 1.
        position: i64,
        /// The event.
        event: i64,
    },
    /// An event, or its digest, is not what was written.
    #[error("event {event}, row {position} of the chain, is not what was written")]
    Changed {
        /// Its position, from 1.
        position: i64,
        /// The event.
        event: i64,
    },
    /// The record of the end is missing, or was made by somebody else.
    #[error("the record of the chain's end is missing, or not ours")]
    Head,
    /// There are rows behind the recorded end.
    #[error("the record of the chain's end was set back: it says {recorded}, and there are {found} rows")]
    HeadSetBack {
        /// The recorded end.
        recorded: i64,
        /// The last row.
        found: i64,
    },
    /// Events that are not in the chain yet are missing, or are not what was told.
    #[error(
        "the newest events are not those that were told: {recorded} were told on one strand, and {found} are there"
    )]
    Unlike {
        /// How many were told.
        recorded: u64,
        /// How many there are.
        found: u64,
    },
    /// Events stand outside the chain that cannot be waiting for it.
    #[error("{count} events are not in the chain")]
    Unchained {
        /// How many.
        count: u64,
    },
}

/// Follows the chain, page after page.
pub(super) struct Walk<'a> {
    ring: &'a KeyRing,
    at: Head,
    end: Head,
}

impl<'a> Walk<'a> {
    /// From the start to the recorded end.
    pub(super) fn new(ring: &'a KeyRing, installation: &str, end: Head) -> Self {
        Self { ring, at: Head::start(ring, installation), end }
    }

    /// The position after which the next page starts; `None` at the end.
    pub(super) fn next(&self) -> Option<i64> {
        (self.at.position < self.end.position).then_some(self.at.position)
    }

    /// Checks a page: rows in their order.
    pub(super) fn check(&mut self, page: &[Link]) -> Result<(), AuditBreak> {
        if page.is_empty() {
            return Err(AuditBreak::LinkMissing { position: self.at.position + 1 });
        }
        for link in page {
            let (position, event) = (self.at.position + 1, link.event);
            if position > self.end.position {
                return Ok(());
            }
            if link.position != position {
                return Err(AuditBreak::LinkMissing { position });
            }
            let Some(told) = &link.told else { return Err(AuditBreak::EventMissing { position, event }) };
            let after = self.at.after(self.ring, told);
            if after.digest.as_bytes().as_slice() != link.digest {
                return Err(AuditBreak::Changed { position, event });
            }
            self.at = after;
        }
        Ok(())
    }

    /// What was found.
    pub(super) fn report(&self, waiting: u64, broken: Option<AuditBreak>) -> AuditReport {
        let ends_well = self.at.digest == self.end.digest || self.next().is_some();
        let broken = broken.or_else(|| (!ends_well).then_some(AuditBreak::Head));
        AuditReport { rows: self.at.position.unsigned_abs(), last: self.at.digest, waiting, broken }
    }
}

/// How many rows a page has.
pub(super) const PAGE: i64 = 1_000;
