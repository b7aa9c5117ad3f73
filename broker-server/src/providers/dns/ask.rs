//! Questions to one server.

use std::{net::SocketAddr, time::Duration};

use domain::{
    base::{Message, iana::Class, iana::Rcode, message::RecordSection},
    rdata::AllRecordData,
};

use super::{
    Data, DnsError, DnsName, RecordType, TsigKey,
    exchange::{by_datagram, by_stream},
    message::{Outgoing, Recursion, Signatures, question},
    validation::Whole,
};

/// How often a datagram is sent before a connection is tried.
const DATAGRAMS: usize = 2;

/// Asks servers.
#[derive(Debug, Clone)]
pub struct Asker {
    patience: Duration,
    recursion: Recursion,
    signatures: Signatures,
    key: Option<TsigKey>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whether it answers for the zone itself, and does not repeat what another has said. Delegations are told without.
    pub is_authoritative: bool,
    /// What it says.
    pub answer: Answer,
}

/// What a server says about a name and a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These records, and no others.
    Records(Vec<Found>),
    /// The name stands for another one: ask for that.
    Alias(DnsName),
    /// The name is there, without records of that type.
    NoData,
    /// The name is not there.
    NoSuchName,
    /// Others have to be asked: the servers of a zone below.
    Referral,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Seconds that it may be remembered.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

impl Answer {
    /// The records, if there are any.
    #[must_use]
    pub fn records(&self) -> &[Found] {
        match self {
            Self::Records(records) => records,
            Self::Alias(_) | Self::NoData | Self::NoSuchName | Self::Referral => &[],
        }
    }
}

impl Asker {
    /// Asks servers for what they know themselves. Each attempt waits so long; there are three.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { patience, recursion: Recursion::None, signatures: Signatures::None, key: None }
    }

    /// Asks servers that ask others: resolvers.
    #[must_use]
    pub fn recursive(mut self) -> Self {
        self.recursion = Recursion::Wanted;
        self
    }

    /// Asks for the zone's own signatures, too (DNSSEC). They are judged by a [`Validator`](super::Validator).
    #[must_use]
    pub fn with_signatures(mut self) -> Self {
        self.signatures = Signatures::Wanted;
        self
    }

    /// Signs questions, and takes signed answers only. They go by connection.
    #[must_use]
    pub fn signed(mut self, key: TsigKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Asks one server for the records of a name and type.
    ///
    /// # Errors
    /// When there is no clear answer. "Not there" is no error: see [`Answer`].
    pub async fn ask(&self, server: SocketAddr, name: &DnsName, of: RecordType) -> Result<Reply, DnsError> {
        Ok(self.ask_whole(server, name, of).await?.0)
    }

    /// The same, and the whole answer for whoever judges its signatures.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_whole(
        &self,
        server: SocketAddr,
        name: &DnsName,
        of: RecordType,
    ) -> Result<(Reply, Whole), DnsError> {
        let message = self.message(server, (name, of)).await?;
        let reply = understood(server, &message, (name, of)).ok_or(DnsError::Unclear(server))??;
        Ok((reply, Whole(message)))
    }

    /// The answer as it comes.
    pub(super) async fn message(
        &self,
        server: SocketAddr,
        asked: (&DnsName, RecordType),
    ) -> Result<Message<Vec<u8>>, DnsError> {
        let outgoing = question(asked, (self.recursion, self.signatures), self.key.as_ref())?;
        self.exchange(server, &outgoing).await
    }

    async fn exchange(&self, server: SocketAddr, outgoing: &Outgoing) -> Result<Message<Vec<u8>>, DnsError> {
        if self.key.is_none() {
            for _ in 0..DATAGRAMS {
                match by_datagram(server, outgoing, self.patience).await {
                    Ok(message) if message.header().tc() => break,
                    Ok(message) => return Ok(message),
                    Err(DnsError::Silent(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        by_stream(server, outgoing, self.patience).await
    }
}

/// What the message says; `None` when it cannot be read.
fn understood(
    server: SocketAddr,
    message: &Message<Vec<u8>>,
    (name, of): (&DnsName, RecordType),
) -> Option<Result<Reply, DnsError>> {
    let header = message.header();
    let reply = |answer| Some(Ok(Reply { is_authoritative: header.aa(), answer }));
    match header.rcode() {
        Rcode::NOERROR => {}
        Rcode::NXDOMAIN => return reply(alias(message, (name, of))?.unwrap_or(Answer::NoSuchName)),
        Rcode::SERVFAIL => return Some(Err(DnsError::Failing(server))),
        Rcode::REFUSED => return Some(Err(DnsError::Refused(server, "it does not answer our questions"))),
        Rcode::NOTAUTH => return Some(Err(DnsError::Refused(server, "it does not answer for the zone"))),
        _ => return None,
    }
    if let Some(alias) = alias(message, (name, of))? {
        return reply(alias);
    }
    let mut found = records(message.answer().ok()?, (name, of))?;
    if found.is_empty() && of == RecordType::NS {
        // the servers above a delegation tell it so
        found = records(message.authority().ok()?, (name, of))?;
    }
    if !found.is_empty() {
        return reply(Answer::Records(found));
    }
    let mut delegations = message.authority().ok()?.filter_map(Result::ok);
    let is_referral = !header.aa() && delegations.any(|record| record.rtype() == RecordType::NS);
    reply(if is_referral { Answer::Referral } else { Answer::NoData })
}

/// The alias that the name is, when anything else was asked for.
fn alias(message: &Message<Vec<u8>>, (name, of): (&DnsName, RecordType)) -> Option<Option<Answer>> {
    if of == RecordType::CNAME {
        return Some(None);
    }
    let found = records(message.answer().ok()?, (name, RecordType::CNAME))?;
    Some(found.first().and_then(|found| found.data.target()).map(Answer::Alias))
}

/// The records of that name and type in a section; `None` when one cannot be read.
fn records(section: RecordSection<'_, Vec<u8>>, (name, of): (&DnsName, RecordType)) -> Option<Vec<Found>> {
    let mut records = Vec::new();
    for record in section {
        let record = record.ok()?;
        let is_asked_for = record.rtype() == of && record.class() == Class::IN;
        if !is_asked_for || DnsName::of(&record.owner()) != *name {
            continue;
        }
        let record = record.to_any_record::<AllRecordData<_, _>>().ok()?;
        records.push(Found { ttl: record.ttl().as_secs(), data: Data::composed(of, record.data()).ok()? });
    }
    records.sort_by(|one, other| one.data.cmp(&other.data));
    Some(records)
}
