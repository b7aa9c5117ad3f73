//! Proving: records are added, seen, announced, and looked at by the authority.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    super::client::{CallError, Status},
    Certificate, PRESENT, RESPOND, SETTLE, WATCH, WITHDRAW,
    data::{Issue, Proof},
};
use crate::providers::{Attempt, Progress, ProviderError, ProvisionedInstance, Refusal};

type Issuing = Result<Progress<ProvisionedInstance>, ProviderError>;

/// How long name servers may take to show a record.
const SETTLED_WITHIN: Duration = Duration::from_secs(30 * 60);
/// How long the authority may take to look.
const LOOKED_WITHIN: Duration = Duration::from_secs(60 * 60);
/// How often the authority is told again, in one issuance, that records can be looked up.
const MOST_REPETITIONS: u32 = 3;
/// How many polls the authority has to begin to look before it is told again: a minute. Each time it has twice as many.
const POLLS_BEFORE_REPETITION: u32 = 12;

impl Certificate {
    /// One changing call: one record, beside whatever others stand there.
    pub(super) async fn present(&self, mut issue: Issue) -> Issuing {
        let Some(proof) = issue.proofs.get(issue.dealt) else { return issue.then(SETTLE, Timestamp::now()) };
        match self.challenges.present(&proof.txt.name, &proof.txt.value).await {
            Ok(()) => {
                issue.dealt += 1;
                if issue.dealt < issue.proofs.len() {
                    return Progress::next(PRESENT, &issue);
                }
                issue.then(SETTLE, Timestamp::now())
            }
            Err(error @ ProviderError::Unavailable { .. }) => Err(error),
            Err(ProviderError::Refused { description, .. } | ProviderError::Failed { description, .. }) => {
                self.give_up(issue, description)
            }
        }
    }

    /// Reads only, until every name server of the zone shows every record.
    pub(super) async fn settle(&self, issue: Issue) -> Issuing {
        for proof in &issue.proofs {
            if self.challenges.is_shown(&proof.txt.name, &proof.txt.value).await? {
                continue;
            }
            let name = &proof.txt.name;
            if issue.has_waited(SETTLED_WITHIN, Timestamp::now()) {
                let why = format!(
                    "the name servers did not show the TXT record {name} within half an hour; check that all of them are \
                     up to date"
                );
                return self.give_up(issue, why);
            }
            let description = format!("waiting until the name servers show the TXT record {name}");
            return Progress::pending(SETTLE, &issue, self.client.poll_interval(), description);
        }
        issue.then(RESPOND, Timestamp::now())
    }

    /// One changing call: one challenge is told to be answered. One that was told already is left alone.
    pub(super) async fn respond(&self, issue: Issue, attempt: Attempt) -> Issuing {
        let Some(proof) = issue.proofs.get(issue.dealt) else { return issue.then(WATCH, Timestamp::now()) };
        let may_be_told = attempt == Attempt::Again || issue.told_again > 0;
        if may_be_told && !self.is_open(proof).await? {
            return Self::told(issue);
        }
        match self.client.respond(&proof.challenge).await {
            Ok(()) => Self::told(issue),
            Err(CallError::Refused { .. }) if proof.is_told || !self.is_open(proof).await? => {
                // what becomes of it is seen by watching
                Self::told(issue)
            }
            Err(error @ CallError::Refused { .. }) => self.tell_later(issue, &error),
            Err(error) => self.end(issue, error, "announce the proof"),
        }
    }

    /// The authority knows of the present proof. On to the next one.
    fn told(mut issue: Issue) -> Issuing {
        if let Some(proof) = issue.proofs.get_mut(issue.dealt) {
            proof.is_told = true;
        }
        issue.dealt += 1;
        if issue.dealt < issue.proofs.len() {
            return Progress::next(RESPOND, &issue);
        }
        issue.then(WATCH, Timestamp::now())
    }

    /// The authority waits for a proof, and refuses to hear that it is there.
    fn tell_later(&self, mut issue: Issue, error: &CallError) -> Issuing {
        if issue.told_again >= MOST_REPETITIONS {
            let why = error.describe("announce the proof, which the certificate authority still waits for");
            return self.give_up(issue, why);
        }
        issue.told_again += 1;
        let description = "waiting until the certificate authority lets the proof be announced";
        Progress::pending(RESPOND, &issue, self.client.poll_interval(), description)
    }

    /// Whether the authority still waits to be told that a record can be looked up. Some authorities say so while they
    /// look, too: telling them again does no harm.
    async fn is_open(&self, proof: &Proof) -> Result<bool, ProviderError> {
        match self.client.authorization(&proof.authorization).await {
            Ok(found) => {
                let challenge = found.dns().map(|challenge| challenge.status);
                Ok(found.status == Status::Pending && challenge == Some(Status::Pending))
            }
            Err(CallError::Missing) => Ok(false),
            Err(error) => Err(error.while_asking("look at the proof")),
        }
    }

    /// Reads only: the first proof that the authority has had its time to begin with, and has not.
    async fn not_begun<'a>(&self, issue: &'a Issue) -> Result<Option<&'a Proof>, ProviderError> {
        let polls = POLLS_BEFORE_REPETITION.saturating_mul(1 << issue.told_again.min(MOST_REPETITIONS));
        if !issue.has_waited(self.client.poll_interval().saturating_mul(polls), Timestamp::now()) {
            return Ok(None);
        }
        for proof in &issue.proofs {
            if self.is_open(proof).await? {
                return Ok(Some(proof));
            }
        }
        Ok(None)
    }

    /// Reads only, until the authority has looked at all of them.
    pub(super) async fn watch(&self, mut issue: Issue) -> Issuing {
        let Some(url) = &issue.order else { return issue.then(super::ORDER, Timestamp::now()) };
        let (order, wait) = match self.client.read_order(url).await {
            Ok(read) => read,
            Err(CallError::Missing) => {
                return self.give_up(issue, "the certificate authority has forgotten the order".to_owned());
            }
            Err(error) => return Err(error.while_asking("look at the order")),
        };
        match order.status {
            Status::Ready => return Self::ask_for_it(issue),
            Status::Processing | Status::Valid if issue.key.is_some() => {
                return issue.then(super::COLLECT, Timestamp::now());
            }
            Status::Pending | Status::Unknown | Status::Processing => {}
            Status::Valid | Status::Invalid | Status::Deactivated => {
                let why = self.why_invalid(&issue, order.error.as_ref()).await?;
                return self.give_up(issue, why);
            }
        }
        if let Some(proof) = self.not_begun(&issue).await? {
            if issue.told_again >= MOST_REPETITIONS {
                let why = format!(
                    "the certificate authority was told {} times that the TXT record {} can be looked up, and did not begin \
                     to look; try again later",
                    issue.told_again + 1,
                    proof.txt.name
                );
                return self.give_up(issue, why);
            }
            issue.told_again += 1;
            return issue.then(RESPOND, Timestamp::now());
        }
        if issue.has_waited(LOOKED_WITHIN, Timestamp::now()) {
            let why = "the certificate authority did not look at the proof within an hour; try again later"
                .to_owned();
            return self.give_up(issue, why);
        }
        let after = wait.unwrap_or(self.client.poll_interval()).max(self.client.poll_interval());
        let description = "waiting until the certificate authority has looked at the TXT records";
        Progress::pending(WATCH, &issue, after, description)
    }

    /// Reads only: which name was not proven, and what to do about it.
    pub(super) async fn why_invalid(
        &self,
        issue: &Issue,
        error: Option<&super::super::client::Problem>,
    ) -> Result<String, ProviderError> {
        for proof in &issue.proofs {
            let found = match self.client.authorization(&proof.authorization).await {
                Ok(found) => found,
                Err(CallError::Missing) => continue,
                Err(error) => return Err(error.while_asking("look at the proof")),
            };
            if found.status == Status::Invalid {
                let advice = found.problem().map_or("it did not say why", |problem| problem.advice());
                return Ok(format!("the certificate authority did not accept {}: {advice}", proof.txt.name));
            }
        }
        let advice = error.map_or("it did not say why", |problem| problem.advice());
        Ok(format!("the certificate authority ended the order: {advice}"))
    }

    /// A call of the issuance failed. What may come right is tried again; anything else ends the issuance, and what stands
    /// in the DNS is removed first.
    pub(super) fn end(&self, issue: Issue, error: CallError, doing: &str) -> Issuing {
        match error.while_trying_to(doing) {
            refused @ ProviderError::Refused { .. } if issue.planted.is_empty() => Err(refused),
            ProviderError::Refused { description, .. } | ProviderError::Failed { description, .. } => {
                self.give_up(issue, description)
            }
            unavailable => Err(unavailable),
        }
    }

    /// No certificate comes of it. The records are removed, then the reason is told.
    pub(super) fn give_up(&self, mut issue: Issue, why: String) -> Issuing {
        if issue.planted.is_empty() {
            return Err(ProviderError::refused(Refusal::Unsupported, why));
        }
        issue.failure = Some(why);
        issue.then(WITHDRAW, Timestamp::now())
    }
}
