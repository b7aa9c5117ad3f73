//! Detaching the domain, and only ours.

use super::{
    super::{
        client::CallError,
        recorded::{self, at, next},
    },
    DELETE, LOOK_AGAIN, LOOKING, PagesDomain, is_same,
    watch::Known,
};
use crate::providers::{Progress, ProviderError, Step};

impl PagesDomain {
    /// Whether there is something of ours to detach. Without memory of it, nothing was ever added.
    pub(super) async fn begin_deletion(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let Some(known) = recorded::known::<Known>(step.instance, step.checkpoint) else {
            return Ok(Progress::Done(()));
        };
        let may_be_late = known.domain_id.is_none();
        match self.ours(&known).await? {
            true => next(DELETE, &known),
            false if may_be_late => Ok(Progress::Pending {
                checkpoint: at(LOOK_AGAIN, &known)?,
                after: self.pages.client().call_timeout() * 2,
                description: "making sure that no domain arrives late".to_owned(),
            }),
            false => Ok(Progress::Done(())),
        }
    }

    pub(super) async fn look_again(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let known: Known = recorded::data(step.checkpoint)?;
        if self.ours(&known).await? { next(DELETE, &known) } else { Ok(Progress::Done(())) }
    }

    async fn ours(&self, known: &Known) -> Result<bool, ProviderError> {
        match self.pages.read(&known.project, &known.hostname).await {
            Ok(found) => Ok(is_same(known, &found)),
            Err(CallError::Missing { .. }) => Ok(false),
            Err(error) => Err(error.while_trying_to(LOOKING)),
        }
    }

    /// Detaches it. That it, or the project, is not there is success.
    pub(super) async fn delete(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let known: Known = recorded::data(step.checkpoint)?;
        match self.pages.delete(&known.project, &known.hostname).await {
            Ok(()) => Ok(Progress::Done(())),
            Err(error) if error.is_gone() => Ok(Progress::Done(())),
            Err(error) => Err(error.while_trying_to("detach the domain")),
        }
    }
}
