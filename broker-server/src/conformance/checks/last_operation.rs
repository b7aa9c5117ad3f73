//! Polling.

use super::super::{
    answer::Answer,
    bench::new_id,
    check::checks,
    finding::{Finding, Verdict, ensure},
    trial::Trial,
};
use super::flight::{self, Flight};

checks! {
    "B-LOI-01" hints_are_hints Lifecycle "service_id and plan_id change nothing in the answer to a poll";
    "B-LOI-02" polls_are_answered Lifecycle "A poll of a running and of a finished provision is answered with 200 and a state";
    "B-LOI-03" odd_polls Lifecycle "A poll with an operation that was never handed out is no server error";
    "B-LOI-03.path" unreadable_polls ReadOnly "A poll whose path cannot be decoded is refused with 4xx";
    "B-LOI-04" unknown_instance ReadOnly "A poll of an instance that nobody made is answered with 404";
    "B-LOI-05" gone_after_deletion Lifecycle "A poll after an asynchronous deletion is answered with 410, or succeeded";
    "B-LOI-11" not_forgotten Lifecycle "How a provision ended is told again";
    "B-LOI-12" the_last_one Lifecycle "A poll without operation tells how the last one stands";
    "B-LOB-01" binding_hints Lifecycle "A poll of a binding works with and without hints";
    "B-LOB-02" binding_polls Lifecycle "Polls of bindings are answered with 200, and with 404 for what nobody made";
    "B-LOB-05" binding_not_forgotten Lifecycle "How a bind ended is told again";
    "B-LOB-06" bindings_can_be_fetched Lifecycle "The offering of an asynchronous bind says bindings_retrievable";
    "B-POL-01" within_the_duration Lifecycle "An asynchronous provision ends within its plan's maximum_polling_duration";
}

/// What a poll says, in short.
fn state(answer: &Answer) -> (u16, Option<String>) {
    (answer.status, answer.text("state").map(str::to_owned))
}

async fn polled_with_hints(t: &Trial, flight: &Flight, plan: &str) -> Result<Answer, Finding> {
    let call = t.get(format!("{}/last_operation", flight.path));
    let call = call.query("service_id", flight.instance.offer.service_id()).query("plan_id", plan);
    match flight.begun.operation() {
        Some(operation) => call.query("operation", operation),
        None => call,
    }
    .send()
    .await
}

async fn hints_agree(t: &Trial, flight: &Flight) -> Verdict {
    flight.ends_well(t).await?;
    let plain = t.poll(&flight.path, flight.begun.operation()).await?;
    for plan in [flight.instance.offer.plan_id().to_owned(), new_id()] {
        let hinted = polled_with_hints(t, flight, &plan).await?;
        ensure(state(&hinted) == state(&plain), || {
            format!("with hints {}, without {}", hinted.said(), plain.said())
        })?;
    }
    Ok(())
}

async fn hints_are_hints(t: &Trial) -> Verdict {
    hints_agree(t, &flight::provisioning(t).await?).await
}

async fn polls_are_answered(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    let running = t.poll(&flight.path, flight.begun.operation()).await?;
    ensure(running.is(&[200])?.text("state").is_some(), || format!("{} without a state", running.said()))?;
    flight.ends_well(t).await?;
    let over = t.poll(&flight.path, flight.begun.operation()).await?;
    ensure(over.is(&[200])?.text("state") == Some("succeeded"), || over.said())
}

async fn odd_polls(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    let answer = t.poll(&instance.path(), Some("surely-no-operation")).await?;
    answer.is(&[200, 400, 404]).map(|_| ())
}

async fn unreadable_polls(t: &Trial) -> Verdict {
    for id in ["%zz", "%ff", "%"] {
        let answer = t.get(format!("/v2/service_instances/{id}/last_operation")).send().await?;
        ensure((400..500).contains(&answer.status), || answer.said())?;
    }
    Ok(())
}

async fn unknown_instance(t: &Trial) -> Verdict {
    let path = format!("/v2/service_instances/{}", new_id());
    t.poll(&path, None).await?.is(&[404])?;
    t.poll(&path, Some("surely-no-operation")).await?.is(&[404]).map(|_| ())
}

async fn gone_after_deletion(t: &Trial) -> Verdict {
    let flight = flight::deprovisioning(t).await?;
    flight.ends_well(t).await?;
    let last = t.poll(&flight.path, flight.begun.operation()).await?;
    t.note(format!("answers {}", last.status));
    match last.status {
        410 => Ok(()),
        _ => ensure(last.is(&[200])?.text("state") == Some("succeeded"), || last.said()),
    }
}

/// How it ended is told twice more.
async fn is_remembered(t: &Trial, flight: &Flight) -> Verdict {
    flight.ends_well(t).await?;
    for _ in 0..2 {
        let again = t.poll(&flight.path, flight.begun.operation()).await?;
        ensure(again.is(&[200])?.text("state") == Some("succeeded"), || again.said())?;
    }
    Ok(())
}

async fn not_forgotten(t: &Trial) -> Verdict {
    is_remembered(t, &flight::provisioning(t).await?).await
}

async fn the_last_one(t: &Trial) -> Verdict {
    let flight = flight::updating(t).await?;
    let running = t.poll(&flight.path, None).await?;
    flight.is_still_running(t).await?;
    ensure(running.is(&[200])?.text("state") == Some("in progress"), || {
        format!("{} while an update is running, with the state {:?}", running.said(), running.text("state"))
    })?;
    flight.ends_well(t).await?;
    let over = t.poll(&flight.path, None).await?;
    ensure(over.is(&[200])?.text("state") == Some("succeeded"), || over.said())
}

async fn binding_hints(t: &Trial) -> Verdict {
    hints_agree(t, &flight::binding(t).await?).await
}

async fn binding_polls(t: &Trial) -> Verdict {
    let flight = flight::binding(t).await?;
    t.poll(&flight.path, flight.begun.operation()).await?.is(&[200])?;
    flight.ends_well(t).await?;
    t.poll(&flight.path, flight.begun.operation()).await?.is(&[200])?;
    let unknown = format!("{}/service_bindings/{}", flight.instance.path(), new_id());
    t.poll(&unknown, None).await?.is(&[404]).map(|_| ())
}

async fn binding_not_forgotten(t: &Trial) -> Verdict {
    is_remembered(t, &flight::binding(t).await?).await
}

async fn bindings_can_be_fetched(t: &Trial) -> Verdict {
    let flight = flight::binding(t).await?;
    ensure(flight.instance.offer.service_says("bindings_retrievable"), || {
        format!(
            "{} binds asynchronously, but its offering does not say bindings_retrievable",
            flight.instance.offer.name()
        )
    })
}

async fn within_the_duration(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    let Some(seconds) = flight.instance.offer.plan["maximum_polling_duration"].as_u64() else {
        return Err(Finding::skipped("the plan has no maximum_polling_duration"));
    };
    let started = std::time::Instant::now();
    t.settled(&flight.path, &flight.begun).await?;
    ensure(started.elapsed().as_secs() <= seconds, || format!("it took longer than {seconds} s"))
}
