//! What happens to requests while something else is running.

use serde_json::json;

use super::super::{
    answer::Answer,
    check::checks,
    finding::{Finding, Verdict, ensure},
    trial::Trial,
};
use super::flight::{self, Flight};

checks! {
    "B-CON-01" bind_during_update Lifecycle "A bind during an update is done, or refused with ConcurrencyError";
    "B-CON-02" update_during_update Lifecycle "Another update during an update is refused with ConcurrencyError, or accepted";
    "B-CON-02.delete" delete_during_update Lifecycle "A deletion during an update is refused with ConcurrencyError, or accepted";
    "B-CON-03" bind_during_provision Lifecycle "A bind during provision is refused with 422";
    "B-CON-04" repeats_are_welcome Lifecycle "A repeated update, bind, unbind and deprovision is answered with 202 again";
}

/// Success, or refused because of concurrency.
fn is_done_or_concurrent(answer: &Answer) -> Verdict {
    match answer.status {
        200..=202 => Ok(()),
        _ => answer.is_refused_as("ConcurrencyError").map(|_| ()),
    }
}

async fn bind_during_update(t: &Trial) -> Verdict {
    let flight = flight::updating(t).await?;
    let binding = t.binding(&flight.instance);
    let answer = t.bind(&binding).await?;
    flight.is_still_running(t).await?;
    t.note(format!("answers {}", answer.status));
    is_done_or_concurrent(&answer)?;
    flight.ends_well(t).await
}

async fn update_during_update(t: &Trial) -> Verdict {
    let flight = flight::updating(t).await?;
    let answer =
        t.update(&flight.instance, &json!({ "parameters": t.change(&flight.instance.offer)? })).await?;
    flight.is_still_running(t).await?;
    is_done_or_concurrent(&answer)?;
    flight.ends_well(t).await
}

async fn delete_during_update(t: &Trial) -> Verdict {
    let flight = flight::updating(t).await?;
    let answer = t.deprovision(&flight.instance).await?;
    t.note(format!("answers {}", answer.status));
    is_done_or_concurrent(&answer)
}

async fn bind_during_provision(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    if !flight.instance.offer.is_bindable() {
        return Err(Finding::skipped("the asynchronous plan is not bindable"));
    }
    let answer = t.bind(&t.binding(&flight.instance)).await?;
    flight.is_still_running(t).await?;
    ensure(matches!(answer.status, 404 | 422), || answer.said())?;
    flight.ends_well(t).await
}

/// The repeat of what is running joins it.
async fn is_joined(t: &Trial, flight: Flight) -> Verdict {
    flight.repeated(t).await?;
    flight.ends_well(t).await
}

async fn repeats_are_welcome(t: &Trial) -> Verdict {
    is_joined(t, flight::updating(t).await?).await?;
    is_joined(t, flight::binding(t).await?).await?;
    is_joined(t, flight::unbinding(t).await?).await?;
    is_joined(t, flight::deprovisioning(t).await?).await
}
