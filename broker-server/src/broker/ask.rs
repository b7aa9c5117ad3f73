//! One step: the provider is asked within the lease, and whether the vendor answers at all is taken note of.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::{debug, error};

use super::{
    adoption, answer,
    calls::kind_of,
    drive::{Drive, bound, checkpoint, target},
    engine::Engine,
    error::chain,
    facts, tenure,
    verdict::Completed,
};
use crate::{
    circuit::Heard,
    faults::{self, Injected},
    providers::{Account, Attempt, BEGIN, IdempotencyKey, Progress, ProviderError, Refusal, Sent, Work},
};

/// A vendor that asks to wait is left alone at least this long.
const SHORTEST_CLOSURE: Duration = Duration::from_secs(1);

impl Engine {
    /// Asks the provider to do the step, within the lease.
    pub(super) async fn ask(
        &self,
        drive: &Drive,
        deadline: Instant,
    ) -> Result<Progress<Completed>, ProviderError> {
        let checkpoint = checkpoint(&drive.operation);
        let attempt = if drive.operation.in_doubt { Attempt::Again } else { Attempt::First };
        debug!(?attempt, "asking the provider");
        let is_mutant = attempt == Attempt::Again && faults::mutant("new_marker_on_retry");
        let installation = if is_mutant { "another" } else { self.store.installation() };
        let marker = facts::marker(installation, &drive.instance.id, bound(&drive.operation));
        let key = (drive.operation.turn, drive.operation.doubted_for);
        let key = IdempotencyKey::new(&drive.operation.id, &checkpoint.step, key);
        let step = facts::Asked {
            instance: &drive.instance,
            checkpoint: &checkpoint,
            attempt,
            marker: &marker,
            key: &key,
        };
        if let Some((discovery, object)) = adoption::of(drive.provider.as_ref(), &drive.instance)
            && (target(&drive.operation), checkpoint.step.as_str()) == (Work::Provision, BEGIN)
        {
            let (service, id) = (&drive.instance.service, &drive.instance.id);
            match Box::pin(self.holder(discovery, service, (object, id))).await {
                Ok(None) => {}
                Ok(Some(_)) => return Err(ProviderError::refused(Refusal::Conflict, adoption::HELD)),
                Err(_) => return Err(unclear("The broker could not look whether the object is free.")),
            }
        }
        // boxed: each of the layers around it would have room for it, twice
        let work = Box::pin(facts::call(
            drive.provider.as_ref(),
            target(&drive.operation),
            step,
            (drive.binding.as_ref(), drive.operation.change.as_ref()),
        ));
        let work = async {
            if attempt == Attempt::Again {
                faults::pass("B21").await.map_err(Injected::in_doubt)?;
            }
            faults::pass("B08").await.map_err(Injected::unsent)?;
            work.await
        };
        let account = drive.provider.account(&drive.instance.plan);
        let calls = account.map_or(0, Account::calls);
        let work = async {
            match tenure::until(deadline, AssertUnwindSafe(work).catch_unwind()).await {
                Some(Ok(answer)) => self.fit(drive, answer),
                Some(Err(_panic)) => Err(unclear("The provider stopped with an internal error.")),
                None => Err(unclear("The vendor did not answer in time.")),
            }
        };
        let step = format!("{}/{}", target(&drive.operation).as_str(), checkpoint.step);
        let answer = self.observed((&drive.instance.service, &step), work, kind_of).await;
        if let Some(account) = account.filter(|account| account.calls() > calls) {
            Box::pin(self.listen_to(account, answer.as_ref().err())).await;
        }
        faults::pass("B19").await.map_err(Injected::in_doubt)?;
        answer
    }

    /// Takes note of how a vendor answered a call: silence, again and again, opens its circuit; a wish to wait closes the
    /// account for everyone.
    pub(super) async fn listen_to(&self, account: &Account, error: Option<&ProviderError>) {
        let (store, governor) = (self.store.as_ref(), &self.governor);
        let told = match error {
            Some(ProviderError::Unavailable { retry_after: Some(wait), .. }) => {
                let wait = (*wait).clamp(SHORTEST_CLOSURE, self.tuning.longest_wait);
                match governor.hear(store, account, Heard::Answer).await {
                    Ok(()) => governor.slow_down(store, (account, wait)).await,
                    failed => failed,
                }
            }
            Some(ProviderError::Unavailable { retry_after: None, .. }) => {
                governor.hear(store, account, Heard::Silence).await
            }
            _ => governor.hear(store, account, Heard::Answer).await,
        };
        if let Err(problem) = told {
            error!(error = chain(&problem), "other processes are not told how the vendor answered");
        }
    }

    /// What breaks the specification is not passed on: it counts as a failure of the provider.
    fn fit(
        &self,
        drive: &Drive,
        answer: Result<Progress<Completed>, ProviderError>,
    ) -> Result<Progress<Completed>, ProviderError> {
        let offering = self.registry.offering(&drive.instance.service);
        let requires = offering.map_or(&[][..], |offering| &offering.service().requires);
        answer::fit(answer, requires).map_err(|unfit| {
            for problem in &unfit.problems {
                error!(problem, "the provider's answer breaks the specification");
            }
            unfit.error
        })
    }
}

/// No answer that can be understood.
pub(super) fn unclear(description: &str) -> ProviderError {
    ProviderError::Unavailable { description: description.to_owned(), retry_after: None, sent: Sent::Perhaps }
}
