//! Rotation: a new binding in the place of an old one.

use serde_json::{Value, json};

use super::super::{
    answer::Answer,
    bench::{Binding, Instance, new_id},
    check::checks,
    finding::{Finding, Verdict, ensure},
    offer::{Input, Offer},
    sample,
    trial::{Incomplete, Trial},
};

checks! {
    "B-ROT-01" declared Lifecycle "A binding of a plan that says binding_rotatable can be rotated";
    "B-ROT-01.undeclared" not_declared Lifecycle "A binding of another plan cannot";
    "B-ROT-02" parameters_are_taken_over Lifecycle "The new binding has the parameters of its predecessor";
    "B-ROT-03" predecessor_must_live Lifecycle "A predecessor that is unknown or of another instance is refused with 400";
    "B-ROT-03.expired" predecessor_must_count Lifecycle "A predecessor that has expired is refused with 400";
    "B-ROT-04" side_by_side Lifecycle "Old and new binding are there side by side, and the old one goes by itself";
    "B-ROT-05" answered_like_bind Lifecycle "A rotation is 201, its repeat 200, with another predecessor 409";
    "B-ROT-06" short_form Lifecycle "A rotation that names nothing but its predecessor succeeds, and so does one with ids";
}

/// A bound instance of a plan whose bindings can be rotated.
async fn rotatable(t: &Trial) -> Result<(Instance, Binding), Finding> {
    let offer = t.behaviour("rotatable").or_else(|_| {
        t.offer_with("that says binding_rotatable", |offer: &Offer| {
            offer.is_rotatable() && offer.is_bindable()
        })
    })?;
    let (instance, _) = t.ready(&offer).await?;
    let mut binding = t.binding(&instance);
    if let Some(parameters) = offer.schema(Input::Bind).and_then(sample::change) {
        binding.body["parameters"] = parameters;
    }
    let bound = t.bind(&binding).await.map_err(Finding::into_obstacle)?;
    t.succeeded(&binding.path(), &bound).await.map_err(Finding::into_obstacle)?;
    Ok((instance, binding))
}

/// A successor, with the ids of offering and plan.
fn successor(t: &Trial, of: &Binding) -> Binding {
    let mut new = t.binding(&of.instance);
    let offer = &of.instance.offer;
    new.body = json!({
        "service_id": offer.service_id(), "plan_id": offer.plan_id(), "predecessor_binding_id": of.id,
    });
    new
}

async fn rotated(t: &Trial, new: &Binding) -> Result<Answer, Finding> {
    let answer = t.bind(new).await?;
    answer.is(&[201, 202])?;
    t.succeeded(&new.path(), &answer).await?;
    Ok(answer)
}

async fn declared(t: &Trial) -> Verdict {
    let (_, old) = rotatable(t).await?;
    rotated(t, &successor(t, &old)).await.map(|_| ())
}

async fn not_declared(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    if shared.instance.offer.is_rotatable() {
        return Err(Finding::skipped("the plan in use can be rotated"));
    }
    let (old, _) = shared.binding?;
    let answer = t.bind(&successor(t, &old)).await?;
    ensure((400..500).contains(&answer.status), || answer.said())
}

async fn parameters_are_taken_over(t: &Trial) -> Verdict {
    let (instance, old) = rotatable(t).await?;
    let new = successor(t, &old);
    rotated(t, &new).await?;
    if !instance.offer.service_says("bindings_retrievable") {
        return Err(Finding::skipped("bindings of this offering cannot be fetched"));
    }
    let [before, after] = [t.get(old.path()).send().await?, t.get(new.path()).send().await?];
    ensure(before.is(&[200])?.member("parameters") == after.is(&[200])?.member("parameters"), || {
        format!("{}, with other parameters than the predecessor has", after.said())
    })
}

async fn predecessor_must_live(t: &Trial) -> Verdict {
    let (instance, old) = rotatable(t).await?;
    let mut new = successor(t, &old);
    new.body["predecessor_binding_id"] = json!(new_id());
    t.bind(&new).await?.is(&[400])?;
    let (other, _) = t.ready(&instance.offer).await?;
    let mut foreign = t.binding(&other);
    foreign.body = successor(t, &old).body;
    t.bind(&foreign).await?.is(&[400]).map(|_| ())
}

/// A binding of the probe that expires after a second, when it has.
async fn expired(t: &Trial) -> Result<Binding, Finding> {
    let (instance, _) = t.ready(&t.behaviour("expiring")?).await?;
    let mut binding = t.binding(&instance);
    binding.body["parameters"] = json!({ "lifetime_seconds": 1 });
    let bound = t.bind(&binding).await.map_err(Finding::into_obstacle)?;
    let expires_at = bound.json.as_ref().and_then(|body| body.pointer("/metadata/expires_at"));
    let expires_at: jiff::Timestamp = expires_at
        .and_then(|at| at.as_str()?.parse().ok())
        .ok_or_else(|| Finding::skipped("the binding does not expire"))?;
    let deadline = std::time::Instant::now() + t.bench.options.timeout;
    while jiff::Timestamp::now() <= expires_at {
        ensure(std::time::Instant::now() < deadline, || format!("{expires_at} is too far away"))
            .map_err(Finding::into_obstacle)?;
        tokio::time::sleep(t.pause()).await;
    }
    Ok(binding)
}

async fn predecessor_must_count(t: &Trial) -> Verdict {
    let old = expired(t).await?;
    t.bind(&successor(t, &old)).await?.is(&[400]).map(|_| ())
}

async fn is_there(t: &Trial, binding: &Binding) -> Verdict {
    // a fetch where there is one, else a repeat
    let answer = match binding.instance.offer.service_says("bindings_retrievable") {
        true => t.get(binding.path()).send().await?,
        false => t.bind(binding).await?,
    };
    answer.is(&[200]).map(|_| ())
}

async fn side_by_side(t: &Trial) -> Verdict {
    let (_, old) = rotatable(t).await?;
    let new = successor(t, &old);
    rotated(t, &new).await?;
    is_there(t, &old).await?;
    is_there(t, &new).await?;
    let gone = t.unbind(&old).await?;
    t.succeeded(&old.path(), &gone).await?;
    is_there(t, &new).await
}

async fn answered_like_bind(t: &Trial) -> Verdict {
    let (instance, old) = rotatable(t).await?;
    let new = successor(t, &old);
    rotated(t, &new).await?;
    t.bind(&new).await?.is(&[200])?;
    let (another, _) = t.bound(&instance).await?;
    let mut other = new.clone();
    other.body["predecessor_binding_id"] = Value::String(another.id);
    t.bind(&other).await?.is(&[409]).map(|_| ())
}

async fn short_form(t: &Trial) -> Verdict {
    let (_, old) = rotatable(t).await?;
    let mut short = successor(t, &old);
    short.body = json!({ "predecessor_binding_id": old.id });
    let answer = t.put(short.path(), &short.body, Incomplete::Accepted).send().await?;
    answer.is(&[201, 202])?;
    t.succeeded(&short.path(), &answer).await?;
    rotated(t, &successor(t, &old)).await.map(|_| ())
}
