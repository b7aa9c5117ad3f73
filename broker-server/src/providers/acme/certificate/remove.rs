//! Deleting: records that are left are removed, certificates revoked if that was asked for.

use jiff::Timestamp;
use sutler_catalog::domain::certificate::Parameters;

use super::{
    super::{
        client::{CallError, Status},
        x509::Leaf,
    },
    Certificate, REVOKE, WITHDRAW,
    data::{Damaged, Held, Issue, Past, Removal},
};
use crate::providers::{Progress, ProviderError, Step};

impl Certificate {
    /// Reads only: what is left of finished work, and of unfinished.
    pub(super) async fn begin_removal(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let wanted: Parameters = step.parameters()?;
        let now = Timestamp::now();
        let mut removal = Removal { planted: Vec::new(), revoke: Vec::new() };
        if let Some(held) = step.instance.record::<Held>() {
            if wanted.revoke_on_delete {
                removal.revoke = held.living(now)?;
            }
            removal.planted = held.left;
        } else if step.instance.record.is_some() && wanted.revoke_on_delete {
            return Err(Damaged::Held.into());
        }
        if let Some(issue) = step.left_over::<Issue>() {
            if wanted.revoke_on_delete {
                removal.revoke.extend(self.issued_by(&issue).await?);
            }
            removal.planted.extend(issue.planted.into_iter().chain(issue.left));
        }
        go_on(removal)
    }

    /// The certificate of an issuance that did not end, if one was issued.
    pub(super) async fn issued_by(&self, issue: &Issue) -> Result<Option<Past>, ProviderError> {
        if let Some(issued) = &issue.issued {
            return Ok(Leaf::of_chain(&issued.chain).ok().map(|leaf| Past::of(&leaf)));
        }
        let (Some(url), Some(_)) = (&issue.order, &issue.key) else { return Ok(None) };
        let order = match self.client.read_order(url).await {
            Ok((order, _)) => order,
            Err(CallError::Missing) => return Ok(None),
            Err(error) => return Err(error.while_asking("look at the order")),
        };
        match (order.status, order.certificate) {
            (Status::Valid, Some(certificate)) => {
                let fetched = self.client.certificate(&certificate).await;
                let chain = fetched.map_err(|error| error.while_asking("fetch the certificate"))?;
                Ok(Leaf::of_chain(&chain).ok().map(|leaf| Past::of(&leaf)))
            }
            (Status::Processing, _) => Err(ProviderError::unavailable(
                "the certificate authority is about to issue the certificate",
                crate::providers::Sent::No,
            )),
            _ => Ok(None),
        }
    }

    /// One changing call: one record.
    pub(super) async fn remove_record(&self, mut removal: Removal) -> Result<Progress<()>, ProviderError> {
        if let Some(txt) = removal.planted.last() {
            self.challenges.withdraw(&txt.name, &txt.value).await?;
            removal.planted.pop();
        }
        go_on(removal)
    }

    /// One changing call: one certificate. That it is revoked already is success.
    pub(super) async fn revoke(&self, mut removal: Removal) -> Result<Progress<()>, ProviderError> {
        if let Some(past) = removal.revoke.last() {
            let revoked = self.client.revoke(&past.der()?).await;
            revoked.map_err(|error| error.while_trying_to("revoke the certificate"))?;
            removal.revoke.pop();
        }
        go_on(removal)
    }
}

fn go_on(removal: Removal) -> Result<Progress<()>, ProviderError> {
    match (removal.planted.is_empty(), removal.revoke.is_empty()) {
        (false, _) => Progress::next(WITHDRAW, &removal),
        (true, false) => Progress::next(REVOKE, &removal),
        (true, true) => Ok(Progress::Done(())),
    }
}
