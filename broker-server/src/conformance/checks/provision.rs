//! Provision.

use serde_json::{Value, json};

use super::super::{
    answer::{Answer, Endpoint},
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    trial::Trial,
};
use super::flight;

checks! {
    "B-PROV-01" makes_an_instance Lifecycle "A provision succeeds";
    "B-PROV-02" id_is_the_key Lifecycle "Another id is another instance";
    "B-PROV-03" id_again Lifecycle "A deleted id is used again, or refused with 4xx";
    "B-PROV-09" created_is_201 Lifecycle "A provision that is done at once is answered with 201";
    "B-PROV-10" same_is_200 Lifecycle "The same request again is answered with 200";
    "B-PROV-10.async" same_is_200_after_async Lifecycle "The same request after an asynchronous provision is answered with 200";
    "B-PROV-11" running_is_202 Lifecycle "The same request while it is running is answered with 202";
    "B-PROV-12" same_operation Lifecycle "The repeat names the same operation";
    "B-PROV-14" names_may_change Lifecycle "Another name in the context is no other attribute";
    "B-PROV-16" dashboard Lifecycle "A dashboard_url is in the first answer, done at once or not";
    "B-PROV-16.each" dashboard_of_each Lifecycle "Two instances have different dashboard_urls";
    "B-PROV-17" operations Answers "Every operation of a provision is null or a text of 10,000 characters at most";
    "B-PROV-18" metadata Answers "The metadata of provision answers are objects";
    "B-PROV-19" no_flags Answers "No error of a provision has instance_usable or update_repeatable";
}

async fn makes_an_instance(t: &Trial) -> Verdict {
    let instance = t.instance(&t.default_offer()?);
    let answer = t.provision(&instance).await?;
    answer.is(&[201, 202])?.object()?;
    t.succeeded(&instance.path(), &answer).await
}

async fn id_is_the_key(t: &Trial) -> Verdict {
    let shared = t.shared().await?.instance;
    t.provision(&shared).await?.is(&[200])?;
    let mut other = t.instance(&shared.offer);
    t.poll(&other.path(), None).await?.is(&[404])?;
    other.body = shared.body;
    let answer = t.provision(&other).await?;
    answer.is(&[201, 202])?;
    t.succeeded(&other.path(), &answer).await
}

async fn id_again(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    let deleted = t.deprovision(&instance).await?;
    t.succeeded(&instance.path(), &deleted).await?;
    let again = t.provision(&instance).await?;
    t.note(if again.status < 400 { "used again" } else { "refused" });
    ensure(matches!(again.status, 201 | 202 | 400..=499), || again.said())?;
    if again.status == 202 { t.succeeded(&instance.path(), &again).await } else { Ok(()) }
}

async fn created_is_201(t: &Trial) -> Verdict {
    let provisioned = t.shared().await?.provisioned;
    match provisioned.status {
        202 => Err(Finding::skipped("the plan is asynchronous")),
        _ => provisioned.is(&[201]).map(|_| ()),
    }
}

async fn same_is_200(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    t.provision(&instance).await?.is(&[200])?.object().map(|_| ())
}

async fn same_is_200_after_async(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    flight.ends_well(t).await?;
    t.provision(&flight.instance).await?.is(&[200]).map(|_| ())
}

async fn running_is_202(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    let repeat = t.provision(&flight.instance).await?;
    flight.is_still_running(t).await?;
    repeat.is(&[202])?;
    flight.ends_well(t).await
}

async fn same_operation(t: &Trial) -> Verdict {
    flight::provisioning(t).await?.repeated(t).await
}

/// The shared instance's id with one attribute changed.
pub(super) async fn changed(t: &Trial, change: impl FnOnce(&mut Value)) -> Result<Answer, Finding> {
    let mut instance = t.shared().await?.instance;
    change(&mut instance.body);
    t.provision(&instance).await
}

async fn names_may_change(t: &Trial) -> Verdict {
    let answer = changed(t, |body| {
        body["context"]["instance_name"] = json!("another-name");
        body["context"]["space_annotations"] = json!({ "prefix/key": "value" });
    });
    answer.await?.is(&[200]).map(|_| ())
}

async fn dashboard(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    let flight = flight::provisioning(t).await;
    let mut begun = vec![(shared.instance, shared.provisioned)];
    if let Ok(flight) = flight {
        flight.ends_well(t).await?;
        begun.push((flight.instance, flight.begun));
    }
    let mut seen = false;
    for (instance, first) in begun {
        let told = first.member("dashboard_url").filter(|url| !url.is_null());
        ensure(told.is_none_or(Value::is_string), || format!("{}, dashboard_url is no text", first.said()))?;
        let fetched = t.get(instance.path()).send().await?;
        let fetched = fetched.member("dashboard_url").filter(|url| !url.is_null());
        seen |= fetched.is_some() || told.is_some();
        ensure(fetched.is_none() || told.is_some(), || {
            format!("{} without a dashboard_url, but the fetch has one", first.said())
        })?;
        if told != fetched {
            // once the instance is there its own page may be known
            t.note("the fetch has another one");
        }
    }
    if seen { Ok(()) } else { Err(Finding::skipped("no instance has a dashboard_url")) }
}

async fn dashboard_of_each(t: &Trial) -> Verdict {
    let first = t.shared().await?;
    let Some(one) = first.provisioned.text("dashboard_url") else {
        return Err(Finding::skipped("the instance has no dashboard_url"));
    };
    let (_, second) = t.ready(&first.instance.offer).await?;
    let is_address = url::Url::parse(one)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    ensure(is_address, || format!("“{one}” is no address of a page"))?;
    ensure(second.text("dashboard_url") != Some(one), || {
        format!("“{one}” is said of two instances, and cannot tell which is meant")
    })
}

/// Every answer to a provision for which something holds that must not.
fn each_provision(t: &Trial, is_wrong: impl Fn(&Answer) -> bool) -> Verdict {
    let answers = t.bench.wire.answers();
    let provisions: Vec<_> = answers.iter().filter(|answer| answer.endpoint == Endpoint::Provision).collect();
    if provisions.is_empty() {
        return Err(Finding::skipped("nothing was provisioned"));
    }
    none(&provisions.iter().filter(|answer| is_wrong(answer)).map(|answer| answer.said()).collect::<Vec<_>>())
}

async fn operations(t: &Trial) -> Verdict {
    let fits = |operation: &Value| {
        operation.is_null() || operation.as_str().is_some_and(|text| text.chars().count() <= 10_000)
    };
    each_provision(t, |answer| answer.member("operation").is_some_and(|operation| !fits(operation)))
}

async fn metadata(t: &Trial) -> Verdict {
    each_provision(t, |answer| answer.member("metadata").is_some_and(|metadata| !metadata.is_object()))
}

async fn no_flags(t: &Trial) -> Verdict {
    each_provision(t, |answer| {
        ["instance_usable", "update_repeatable"].into_iter().any(|key| answer.member(key).is_some())
    })
}
