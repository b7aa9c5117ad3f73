//! Finishing: the certificate is asked for, fetched, checked; the records are removed.

use std::time::Duration;

use jiff::Timestamp;
use sutler_catalog::domain::certificate::Parameters;

use super::{
    super::{
        client::{CallError, Order, Status, failed_but_usable},
        x509::{self, Leaf},
    },
    COLLECT, Certificate, WATCH, WITHDRAW,
    data::{Issue, Issued},
};
use crate::providers::{Progress, ProviderError, ProvisionedInstance, Step};

/// A certificate without its key is of no use.
const LOST: &str = "the private key of the certificate is not known; ask for another one";

type Issuing = Result<Progress<ProvisionedInstance>, ProviderError>;

/// How long the authority may take to issue.
const ISSUED_WITHIN: Duration = Duration::from_secs(60 * 60);

impl Certificate {
    /// One changing call. First and in doubt, the order says whether a certificate was asked for.
    pub(super) async fn finalize(&self, issue: Issue) -> Issuing {
        let now = Timestamp::now();
        let (Some(url), Some(key)) = (&issue.order, &issue.key) else { return issue.then(super::STUDY, now) };
        let order = self.awaited(url).await?;
        match order.status {
            Status::Ready => {}
            Status::Processing | Status::Valid => return issue.then(COLLECT, now),
            _ => return issue.then(WATCH, now),
        }
        let request = match x509::request(key, &issue.wanted.names) {
            Ok(request) => request,
            Err(error) => return self.give_up(issue, error.to_string()),
        };
        match self.client.finalize(&order.finalize, &request).await {
            Ok(()) => issue.then(COLLECT, now),
            Err(error) if error.word() == "orderNotReady" => {
                Err(error.while_asking("ask for the certificate"))
            }
            Err(error) => self.end(issue, error, "ask for the certificate"),
        }
    }

    async fn awaited(&self, url: &str) -> Result<Order, ProviderError> {
        // once a certificate may have been asked for, only a clear answer ends the work
        let read = self.client.read_order(url).await;
        read.map(|(order, _)| order).map_err(|error| error.while_asking("look at the order"))
    }

    /// Reads only, until the certificate is there. It is checked before it is believed.
    pub(super) async fn collect(&self, mut issue: Issue) -> Issuing {
        let Some(url) = &issue.order else { return issue.then(super::ORDER, Timestamp::now()) };
        let (order, wait) = match self.client.read_order(url).await {
            Ok(read) => read,
            Err(error) => return Err(error.while_asking("look at the order")),
        };
        match (order.status, order.certificate) {
            (Status::Valid, Some(certificate)) => {
                let fetched = self.client.certificate(&certificate).await;
                let chain =
                    fetched.map_err(|error: CallError| error.while_asking("fetch the certificate"))?;
                let Some(key) = issue.key.take() else { return self.give_up(issue, LOST.to_owned()) };
                let checked = Leaf::of_chain(&chain).and_then(|leaf| leaf.check(&key, &issue.wanted.names));
                if let Err(error) = checked {
                    return self
                        .give_up(issue, format!("{error}; ask the operator of the certificate authority"));
                }
                issue.issued = Some(Issued { chain, key });
                return issue.then(WITHDRAW, Timestamp::now());
            }
            (Status::Invalid | Status::Deactivated, _) => {
                let why = self.why_invalid(&issue, order.error.as_ref()).await?;
                return self.give_up(issue, why);
            }
            _ => {}
        }
        if issue.has_waited(ISSUED_WITHIN, Timestamp::now()) {
            let why =
                "the certificate authority did not issue the certificate within an hour; try again later"
                    .to_owned();
            return self.give_up(issue, why);
        }
        let after = wait.unwrap_or(self.client.poll_interval()).max(self.client.poll_interval());
        Progress::pending(COLLECT, &issue, after, "waiting until the certificate is issued")
    }

    /// One changing call: one record is removed, until there is none. Then the certificate is held, or the reason told.
    pub(super) async fn withdraw(&self, step: &Step<'_>, mut issue: Issue, wanted: &Parameters) -> Issuing {
        if let Some(txt) = issue.planted.last().cloned() {
            match self.challenges.withdraw(&txt.name, &txt.value).await {
                Ok(()) => {}
                Err(error @ ProviderError::Unavailable { .. }) => return Err(error),
                // whoever cannot remove it now can when the instance is deleted
                Err(_) => issue.left.push(txt),
            }
            issue.planted.pop();
            if !issue.planted.is_empty() {
                return Progress::next(WITHDRAW, &issue);
            }
        }
        match (issue.failure.take(), issue.issued.take()) {
            (None, Some(issued)) => {
                let held = Self::hold(step, issue, issued, Timestamp::now())?;
                Self::done(&held, wanted)
            }
            (failure, _) => {
                let why = failure.unwrap_or_else(|| "no certificate was issued".to_owned());
                // what was there before still is
                let has_one = step.instance.record.is_some();
                Err(if has_one { failed_but_usable(why) } else { ProviderError::failed(why) })
            }
        }
    }
}
