//! Beginning: is there anything to do, is there an account, is there an order.

use jiff::Timestamp;
use sutler_catalog::domain::certificate::Parameters;

use super::{
    super::client::{CallError, Status},
    Certificate, FINALIZE, Held, ORDER, PRESENT, REGISTER, STUDY, WATCH, WITHDRAW,
    data::{Damaged, Issue, Issued, Proof, Txt, Wanted},
    due::is_stale,
    held,
};
use crate::providers::{
    Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    dns::{DnsName, acme_name},
};

/// How many orders one piece of work makes.
const MOST_ORDERS: u32 = 3;

type Issuing = Result<Progress<ProvisionedInstance>, ProviderError>;

impl Certificate {
    /// Begins to issue, or takes up an issuance that failed.
    pub(super) async fn begin(&self, step: &Step<'_>, wanted: &Parameters) -> Issuing {
        let now = Timestamp::now();
        match step.left_over::<Issue>() {
            Some(issue) if issue.wanted != Wanted::from(wanted) => {
                // another wish: what stands in the DNS is all that matters of the earlier one
                let planted = issue.planted.into_iter().chain(issue.left).collect();
                self.begin_with(Issue { planted, ..Issue::new(Wanted::from(wanted), now) }).await
            }
            Some(issue) if issue.issued.is_some() => Issue { failure: None, ..issue }.then(WITHDRAW, now),
            Some(issue) => self.begin_with(Issue { failure: None, orders: 0, ..issue }).await,
            None => self.begin_with(Issue::new(Wanted::from(wanted), now)).await,
        }
    }

    /// Begins to change: a certificate that is what is wanted, not due and not called back stays.
    pub(super) async fn begin_again(&self, step: &Step<'_>, wanted: &Parameters) -> Issuing {
        let (held, leaf) = held(step.instance)?;
        let now = Timestamp::now();
        if is_stale(&held, &leaf, wanted, now) || self.is_called_back(&leaf, now).await? {
            return self.begin(step, wanted).await;
        }
        self.stay(held, step.left_over(), wanted).await
    }

    /// The certificate stays. What a renewal that failed has left goes with the instance.
    async fn stay(&self, mut held: Held, left: Option<Issue>, wanted: &Parameters) -> Issuing {
        if let Some(issue) = left {
            held.replaced.extend(self.issued_by(&issue).await?);
            held.left.extend(issue.planted.into_iter().chain(issue.left));
        }
        Self::done(&held, wanted)
    }

    async fn begin_with(&self, issue: Issue) -> Issuing {
        let now = Timestamp::now();
        let has_account = self.client.has_account().await;
        match has_account.map_err(|error| error.while_trying_to("look for the broker's account"))? {
            true if issue.order.is_some() => issue.then(STUDY, now),
            true => issue.then(ORDER, now),
            false if self.client.may_register() => issue.without_order().then(REGISTER, now),
            false => {
                let description = "the broker has no account at the certificate authority; its operator has to agree to the \
                                   terms of service (terms_of_service_agreed)";
                Err(ProviderError::refused(Refusal::Credentials, description))
            }
        }
    }

    /// One changing call; with the same key it is the same account.
    pub(super) async fn register(&self, issue: Issue) -> Issuing {
        let registered = self.client.register().await;
        registered.map_err(|error| error.while_trying_to("make the broker's account"))?;
        issue.then(ORDER, Timestamp::now())
    }

    /// One changing call. If an answer is lost, that order is nobody's: it ends by itself after some days.
    pub(super) async fn order(&self, mut issue: Issue) -> Issuing {
        match self.client.order(&issue.wanted.names).await {
            Ok(url) => {
                issue.order = Some(url);
                issue.orders += 1;
                issue.then(STUDY, Timestamp::now())
            }
            Err(error) => self.end(issue, error, "order the certificate"),
        }
    }

    /// Reads only: what is to be proven, and what is proven already.
    pub(super) async fn study(&self, mut issue: Issue) -> Issuing {
        let now = Timestamp::now();
        let Some(url) = issue.order.clone() else { return issue.then(ORDER, now) };
        let order = match self.client.read_order(&url).await {
            Ok((order, _)) => order,
            // an order that has run out is forgotten
            Err(CallError::Missing) => return self.order_again(issue),
            Err(error) => return Err(error.while_asking("look at the order")),
        };
        match order.status {
            Status::Ready => return Self::ask_for_it(issue),
            Status::Processing | Status::Valid if issue.key.is_some() => {
                return issue.then(super::COLLECT, now);
            }
            Status::Pending | Status::Unknown => {}
            // it ended before this work, or is not what this work knows the key of
            _ => return self.order_again(issue),
        }
        let mut proofs = Vec::new();
        for url in &order.authorizations {
            match self.proof(url, &issue.wanted).await? {
                Asked::Open(proof) => proofs.push(proof),
                Asked::Proven => {}
                Asked::Ended => return self.order_again(issue),
                Asked::Impossible(why) => return self.give_up(issue, why),
            }
        }
        issue.planted.extend(proofs.iter().map(|proof| proof.txt.clone()));
        issue.planted.dedup();
        issue.proofs = proofs;
        let step = if issue.proofs.is_empty() { WATCH } else { PRESENT };
        issue.then(step, now)
    }

    /// The order leads nowhere. An authority of which no order leads anywhere is not asked for ever.
    fn order_again(&self, issue: Issue) -> Issuing {
        if issue.orders >= MOST_ORDERS {
            return self.give_up(
                issue,
                "the certificate authority ends every order at once; try again later".to_owned(),
            );
        }
        issue.without_order().then(ORDER, Timestamp::now())
    }

    async fn proof(&self, url: &str, wanted: &Wanted) -> Result<Asked, ProviderError> {
        let asked = self.client.authorization(url).await;
        let found = asked.map_err(|error| error.while_asking("look at what has to be proven"))?;
        match found.status {
            Status::Valid => return Ok(Asked::Proven),
            Status::Invalid | Status::Deactivated => return Ok(Asked::Ended),
            _ => {}
        }
        let is_ours = wanted.names.iter().any(|name| name.trim_start_matches("*.") == found.name());
        if !is_ours {
            let why = "the certificate authority wants a name to be proven that was not asked for";
            return Ok(Asked::Impossible(why.to_owned()));
        }
        let name = found.name().parse::<DnsName>().and_then(|name| acme_name(&name));
        Ok(match (found.dns(), name) {
            (Some(challenge), Ok(name)) if !challenge.token.is_empty() => Asked::Open(Proof {
                txt: Txt { name, value: self.client.dns_value(&challenge.token) },
                challenge: challenge.url.clone(),
                is_told: false,
                authorization: url.to_owned(),
            }),
            (None, _) => Asked::Impossible(
                "the certificate authority does not let one of the names be proven in the DNS".to_owned(),
            ),
            _ => Asked::Impossible("one of the names is too long to be proven in the DNS".to_owned()),
        })
    }

    /// The order is ready. The key is made, and written down before it is used.
    pub(super) fn ask_for_it(mut issue: Issue) -> Issuing {
        if issue.key.is_none() {
            let key = super::super::x509::make_key(issue.wanted.key_type);
            issue.key = Some(key.map_err(|error| ProviderError::failed(error.to_string()))?);
        }
        issue.then(FINALIZE, Timestamp::now())
    }

    /// A record of what was issued, with what it replaces.
    pub(super) fn hold(
        step: &Step<'_>,
        issue: Issue,
        issued: Issued,
        now: Timestamp,
    ) -> Result<Held, Damaged> {
        let replaced = step.instance.record::<Held>();
        let mut left = issue.left;
        left.extend(replaced.iter().flat_map(|held| held.left.iter().cloned()));
        let replaced = replaced.map(|held| held.living(now)).transpose()?.unwrap_or_default();
        Ok(Held { wanted: issue.wanted, issued, replaced, left })
    }
}

/// What an authorization asks for.
enum Asked {
    /// A record.
    Open(Proof),
    /// Nothing.
    Proven,
    /// Nothing that could help: it failed.
    Ended,
    /// What we cannot do.
    Impossible(String),
}
