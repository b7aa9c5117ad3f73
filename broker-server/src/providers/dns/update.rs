//! Changes of a zone (RFC 2136): one message is done as a whole, if all it presupposes holds, or not at all.

use std::{net::SocketAddr, time::Duration};

use domain::base::{
    Message, Record, Ttl,
    iana::{Class, Opcode, Rcode},
    message_builder::RecordSectionBuilder,
    rdata::UnknownRecordData,
};

use super::{
    Data, DnsError, DnsName, RecordType, TsigKey,
    exchange::by_stream,
    message::{Outgoing, started},
};

/// What has to hold, or nothing is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prerequisite {
    /// The name has no records of that type.
    Absent(DnsName, RecordType),
    /// The name has no records at all.
    Unused(DnsName),
    /// The name has records of that type, whatever they say.
    Present(DnsName, RecordType),
    /// The name has exactly these records of their type.
    Exactly(DnsName, Vec<Data>),
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a record beside others of its name and type; all of them then have its time to live.
    Add(DnsName, u32, Data),
    /// Removes one record. That it is not there is no error.
    Remove(DnsName, Data),
    /// Removes all records of that name and type.
    RemoveAll(DnsName, RecordType),
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// All of it is done.
    Done,
    /// Nothing is done, since this does not hold.
    Unmet(Unmet),
}

/// What does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// Something is there that was to be absent.
    Exists,
    /// Something is absent, or other than it was to be.
    Differs,
}

/// A change of one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    zone: DnsName,
    prerequisites: Vec<Prerequisite>,
    changes: Vec<Change>,
}

impl Update {
    /// A change that changes nothing yet.
    #[must_use]
    pub fn of(zone: &DnsName) -> Self {
        Self { zone: zone.clone(), prerequisites: Vec::new(), changes: Vec::new() }
    }

    /// Presupposes something.
    #[must_use]
    pub fn if_holds(mut self, prerequisite: Prerequisite) -> Self {
        self.prerequisites.push(prerequisite);
        self
    }

    /// Changes something, after what was said before.
    #[must_use]
    pub fn then(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// What is changed, in its order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Sends it to the server that takes changes of the zone, by a connection of its own.
    ///
    /// # Errors
    /// When it was not done, or nobody knows: [`DnsError::sent`] tells which.
    pub async fn send(
        &self,
        server: SocketAddr,
        key: &TsigKey,
        patience: Duration,
    ) -> Result<Updated, DnsError> {
        let outgoing = self.message(key)?;
        let answer = by_stream(server, &outgoing, patience).await?;
        understood(server, &answer)
    }

    fn message(&self, key: &TsigKey) -> Result<Outgoing, DnsError> {
        let mut zone = started(Opcode::UPDATE)?.question();
        zone.push((self.zone.as_name(), RecordType::SOA, Class::IN)).map_err(|_| DnsError::TooLong)?;
        let mut prerequisites = zone.answer();
        for prerequisite in &self.prerequisites {
            prerequisite.put(&mut prerequisites)?;
        }
        let mut changes = prerequisites.authority();
        for change in &self.changes {
            change.put(&mut changes)?;
        }
        Outgoing::of(changes.additional(), Some(key))
    }
}

/// Puts a record without data.
fn bare(
    section: &mut impl RecordSectionBuilder<Vec<u8>>,
    (name, class, of): (&DnsName, Class, RecordType),
) -> Result<(), DnsError> {
    let data = UnknownRecordData::from_octets(of, [0_u8; 0].as_slice()).map_err(|_| DnsError::TooLong)?;
    let record = Record::new(name.as_name(), class, Ttl::ZERO, data);
    section.push(record).map_err(|_| DnsError::TooLong)
}

fn whole(
    section: &mut impl RecordSectionBuilder<Vec<u8>>,
    (name, class, ttl): (&DnsName, Class, u32),
    data: &Data,
) -> Result<(), DnsError> {
    let data = data.told().ok_or(DnsError::TooLong)?;
    let record = Record::new(name.as_name(), class, Ttl::from_secs(ttl), data);
    section.push(record).map_err(|_| DnsError::TooLong)
}

impl Prerequisite {
    fn put(&self, section: &mut impl RecordSectionBuilder<Vec<u8>>) -> Result<(), DnsError> {
        match self {
            Self::Absent(name, of) => bare(section, (name, Class::NONE, *of)),
            Self::Unused(name) => bare(section, (name, Class::NONE, RecordType::ANY)),
            Self::Present(name, of) => bare(section, (name, Class::ANY, *of)),
            Self::Exactly(name, records) => {
                records.iter().try_for_each(|data| whole(section, (name, Class::IN, 0), data))
            }
        }
    }
}

impl Change {
    fn put(&self, section: &mut impl RecordSectionBuilder<Vec<u8>>) -> Result<(), DnsError> {
        match self {
            Self::Add(name, ttl, data) => whole(section, (name, Class::IN, *ttl), data),
            Self::Remove(name, data) => whole(section, (name, Class::NONE, 0), data),
            Self::RemoveAll(name, of) => bare(section, (name, Class::ANY, *of)),
        }
    }
}

fn understood(server: SocketAddr, answer: &Message<Vec<u8>>) -> Result<Updated, DnsError> {
    match answer.header().rcode() {
        Rcode::NOERROR => Ok(Updated::Done),
        Rcode::YXDOMAIN | Rcode::YXRRSET => Ok(Updated::Unmet(Unmet::Exists)),
        Rcode::NXDOMAIN | Rcode::NXRRSET => Ok(Updated::Unmet(Unmet::Differs)),
        Rcode::SERVFAIL => Err(DnsError::Failing(server)),
        Rcode::REFUSED => Err(DnsError::Refused(server, "its policy does not let the key make this change")),
        Rcode::NOTAUTH => Err(DnsError::Refused(server, "it is not the one that takes changes of the zone")),
        Rcode::NOTZONE => Err(DnsError::Refused(server, "the name lies outside of the zone")),
        Rcode::FORMERR | Rcode::NOTIMP => Err(DnsError::Refused(server, "it takes no changes of this kind")),
        _ => Err(DnsError::Unclear(server)),
    }
}
