//! Provisions that are refused.

use http::Method;
use serde_json::{Value, json};

use super::super::{
    answer::Answer,
    bench::new_id,
    check::checks,
    finding::{Finding, Verdict},
    offer::{Input, Offer},
    sample,
    trial::{Incomplete, Trial},
};
use super::flight;
use super::provision::changed;

checks! {
    "B-PROV-04" required_fields ReadOnly "Each required field missing, empty or of another type is refused with 400";
    "B-PROV-05" unknown_plan ReadOnly "An unknown offering, an unknown plan and a plan of another offering are refused with 400";
    "B-PROV-06" wrong_parameters ReadOnly "Parameters that the schema does not accept are refused with 400";
    "B-PROV-07" another_version Lifecycle "Another maintenance version is refused with MaintenanceInfoConflict";
    "B-PROV-07.build" another_build Lifecycle "The version without its build metadata is another version";
    "B-PROV-07.same" same_version Lifecycle "The catalog's maintenance version is accepted, whatever else stands there";
    "B-PROV-08" async_required Lifecycle "Without accepts_incomplete a slow plan is refused with AsyncRequired";
    "B-PROV-13" other_is_409 Lifecycle "Other parameters for an id that is there are refused with 409";
    "B-PROV-13.running" other_is_409_running Lifecycle "Other attributes for an id that is being made are refused with 409";
    "B-PROV-14.space" space_counts Lifecycle "Another organization or space is one";
    "B-PROV-15" malformed ReadOnly "A body that is no object is refused with 400";
}

/// Sends a body that has to be refused with 400.
async fn is_refused(t: &Trial, body: &Value) -> Verdict {
    let path = format!("/v2/service_instances/{}", new_id());
    let answer = t.put(path.clone(), body, Incomplete::Accepted).send().await?;
    if answer.status < 300
        && let Ok(offer) = t.default_offer()
    {
        // it was taken after all, and has to go again
        t.delete(path, &offer, Incomplete::Accepted).send().await?;
    }
    answer.is(&[400]).map(|_| ())
}

async fn required_fields(t: &Trial) -> Verdict {
    let body = t.provision_body(&t.default_offer()?);
    for field in ["service_id", "plan_id", "organization_guid", "space_guid"] {
        for wrong in [None, Some(json!("")), Some(json!(5)), Some(Value::Null)] {
            let mut body = body.clone();
            match wrong {
                Some(wrong) => body[field] = wrong,
                None => {
                    body.as_object_mut().map(|body| body.remove(field));
                }
            }
            is_refused(t, &body).await?;
        }
    }
    Ok(())
}

async fn unknown_plan(t: &Trial) -> Verdict {
    let offer = t.default_offer()?;
    let body = t.provision_body(&offer);
    let foreign = t.bench.offers.iter().find(|other| other.service_id() != offer.service_id());
    let foreign = foreign.map(|other| ("plan_id", other.plan_id().to_owned()));
    for (field, value) in [("service_id", new_id()), ("plan_id", new_id())].into_iter().chain(foreign) {
        let mut body = body.clone();
        body[field] = json!(value);
        is_refused(t, &body).await?;
    }
    Ok(())
}

async fn wrong_parameters(t: &Trial) -> Verdict {
    let described = |offer: &Offer| offer.schema(Input::Provision).and_then(sample::wrong).is_some();
    let offer = t.offer_with("whose schema says what is wrong", described)?;
    let mut body = t.provision_body(&offer);
    body["parameters"] = offer.schema(Input::Provision).and_then(sample::wrong).unwrap_or_default();
    is_refused(t, &body).await
}

fn maintained(t: &Trial) -> Result<Offer, Finding> {
    t.offer_with("with maintenance_info", |offer| offer.maintenance_version().is_some())
}

async fn with_version(t: &Trial, version: &str) -> Result<Answer, Finding> {
    let mut instance = t.instance(&maintained(t)?);
    instance.body["maintenance_info"] = json!({ "version": version });
    t.provision(&instance).await
}

async fn another_version(t: &Trial) -> Verdict {
    for version in ["99.99.99", "surely no version"] {
        with_version(t, version).await?.is_refused_as("MaintenanceInfoConflict")?;
    }
    Ok(())
}

async fn another_build(t: &Trial) -> Verdict {
    let built = |offer: &Offer| offer.maintenance_version().is_some_and(|version| version.contains('+'));
    let offer = t.offer_with("whose maintenance version has build metadata", built)?;
    let version = offer.maintenance_version().unwrap_or_default();
    let mut instance = t.instance(&offer);
    instance.body["maintenance_info"] = json!({ "version": version.split('+').next() });
    t.provision(&instance).await?.is_refused_as("MaintenanceInfoConflict").map(|_| ())
}

async fn same_version(t: &Trial) -> Verdict {
    let offer = maintained(t)?;
    let mut instance = t.instance(&offer);
    instance.body["maintenance_info"] =
        json!({ "version": offer.maintenance_version(), "description": "another" });
    let answer = t.provision(&instance).await?;
    answer.is(&[201, 202])?;
    t.succeeded(&instance.path(), &answer).await
}

async fn async_required(t: &Trial) -> Verdict {
    let instance = t.instance(&t.behaviour("slow")?);
    let answer = t.put(instance.path(), &instance.body, Incomplete::Refused).send().await?;
    answer.is_refused_as("AsyncRequired")?;
    t.poll(&instance.path(), None).await?.is(&[404]).map(|_| ())
}

async fn other_is_409(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    let other = t.bench.offers.iter().find(|other| {
        other.service_id() == instance.offer.service_id() && other.plan_id() != instance.offer.plan_id()
    });
    if let Ok(parameters) = t.change(&instance.offer) {
        changed(t, |body| body["parameters"] = parameters).await?.is(&[409])?;
    } else if other.is_none() {
        return Err(Finding::skipped("there is neither a parameter nor a plan to change"));
    }
    if let Some(other) = other {
        // a plan that is only asynchronous may be refused for that first
        changed(t, |body| body["plan_id"] = json!(other.plan_id())).await?.is(&[409])?;
    }
    Ok(())
}

async fn other_is_409_running(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    let mut other = flight.instance.clone();
    other.body["space_guid"] = json!(new_id());
    let answer = t.provision(&other).await?;
    flight.is_still_running(t).await?;
    answer.is(&[409])?;
    flight.ends_well(t).await
}

async fn space_counts(t: &Trial) -> Verdict {
    for field in ["organization_guid", "space_guid"] {
        changed(t, |body| body[field] = json!(new_id())).await?.is(&[409])?;
    }
    Ok(())
}

async fn malformed(t: &Trial) -> Verdict {
    let path = format!("/v2/service_instances/{}", new_id());
    for body in ["", "{", "[]", "\"text\"", "null", "{}"] {
        let call = t.call(Method::PUT, &path).raw(body, Some("application/json"));
        call.query("accepts_incomplete", "true").send().await?.is(&[400])?;
    }
    let mut body = t.provision_body(&t.default_offer()?);
    body["parameters"] = json!("no object");
    is_refused(t, &body).await
}
