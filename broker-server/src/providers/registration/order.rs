//! Buying the domain: at most once.

use jiff::Timestamp;

use super::{
    ORDER, PRICE, Registrar, Registration, SETTLE, Seen, WATCH, Wanted,
    policy::{Cost, affordable},
    registrar::Registered,
    unclear,
    watch::{Known, Outlook, Purchase, Watch},
};
use crate::providers::{Attempt, Progress, ProviderError, ProvisionedInstance, Refusal, Step};

/// So many orders that never arrived are enough.
const MAX_LOST: u32 = 3;

type Bought = Result<Progress<ProvisionedInstance>, ProviderError>;

impl<R: Registrar> Registration<R> {
    /// Whatever is there before anything was ordered is somebody's. What earlier work left is taken up by looking.
    pub(super) async fn begin(&self, step: &Step<'_>, wanted: &R::Wanted) -> Bought {
        if let Some(known) = step.left_over::<Known>() {
            return self.after_doubt(known).await;
        }
        let domain = wanted.domain();
        let mut known = Known::of(domain);
        match self.look(&known).await? {
            Seen::Registered(_) => return Err(conflict(domain)),
            Seen::Ordered(workflow) if !workflow.state.has_ended() => return Err(conflict(domain)),
            Seen::Ordered(workflow) => known.before = Some(workflow.key),
            Seen::Nothing => {}
        }
        Progress::next(PRICE, &known)
    }

    /// Asks what it costs, so that it can be counted as spent before the order.
    pub(super) async fn price(&self, step: &Step<'_>, wanted: &R::Wanted) -> Bought {
        let known: Known = step.data()?;
        let cost = match self.cost(&known, wanted).await {
            Ok(cost) => cost,
            Err(error) => return self.refused(known, error).await,
        };
        let id = match &known.purchase {
            Some(earlier) => earlier.id.clone(),
            None => step.key.as_str().to_owned(),
        };
        Progress::next(ORDER, &Known { purchase: Some(Purchase { id, cost }), ..known })
    }

    /// What it costs now, if it may be bought for that.
    async fn cost(&self, known: &Known, wanted: &R::Wanted) -> Result<Cost, ProviderError> {
        let quote = self.registrar.quote(&known.domain).await?;
        let order = (known.domain.as_str(), wanted.years());
        affordable(quote, order, wanted.limit().as_ref(), self.registrar.policy())
    }

    /// Gives the order, unless an attempt is in doubt: then it only looks.
    pub(super) async fn order(&self, step: &Step<'_>, wanted: &R::Wanted) -> Bought {
        let known: Known = step.data()?;
        if step.attempt == Attempt::Again {
            return self.after_doubt(known).await;
        }
        match self.look(&known).await.map_err(|error| if known.lost > 0 { unclear(error) } else { error })? {
            Seen::Nothing => {}
            // an order that was taken for lost
            Seen::Registered(_) | Seen::Ordered(_) if known.lost > 0 => return watch(known),
            Seen::Registered(_) | Seen::Ordered(_) => return Err(conflict(&known.domain)),
        }
        // without it, an earlier version of the broker was about to order
        let Some(counted) = known.purchase.as_ref().map(|purchase| purchase.cost.clone()) else {
            return Progress::next(PRICE, &known);
        };
        match self.cost(&known, wanted).await {
            Ok(cost) if cost.is_within(&counted) => {}
            Ok(cost) => return self.refused(known, dearer(&cost, &counted)).await,
            Err(error) => return self.refused(known, error).await,
        }
        match self.registrar.register(wanted).await {
            Ok(placed) => {
                let known = Known { order: placed.order, ..known };
                self.judge(Watch::begin(known), &placed.state)
            }
            Err(error @ ProviderError::Refused { .. }) => self.refused(known, error).await,
            Err(error) => Err(error),
        }
    }

    /// The order is refused. If an earlier one was taken for lost, perhaps it is the reason.
    async fn refused(&self, known: Known, error: ProviderError) -> Bought {
        if known.lost == 0 || !matches!(error, ProviderError::Refused { .. }) {
            return Err(error);
        }
        match self.look(&known).await.map_err(unclear)? {
            Seen::Nothing => Err(ProviderError::failed(error.to_string())),
            Seen::Registered(_) | Seen::Ordered(_) => watch(known),
        }
    }

    /// An order is in doubt: what is there now, and was not there before, is what it made.
    async fn after_doubt(&self, known: Known) -> Bought {
        match self.look(&known).await.map_err(unclear)? {
            Seen::Registered(_) | Seen::Ordered(_) => watch(known),
            Seen::Nothing => {
                let description = format!(
                    "the answer to the order of {} was lost; making sure that it does not arrive late",
                    known.domain
                );
                Progress::pending(SETTLE, &known, self.registrar.call_timeout() * 2, description)
            }
        }
    }

    /// No call of ours can arrive any more. Only if the registrar shows nothing of the order, another may be given, which
    /// asks once more whether the name can be bought.
    pub(super) async fn settle(&self, step: &Step<'_>) -> Bought {
        let known: Known = step.data()?;
        match self.look(&known).await.map_err(unclear)? {
            Seen::Registered(_) | Seen::Ordered(_) => watch(known),
            Seen::Nothing if known.lost + 1 >= MAX_LOST => Err(ProviderError::failed(format!(
                "{MAX_LOST} orders of {} were not answered, and the registrar shows none of them; look at its dashboard, then \
                 delete the instance",
                known.domain
            ))),
            Seen::Nothing => Progress::next(PRICE, &Known { lost: known.lost + 1, ..known }),
        }
    }

    /// Looks how far the order is, and then for the registration.
    pub(super) async fn watch(&self, step: &Step<'_>, wanted: &R::Wanted) -> Bought {
        let watch: Watch = step.data()?;
        if let Some(after) = watch.too_early(Timestamp::now()) {
            let told = watch.blocked();
            return Progress::pending(WATCH, &watch, after, told);
        }
        let (domain, pace) = (watch.known.domain.clone(), self.pace());
        let workflow =
            self.registrar.workflow(&domain, watch.known.order.as_deref()).await.map_err(unclear)?;
        let ours = workflow.filter(|workflow| watch.known.before.as_ref() != Some(&workflow.key));
        let watch = match ours {
            None => watch,
            Some(workflow) => match watch.judge(&workflow.state, pace) {
                Outlook::Succeeded(watch) => watch,
                other => return told(other),
            },
        };
        match self.registrar.registration(&domain).await.map_err(unclear)? {
            Some(found) if found.is_there() => {
                self.with_renewal(watch.known, &found, wanted.renews_itself()).await
            }
            Some(_) => told(watch.judge(&super::State::Working, pace)),
            None => told(watch.missing(pace.interval)),
        }
    }

    fn judge(&self, watch: Watch, state: &super::State) -> Bought {
        told(watch.judge(state, self.pace()))
    }
}

impl Registered {
    /// Whether it is more than an order.
    fn is_there(&self) -> bool {
        self.status != super::Status::Pending
    }
}

fn watch(known: Known) -> Bought {
    Progress::next(WATCH, &Watch::begin(known))
}

fn told(outlook: Outlook) -> Bought {
    match outlook {
        Outlook::Succeeded(watch) => Progress::next(WATCH, &watch),
        Outlook::Wait(watch, after, description) => Progress::pending(WATCH, &watch, after, description),
        Outlook::Failed(description) => Err(ProviderError::failed(description)),
    }
}

/// The price rose between the question and the order: what is counted as spent would be too little.
fn dearer(cost: &Cost, counted: &Cost) -> ProviderError {
    let description = format!(
        "domain: the price is {} {} now, and was {} {} a moment ago; nothing was ordered, make the request again",
        cost.amount, cost.currency, counted.amount, counted.currency
    );
    ProviderError::refused(Refusal::Unsupported, description)
}

fn conflict(domain: &str) -> ProviderError {
    let description = format!(
        "domain: {domain} is in the registrar's account already, registered, hosted or on order, and not by this instance; it \
         is left alone. Adopting it costs nothing"
    );
    ProviderError::refused(Refusal::Conflict, description)
}
