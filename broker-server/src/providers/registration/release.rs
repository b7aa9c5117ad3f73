//! The end of an instance: a registrar deletes nothing, so the domain stops renewing itself and is forgotten.

use jiff::Timestamp;

use super::{
    LEAVE, QUIET, Registrar, Registration, SILENCE, Seen, State, Status, Wanted,
    registrar::Registered,
    renewal::{Changing, not_kept},
    watch::{Known, Watch},
};
use crate::providers::{Progress, ProviderError, Refusal, Step};

/// How many looks it is given to come about.
const MAX_LOOKS: u32 = 120;

type Gone = Result<Progress<()>, ProviderError>;

impl<R: Registrar> Registration<R> {
    /// Without memory of an order, none was ever given. A registration that was finished is let go only on request; what an
    /// unfinished one left behind is let go at once, since nobody uses it yet.
    pub(super) async fn begin_release(&self, step: &Step<'_>) -> Gone {
        let wanted: R::Wanted = step.parameters()?;
        if let Some(known) = step.instance.record::<Known>() {
            return match self.surely(&known.domain).await? {
                Some(found) if known.is(&found) && !wanted.may_be_released() => Err(protected(&known)),
                Some(found) if known.is(&found) => Self::let_go(known, &found),
                // it is somebody else's by now, or nobody's
                Some(_) | None => Ok(Progress::Done(())),
            };
        }
        let Some(known) = step.left_over::<Known>() else { return Ok(Progress::Done(())) };
        // an order that says that nothing renews itself has nothing to be turned off
        if !wanted.renews_itself() {
            return Ok(Progress::Done(()));
        }
        match self.look(&known).await? {
            Seen::Nothing => {
                let after = self.registrar.call_timeout() * 2;
                let description = format!("making sure that no order of {} arrives late", known.domain);
                Progress::pending(LEAVE, &known, after, description)
            }
            seen => self.abandon(known, seen),
        }
    }

    /// Looks for an order that may have arrived late, or may have come to its end.
    pub(super) async fn leave(&self, step: &Step<'_>) -> Gone {
        let watch: Watch = step.data()?;
        if let Some(after) = watch.too_early(Timestamp::now()) {
            let told = waiting(&watch.known);
            return Progress::pending(LEAVE, &watch, after, told);
        }
        let seen = self.look(&watch.known).await?;
        self.abandon(watch.known, seen)
    }

    /// An order cannot be taken back: it is waited for.
    fn abandon(&self, known: Known, seen: Seen) -> Gone {
        match seen {
            Seen::Registered(found) if found.status != Status::Pending => Self::let_go(known, &found),
            Seen::Ordered(workflow) if matches!(workflow.state, State::Failed(_)) => Ok(Progress::Done(())),
            Seen::Nothing => Ok(Progress::Done(())),
            Seen::Ordered(workflow) if workflow.state == State::Blocked => {
                let (pace, told) = (self.pace(), waiting(&known));
                Progress::pending(LEAVE, &Watch::begin(known).held(pace), pace.blocked, told)
            }
            Seen::Registered(_) | Seen::Ordered(_) => {
                let told = waiting(&known);
                Progress::pending(LEAVE, &Watch::begin(known), self.registrar.poll_interval(), told)
            }
        }
    }

    fn let_go(known: Known, found: &Registered) -> Gone {
        if !found.renews_itself || found.status.is_past_renewal() {
            return Ok(Progress::Done(()));
        }
        Progress::next(QUIET, &known)
    }

    pub(super) async fn quiet(&self, step: &Step<'_>) -> Gone {
        let known: Known = step.data()?;
        self.registrar.renew_itself(&known.domain, false).await?;
        Progress::next(SILENCE, &Changing { known, looks: 0 })
    }

    pub(super) async fn silence(&self, step: &Step<'_>) -> Gone {
        let Changing { known, looks } = step.data()?;
        match self.registrar.registration(&known.domain).await? {
            Some(found) if found.renews_itself && looks >= MAX_LOOKS => Err(not_kept(&known)),
            Some(found) if found.renews_itself => {
                let description = format!("waiting until {} does not renew itself any more", known.domain);
                let after = self.registrar.poll_interval();
                Progress::pending(SILENCE, &Changing { known, looks: looks + 1 }, after, description)
            }
            Some(_) | None => Ok(Progress::Done(())),
        }
    }
}

fn waiting(known: &Known) -> String {
    format!(
        "the order of {} cannot be taken back; it is waited for, so that it does not renew itself",
        known.domain
    )
}

fn protected(known: &Known) -> ProviderError {
    let description = format!(
        "release: a registration is not deleted by accident. Update the instance with release set to true; deleting it then \
         turns automatic renewal off and forgets {}, which stays registered until it expires",
        known.domain
    );
    ProviderError::refused(Refusal::Protected, description)
}
