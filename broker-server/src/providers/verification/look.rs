//! One look: what the name servers of a name say about a text, and what follows from that.

use std::time::Duration;

use super::{
    super::dns::{Answer, Asker, Authority, DnsName, Finder, RecordType, system_resolvers},
    VerificationConfig,
};

/// So many servers have to agree, or all if there are fewer.
const AGREEING: usize = 2;

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Enough servers show the text.
    Shown,
    /// Too many clearly do not.
    Missing,
    /// Not enough servers gave a clear answer.
    Unknown,
}

impl Seen {
    /// The word for users.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "verified",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// What one server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It shows the text.
    Yes,
    /// It does not.
    No,
    /// The name stands for another one.
    Elsewhere(DnsName),
    /// It gave no clear answer.
    Nothing,
}

/// Looks for texts.
#[derive(Debug)]
pub(super) struct Sight {
    finder: Finder,
    asker: Asker,
}

impl Sight {
    pub(super) fn new(config: &VerificationConfig, patience: Duration) -> Self {
        let resolvers =
            if config.resolvers.is_empty() { system_resolvers() } else { config.resolvers.clone() };
        let finder = Finder::new(resolvers, patience).reach(config.reach).port(config.port);
        Self { finder, asker: Asker::new(patience) }
    }

    /// What the name servers of the name show. One alias is followed.
    pub(super) async fn look(&self, name: &DnsName, text: &str) -> Seen {
        let said = self.asked(name, text).await;
        match alias(&said) {
            None => judged(&undecided(said)),
            Some(target) => judged(&self.asked(&target, text).await),
        }
    }

    /// What each of the servers says; none if nobody knows who they are.
    async fn asked(&self, name: &DnsName, text: &str) -> Vec<Said> {
        let Ok(found) = self.finder.authorities(name).await else { return vec![Said::Nothing] };
        let servers = found.map(|found| found.servers).unwrap_or_default();
        let asked = servers.iter().map(|server| self.said(server, name, text));
        futures_util::future::join_all(asked).await
    }

    async fn said(&self, server: &Authority, name: &DnsName, text: &str) -> Said {
        for address in &server.addresses {
            let Ok(reply) = self.asker.ask(*address, name, RecordType::TXT).await else { continue };
            // what a server repeats of others is a cache
            if !reply.is_authoritative {
                continue;
            }
            let shows = |text: &str, answer: &Answer| {
                let mut texts = answer.records().iter().filter_map(|found| found.data.as_text());
                texts.any(|found| found == text.as_bytes())
            };
            return match &reply.answer {
                Answer::Alias(target) => Said::Elsewhere(target.clone()),
                Answer::Referral => continue,
                answer if shows(text, answer) => Said::Yes,
                Answer::Records(_) | Answer::NoData | Answer::NoSuchName => Said::No,
            };
        }
        Said::Nothing
    }
}

/// The name that enough servers lead to.
pub(super) fn alias(said: &[Said]) -> Option<DnsName> {
    let mut targets = said.iter().filter_map(|said| match said {
        Said::Elsewhere(target) => Some(target),
        _ => None,
    });
    let target = targets.find(|target| {
        said.iter().filter(|said| matches!(said, Said::Elsewhere(other) if other == *target)).count()
            >= needed(said)
    });
    target.cloned()
}

/// Aliases that not enough servers agree on: what they lead to was not asked.
pub(super) fn undecided(said: Vec<Said>) -> Vec<Said> {
    let open = |said| if matches!(said, Said::Elsewhere(_)) { Said::Nothing } else { said };
    said.into_iter().map(open).collect()
}

fn needed(said: &[Said]) -> usize {
    said.len().clamp(1, AGREEING)
}

/// What follows from what the servers say. A second alias is not followed: it is no text.
pub(super) fn judged(said: &[Said]) -> Seen {
    let count = |of: &Said| said.iter().filter(|said| *said == of).count();
    let (shown, silent) = (count(&Said::Yes), count(&Said::Nothing));
    if shown >= needed(said) {
        Seen::Shown
    } else if said.is_empty() || shown + silent >= needed(said) {
        Seen::Unknown
    } else {
        Seen::Missing
    }
}
