//! The author's chaos set: repeats, races, lost answers, a restart in the middle.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::super::{
    answer::Answer,
    bench::{Instance, new_id},
    check::checks,
    finding::{Finding, Verdict, ensure},
    lost,
    offer::Offer,
    restart,
    trial::{Incomplete, Trial, merge},
    wire::Call,
};
use super::flight;

/// How many send the same at once.
const CROWD: usize = 20;

checks! {
    "B-PROV-12.crowd" crowd_provisions Chaos "Twenty identical provisions at once make one instance with one operation";
    "B-PROV-10.crowd" crowd_provisions_at_once Chaos "Twenty identical provisions of a plan that is done at once make one instance";
    "B-PROV-13.crowd" rivals_provision Chaos "Of twenty different provisions of one id at once one wins, and the others get 409";
    "B-BIND-18.crowd" crowd_binds Chaos "Twenty identical binds at once make one binding with the same credentials";
    "B-UPD-12.crowd" crowd_updates Chaos "Twenty identical updates at once are one update";
    "B-UNB-05.crowd" crowd_unbinds Chaos "Twenty identical unbinds at once unbind once";
    "B-DEP-06.crowd" crowd_deprovisions Chaos "Twenty identical deletions at once delete once";
    "B-PROV-10.lost" provision_answer_lost Chaos "A provision whose answer was lost is found by its repeat";
    "B-BIND-18.lost" bind_answer_lost Chaos "A bind whose answer was lost is found by its repeat";
    "B-UPD-13.lost" update_answer_lost Chaos "An update whose answer was lost is found by its repeat";
    "B-UNB-06.lost" unbind_answer_lost Chaos "An unbind whose answer was lost is found by its repeat";
    "B-DEP-07.lost" deprovision_answer_lost Chaos "A deletion whose answer was lost is found by its repeat";
    "B-DEP-03.race" delete_races_provision Chaos "A deletion sent together with its provision leaves nothing behind";
    "B-PROV-12.restart" restart_in_the_middle Restart "After a restart the same operation can be polled, and succeeds";
    "B-UPD-12.restart" restart_during_update Restart "After a restart an update goes on, and succeeds";
    "B-BIND-19.restart" restart_during_bind Restart "After a restart a bind goes on, and its credentials can be fetched";
    "B-DEP-06.restart" restart_during_deletion Restart "After a restart a deletion goes on, and succeeds";
}

async fn all(calls: Vec<Call<'_>>) -> Result<Vec<Answer>, Finding> {
    join_all(calls.into_iter().map(Call::send)).await.into_iter().collect()
}

fn provision<'a>(t: &'a Trial, instance: &Instance) -> Call<'a> {
    t.put(instance.path(), &instance.body, Incomplete::Accepted)
}

/// One instance, asked for by many, and what they were told.
async fn crowd(t: &Trial, instance: &Instance) -> Result<Vec<Answer>, Finding> {
    let answers = all((0..CROWD).map(|_| provision(t, instance)).collect()).await?;
    for answer in &answers {
        answer.is(&[200, 201, 202])?;
    }
    let mut operations: Vec<_> = answers.iter().filter_map(Answer::operation).collect();
    operations.sort_unstable();
    operations.dedup();
    ensure(operations.len() <= 1, || format!("{} operations were handed out", operations.len()))?;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    ensure(made <= 1, || format!("{made} were told that their request made the instance"))?;
    Ok(answers)
}

async fn crowd_provisions(t: &Trial) -> Verdict {
    let instance = t.instance(&t.slow_offer()?);
    let answers = crowd(t, &instance).await?;
    for answer in answers.iter().filter(|answer| answer.status == 202).take(1) {
        t.succeeded(&instance.path(), answer).await?;
    }
    t.provision(&instance).await?.is(&[200]).map(|_| ())
}

async fn crowd_provisions_at_once(t: &Trial) -> Verdict {
    let instance = t.instance(&t.default_offer()?);
    let answers = crowd(t, &instance).await?;
    for answer in answers.iter().filter(|answer| answer.status == 202).take(1) {
        t.succeeded(&instance.path(), answer).await?;
    }
    t.provision(&instance).await?.is(&[200]).map(|_| ())
}

async fn rivals_provision(t: &Trial) -> Verdict {
    let instance = t.instance(&t.slow_offer()?);
    let rivals: Vec<Instance> = (0..CROWD)
        .map(|_| {
            let mut rival = instance.clone();
            rival.body["space_guid"] = json!(new_id());
            rival
        })
        .collect();
    let answers = all(rivals.iter().map(|rival| provision(t, rival)).collect()).await?;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.iter().zip(&rivals).partition(|(answer, _)| answer.status < 300);
    ensure(won.len() == 1, || format!("{} of {CROWD} different requests were accepted", won.len()))?;
    for (answer, _) in lost {
        answer.is(&[409])?;
    }
    for (answer, rival) in won {
        t.succeeded(&rival.path(), answer).await?;
        t.provision(rival).await?.is(&[200])?;
    }
    Ok(())
}

async fn crowd_binds(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    shared.binding?;
    let binding = t.binding(&shared.instance);
    let call = || t.put(binding.path(), &binding.body, Incomplete::Accepted);
    let answers = all((0..CROWD).map(|_| call()).collect()).await?;
    for answer in &answers {
        answer.is(&[200, 201, 202])?;
    }
    for answer in answers.iter().filter(|answer| answer.status == 202).take(1) {
        t.succeeded(&binding.path(), answer).await?;
    }
    let last = t.bind(&binding).await?;
    last.is(&[200])?;
    let told = answers.iter().filter(|answer| answer.status != 202);
    ensure(told.into_iter().all(|answer| answer.member("credentials") == last.member("credentials")), || {
        "the same binding has different credentials".to_owned()
    })
}

/// The plans to update: one where that is done at once, one where it is not.
fn updatable(t: &Trial) -> Result<Vec<Offer>, Finding> {
    Ok(std::iter::once(t.default_offer()?).chain(t.behaviour("slow-update")).collect())
}

/// The plans to unbind: one where that is done at once, one where it is not.
fn bindable(t: &Trial) -> Result<Vec<Offer>, Finding> {
    let once = t.default_offer().ok().filter(Offer::is_bindable);
    let offers: Vec<_> = once.into_iter().chain(t.behaviour("async-binding")).collect();
    if offers.is_empty() { Err(Finding::skipped("no plan in use is bindable")) } else { Ok(offers) }
}

async fn crowd_updates(t: &Trial) -> Verdict {
    for offer in updatable(t)? {
        let (instance, _) = t.ready(&offer).await?;
        let body = json!({ "service_id": offer.service_id(), "parameters": t.change(&offer)? });
        let call = || t.patch(&instance, &body, Incomplete::Accepted);
        let answers = all((0..CROWD).map(|_| call()).collect()).await?;
        for answer in &answers {
            answer.is(&[200, 202])?;
        }
        let mut operations: Vec<_> = answers.iter().filter_map(Answer::operation).collect();
        operations.sort_unstable();
        operations.dedup();
        ensure(operations.len() <= 1, || format!("{} operations were handed out", operations.len()))?;
        for answer in answers.iter().filter(|answer| answer.status == 202).take(1) {
            t.succeeded(&instance.path(), answer).await?;
        }
    }
    Ok(())
}

async fn crowd_unbinds(t: &Trial) -> Verdict {
    for offer in bindable(t)? {
        let (instance, _) = t.ready(&offer).await?;
        let (binding, _) = t.bound(&instance).await?;
        let call = || t.delete(binding.path(), &offer, Incomplete::Accepted);
        let answers = all((0..CROWD).map(|_| call()).collect()).await?;
        for answer in &answers {
            answer.is(&[200, 202, 410])?;
        }
        for answer in answers.iter().filter(|answer| answer.status == 202).take(1) {
            t.succeeded(&binding.path(), answer).await?;
        }
        t.unbind(&binding).await?.is(&[410])?;
    }
    Ok(())
}

async fn crowd_deprovisions(t: &Trial) -> Verdict {
    for offer in [t.default_offer()?, t.slow_offer()?] {
        let (instance, _) = t.ready(&offer).await?;
        let call = || t.delete(instance.path(), &offer, Incomplete::Accepted);
        let answers = all((0..CROWD).map(|_| call()).collect()).await?;
        for answer in &answers {
            answer.is(&[200, 202, 410])?;
        }
        for answer in answers.iter().filter(|answer| answer.status == 202).take(1) {
            t.succeeded(&instance.path(), answer).await?;
        }
        t.deprovision(&instance).await?.is(&[410])?;
    }
    Ok(())
}

async fn provision_answer_lost(t: &Trial) -> Verdict {
    for offer in [t.default_offer()?, t.slow_offer()?] {
        let instance = t.instance(&offer);
        lost::send(&t.bench, provision(t, &instance)).await?;
        let repeat = t.provision(&instance).await?;
        repeat.is(&[200, 201, 202])?;
        t.succeeded(&instance.path(), &repeat).await?;
        t.provision(&instance).await?.is(&[200])?;
    }
    Ok(())
}

async fn bind_answer_lost(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    shared.binding?;
    let binding = t.binding(&shared.instance);
    lost::send(&t.bench, t.put(binding.path(), &binding.body, Incomplete::Accepted)).await?;
    let repeat = t.bind(&binding).await?;
    repeat.is(&[200, 201, 202])?;
    t.succeeded(&binding.path(), &repeat).await?;
    t.bind(&binding).await?.is(&[200]).map(|_| ())
}

async fn update_answer_lost(t: &Trial) -> Verdict {
    for offer in updatable(t)? {
        let (instance, _) = t.ready(&offer).await?;
        let change = json!({ "parameters": t.change(&offer)? });
        let mut body = json!({ "service_id": offer.service_id() });
        merge(&mut body, &change);
        lost::send(&t.bench, t.patch(&instance, &body, Incomplete::Accepted)).await?;
        let repeat = t.update(&instance, &change).await?;
        repeat.is(&[200, 202])?;
        t.succeeded(&instance.path(), &repeat).await?;
        if offer.service_says("instances_retrievable") {
            let fetched = t.get(instance.path()).send().await?;
            let applied = fetched.is(&[200])?.member("parameters").is_none_or(|now| holds(now, &change));
            ensure(applied, || format!("{}, without the change", fetched.said()))?;
        }
    }
    Ok(())
}

/// Whether parameters hold everything that an update changed.
fn holds(now: &Value, change: &Value) -> bool {
    let changed = change["parameters"].as_object();
    changed.into_iter().flatten().all(|(key, value)| now.get(key) == Some(value))
}

async fn unbind_answer_lost(t: &Trial) -> Verdict {
    for offer in bindable(t)? {
        let (instance, _) = t.ready(&offer).await?;
        let (binding, _) = t.bound(&instance).await?;
        lost::send(&t.bench, t.delete(binding.path(), &offer, Incomplete::Accepted)).await?;
        let repeat = t.unbind(&binding).await?;
        repeat.is(&[200, 202, 410])?;
        if repeat.status == 202 {
            t.succeeded(&binding.path(), &repeat).await?;
        }
        t.unbind(&binding).await?.is(&[410])?;
    }
    Ok(())
}

async fn deprovision_answer_lost(t: &Trial) -> Verdict {
    for offer in [t.default_offer()?, t.slow_offer()?] {
        let (instance, _) = t.ready(&offer).await?;
        lost::send(&t.bench, t.delete(instance.path(), &offer, Incomplete::Accepted)).await?;
        let repeat = t.deprovision(&instance).await?;
        repeat.is(&[200, 202, 410])?;
        if repeat.status == 202 {
            t.succeeded(&instance.path(), &repeat).await?;
        }
        t.deprovision(&instance).await?.is(&[410])?;
    }
    Ok(())
}

async fn delete_races_provision(t: &Trial) -> Verdict {
    for offer in [t.default_offer()?, t.slow_offer()?] {
        let instance = t.instance(&offer);
        let both = vec![provision(t, &instance), t.delete(instance.path(), &offer, Incomplete::Accepted)];
        for answer in all(both).await? {
            ensure(answer.status < 500, || answer.said())?;
        }
        let deadline = std::time::Instant::now() + t.bench.options.timeout;
        while t.deprovision(&instance).await?.status != 410 {
            ensure(std::time::Instant::now() < deadline, || "the instance cannot be deleted".to_owned())?;
            tokio::time::sleep(t.pause()).await;
        }
        t.call(Method::GET, instance.path()).send().await?.is(&[404])?;
    }
    Ok(())
}

async fn restart_in_the_middle(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    restart::run(t).await?;
    t.poll(&flight.path, flight.begun.operation()).await?.is(&[200])?;
    flight.ends_well(t).await?;
    t.provision(&flight.instance).await?.is(&[200]).map(|_| ())
}

async fn restart_during_update(t: &Trial) -> Verdict {
    let flight = flight::updating(t).await?;
    restart::run(t).await?;
    t.poll(&flight.path, flight.begun.operation()).await?.is(&[200])?;
    flight.ends_well(t).await
}

async fn restart_during_bind(t: &Trial) -> Verdict {
    let flight = flight::binding(t).await?;
    restart::run(t).await?;
    flight.ends_well(t).await?;
    let fetched = t.get(flight.path.clone()).send().await?;
    ensure(fetched.is(&[200])?.member("credentials").is_some_and(Value::is_object), || {
        format!("{}, without credentials", fetched.said())
    })
}

async fn restart_during_deletion(t: &Trial) -> Verdict {
    let flight = flight::deprovisioning(t).await?;
    restart::run(t).await?;
    flight.ends_well(t).await?;
    t.deprovision(&flight.instance).await?.is(&[410]).map(|_| ())
}
