//! One look: what the name servers of a name say about a text, and what follows from that.

use std::{net::SocketAddr, time::Duration};

use super::{
    super::dns::{
        Answer, Asker, Authority, DnsName, Finder, RecordType, Reply, Validator, Validity, system_resolvers,
    },
    VerificationConfig,
};

/// So many servers have to agree, or all if there are fewer.
const AGREEING: usize = 2;

/// What a text that is shown stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    /// The zone is not signed: on what its servers say.
    Insecure,
    /// On the zone's signatures (DNSSEC).
    Secure,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// Enough servers show the text.
    Shown(Proof),
    /// Too many clearly do not.
    Missing,
    /// The zone is signed, and what its servers show is not, or not rightly. Why.
    Bogus(String),
    /// Not enough servers gave a clear answer.
    Unknown,
}

impl Seen {
    /// The word for users.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Shown(_) => "verified",
            Self::Missing => "missing",
            Self::Bogus(_) | Self::Unknown => "unknown",
        }
    }

    /// What signatures say about it, in a word for users.
    pub(super) fn dnssec(&self) -> &'static str {
        match self {
            Self::Shown(Proof::Secure) => "secure",
            Self::Shown(Proof::Insecure) => "insecure",
            Self::Bogus(_) => "bogus",
            Self::Missing | Self::Unknown => "unknown",
        }
    }
}

/// What one server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It shows the text.
    Yes(Proof),
    /// It does not.
    No,
    /// The name stands for another one.
    Elsewhere(DnsName, Proof),
    /// It shows something whose signature is missing or wrong. Why.
    Bogus(String),
    /// It gave no clear answer.
    Nothing,
}

impl Said {
    /// What is said, as far as it can be believed.
    fn believed(validity: Validity, said: impl FnOnce(Proof) -> Self) -> Self {
        match validity {
            Validity::Secure => said(Proof::Secure),
            Validity::Insecure => said(Proof::Insecure),
            Validity::Bogus(why) => Self::Bogus(why),
            Validity::Unknown => Self::Nothing,
        }
    }
}

/// Looks for texts.
#[derive(Debug)]
pub(super) struct Sight {
    finder: Finder,
    asker: Asker,
    validator: Validator,
}

impl Sight {
    pub(super) fn new(config: &VerificationConfig, patience: Duration) -> Self {
        let resolvers =
            if config.resolvers.is_empty() { system_resolvers() } else { config.resolvers.clone() };
        let validator = Validator::new(config.anchors.clone(), &resolvers, patience);
        let finder = Finder::new(resolvers, patience).reach(config.reach).port(config.port);
        Self { finder, asker: Asker::new(patience).with_signatures(), validator }
    }

    /// What the name servers of the name show. One alias is followed.
    pub(super) async fn look(&self, name: &DnsName, text: &str) -> Seen {
        let said = self.asked(name, text).await;
        match alias(&said) {
            None => judged(&undecided(said), Proof::Secure),
            Some((target, proof)) => judged(&self.asked(&target, text).await, proof),
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
            let asked = self.asker.ask_whole(*address, name, RecordType::TXT).await;
            // what a server repeats of others is a cache
            let Some((reply, whole)) = asked.ok().filter(|(reply, _)| reply.is_authoritative) else {
                continue;
            };
            return match &reply.answer {
                Answer::Alias(_) => self.elsewhere(*address, name).await,
                Answer::Referral => continue,
                answer if shows(text, answer) => {
                    Said::believed(self.validator.judge(&whole).await, Said::Yes)
                }
                // what says no gains nobody anything: it is believed without a proof
                Answer::Records(_) | Answer::NoData | Answer::NoSuchName => Said::No,
            };
        }
        Said::Nothing
    }

    /// Where a name leads that stands for another one: asked for by itself, it comes with its own signature and nothing
    /// that lies elsewhere.
    async fn elsewhere(&self, server: SocketAddr, name: &DnsName) -> Said {
        let asked = self.asker.ask_whole(server, name, RecordType::CNAME).await;
        let Ok((Reply { is_authoritative: true, answer }, whole)) = asked else { return Said::Nothing };
        let Some(target) = answer.records().first().and_then(|found| found.data.target()) else {
            return Said::Nothing;
        };
        Said::believed(self.validator.judge(&whole).await, |proof| Said::Elsewhere(target, proof))
    }
}

fn shows(text: &str, answer: &Answer) -> bool {
    let mut texts = answer.records().iter().filter_map(|found| found.data.as_text());
    texts.any(|found| found == text.as_bytes())
}

/// The name that enough servers lead to, and what that stands on.
pub(super) fn alias(said: &[Said]) -> Option<(DnsName, Proof)> {
    let leads = |said: &Said| match said {
        Said::Elsewhere(target, proof) => Some((target.clone(), *proof)),
        _ => None,
    };
    let targets: Vec<(DnsName, Proof)> = said.iter().filter_map(leads).collect();
    targets.iter().find_map(|(target, _)| {
        let same = || targets.iter().filter(|(other, _)| other == target);
        let weakest = same().map(|(_, proof)| *proof).min()?;
        (same().count() >= needed(said)).then(|| (target.clone(), weakest))
    })
}

/// Aliases that not enough servers agree on: what they lead to was not asked.
pub(super) fn undecided(said: Vec<Said>) -> Vec<Said> {
    let open = |said| if matches!(said, Said::Elsewhere(..)) { Said::Nothing } else { said };
    said.into_iter().map(open).collect()
}

fn needed(said: &[Said]) -> usize {
    said.len().clamp(1, AGREEING)
}

/// What follows from what the servers say, and the alias that led to them. A second alias is not followed: it is no text.
pub(super) fn judged(said: &[Said], alias: Proof) -> Seen {
    let proofs: Vec<Proof> = said
        .iter()
        .filter_map(|said| if let Said::Yes(proof) = said { Some(*proof) } else { None })
        .collect();
    let bogus: Vec<&String> =
        said.iter().filter_map(|said| if let Said::Bogus(why) = said { Some(why) } else { None }).collect();
    let silent = said.iter().filter(|said| **said == Said::Nothing).count();
    if proofs.len() >= needed(said) {
        return Seen::Shown(proofs.into_iter().min().unwrap_or(alias).min(alias));
    }
    if !said.is_empty() && proofs.len() + silent + bogus.len() < needed(said) {
        return Seen::Missing;
    }
    bogus.first().map_or(Seen::Unknown, |why| Seen::Bogus((*why).clone()))
}
