//! What is done at once, and what is not.

use std::time::Duration;

use serde_json::json;

use super::super::{
    answer::{Answer, Endpoint},
    bench::Instance,
    check::checks,
    finding::{Finding, Verdict, ensure},
    offer::Offer,
    trial::{Incomplete, Trial},
};
use super::flight;

checks! {
    "B-SYN-01" answers_are_prompt Answers "No answer of the run took longer than a minute";
    "B-SYN-02" success_means_done Lifecycle "What was answered with 201 is there at once";
    "B-SYN-02.async" accepted_means_running Lifecycle "What was answered with 202 is in progress or over, never forgotten";
    "B-SYN-03" plans_differ Lifecycle "A plan that is done at once stands beside one that is not";
    "B-SYN-04" synchronous_codes Lifecycle "Synchronous successes are 201, 201, 200, 200, 200";
    "B-SYN-05" repeat_is_200 Lifecycle "A provision repeated without change is answered with 200";
    "B-SYN-06" permission_is_no_order Lifecycle "What is done at once is answered with 201, whatever is accepted";
    "B-SYN-07" never_202_unasked Lifecycle "Where incomplete answers are not accepted there is none";
    "B-SYN-07.provision" provision_needs_asynchrony Lifecycle "Provision of a plan that is only asynchronous is refused with AsyncRequired";
    "B-SYN-07.update" update_needs_asynchrony Lifecycle "Update of a plan that is only asynchronous is refused with AsyncRequired";
    "B-SYN-07.bind" bind_needs_asynchrony Lifecycle "Bind of a plan that is only asynchronous is refused with AsyncRequired";
    "B-SYN-07.unbind" unbind_needs_asynchrony Lifecycle "Unbind of a plan that is only asynchronous is refused with AsyncRequired";
    "B-SYN-07.deprovision" deprovision_needs_asynchrony Lifecycle "Deprovision of a plan that is only asynchronous is refused with AsyncRequired";
    "B-SYN-08" accepted_is_202 Lifecycle "All five operations of a plan that is only asynchronous are answered with 202";
    "B-SYN-09" progress_is_told Lifecycle "Polls have a description while work is running";
}

async fn answers_are_prompt(t: &Trial) -> Verdict {
    let answers = t.bench.wire.answers();
    let Some(slowest) = answers.iter().max_by_key(|answer| answer.took) else { return Ok(()) };
    let took = format!("the slowest, {}, took {} ms", slowest.call, slowest.took.as_millis());
    ensure(slowest.took <= Duration::from_secs(60), || took.clone())?;
    t.note(if slowest.took < Duration::from_secs(1) { "all within a second".to_owned() } else { took });
    Ok(())
}

async fn success_means_done(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    if shared.provisioned.status != 201 {
        return Err(Finding::skipped(format!("{} is not done at once", shared.instance.offer.name())));
    }
    let (instance, _) = t.ready(&shared.instance.offer).await?;
    if instance.offer.service_says("instances_retrievable") {
        t.get(instance.path()).send().await?.is(&[200])?;
    }
    t.put(instance.path(), &instance.body, Incomplete::Accepted).send().await?.is(&[200]).map(|_| ())
}

async fn accepted_means_running(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    t.poll(&flight.path, flight.begun.operation()).await?.is(&[200])?;
    flight.ends_well(t).await
}

async fn plans_differ(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    let fast = t.ready(&t.default_offer()?).await?.1;
    t.note(format!("{} is answered with 202, another with {}", flight.instance.offer.name(), fast.status));
    Ok(())
}

async fn synchronous_codes(t: &Trial) -> Verdict {
    let offer = t.default_offer()?;
    let (instance, provisioned) = t.ready(&offer).await?;
    let check = |answer: &Answer, code: u16| match answer.status {
        202 => Err(Finding::skipped(format!("{} is asynchronous", answer.call))),
        _ => answer.is(&[code]).map(|_| ()),
    };
    check(&provisioned, 201)?;
    if let Ok(change) = t.change(&offer) {
        check(&t.update(&instance, &json!({ "parameters": change })).await?, 200)?;
    }
    if offer.is_bindable() {
        let (binding, bound) = t.bound(&instance).await?;
        check(&bound, 201)?;
        check(&t.unbind(&binding).await?, 200)?;
    }
    check(&t.deprovision(&instance).await?, 200)
}

async fn repeat_is_200(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    t.put(instance.path(), &instance.body, Incomplete::Accepted).send().await?.is(&[200]).map(|_| ())
}

async fn permission_is_no_order(t: &Trial) -> Verdict {
    let provisioned = t.shared().await?.provisioned;
    match provisioned.status {
        202 => Err(Finding::skipped("the plan is asynchronous")),
        _ => provisioned.is(&[201]).map(|_| ()),
    }
}

/// Synchronous success, or AsyncRequired.
fn is_complete(answer: &Answer) -> Verdict {
    match answer.status {
        422 => answer.is_refused_as("AsyncRequired").map(|_| ()),
        _ => answer.is(&[200, 201]).map(|_| ()),
    }
}

async fn never_202_unasked(t: &Trial) -> Verdict {
    for offer in [t.default_offer()?, t.slow_offer()?] {
        let instance = t.instance(&offer);
        is_complete(&t.put(instance.path(), &instance.body, Incomplete::Refused).send().await?)?;
    }
    Ok(())
}

fn only_asynchronous(t: &Trial) -> Result<Offer, Finding> {
    t.behaviour("async-only")
}

async fn provision_needs_asynchrony(t: &Trial) -> Verdict {
    let instance = t.instance(&only_asynchronous(t)?);
    let answer = t.put(instance.path(), &instance.body, Incomplete::Refused).send().await?;
    answer.is_refused_as("AsyncRequired").map(|_| ())
}

async fn update_needs_asynchrony(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&only_asynchronous(t)?).await?;
    let body = json!({ "service_id": instance.offer.service_id(), "parameters": t.change(&instance.offer)? });
    let answer = t.patch(&instance, &body, Incomplete::Refused).send().await?;
    answer.is_refused_as("AsyncRequired").map(|_| ())
}

async fn bind_needs_asynchrony(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&only_asynchronous(t)?).await?;
    let binding = t.binding(&instance);
    let answer = t.put(binding.path(), &binding.body, Incomplete::Refused).send().await?;
    answer.is_refused_as("AsyncRequired").map(|_| ())
}

async fn unbind_needs_asynchrony(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&only_asynchronous(t)?).await?;
    let (binding, _) = t.bound(&instance).await?;
    let answer = t.delete(binding.path(), &instance.offer, Incomplete::Refused).send().await?;
    answer.is_refused_as("AsyncRequired").map(|_| ())
}

async fn deprovision_needs_asynchrony(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&only_asynchronous(t)?).await?;
    let answer = t.delete(instance.path(), &instance.offer, Incomplete::Refused).send().await?;
    answer.is_refused_as("AsyncRequired").map(|_| ())
}

async fn accepted_is_202(t: &Trial) -> Verdict {
    let (instance, provisioned): (Instance, Answer) = t.ready(&only_asynchronous(t)?).await?;
    provisioned.is(&[202])?;
    let updated = t.update(&instance, &json!({ "parameters": t.change(&instance.offer)? })).await?;
    updated.is(&[202])?;
    t.succeeded(&instance.path(), &updated).await?;
    let (binding, bound) = t.bound(&instance).await?;
    bound.is(&[202])?;
    let unbound = t.unbind(&binding).await?;
    unbound.is(&[202])?;
    t.succeeded(&binding.path(), &unbound).await?;
    t.deprovision(&instance).await?.is(&[202]).map(|_| ())
}

async fn progress_is_told(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    flight.ends_well(t).await?;
    let answers = t.bench.wire.answers();
    let told = answers.iter().any(|answer| {
        answer.endpoint == Endpoint::PollInstance
            && answer.text("state") == Some("in progress")
            && answer.text("description").is_some()
    });
    if told { Ok(()) } else { Err(Finding::skipped("polls have no description")) }
}
