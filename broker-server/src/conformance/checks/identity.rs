//! Originating identity, request identity, authentication.

use base64::Engine as _;
use http::Method;
use serde_json::json;

use super::super::{
    bench::new_id,
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    trial::Trial,
    wire::{Authentication, Proof},
};

const CATALOG: &str = "/v2/catalog";
const ORIGINATOR: &str = "x-broker-api-originating-identity";
const REQUEST: &str = "x-broker-api-request-identity";

checks! {
    "B-OID-01" originator_is_optional ReadOnly "Requests with and without an originating identity are served";
    "B-OID-02" originator_holds_anything ReadOnly "An identity with line ends and unknown keys is accepted";
    "B-OID-02.provision" originator_of_a_provision Lifecycle "An identity of the context's platform is accepted when something is changed";
    "B-RID-01" identity_may_be_odd ReadOnly "A long request identity with odd characters does no harm";
    "B-RID-02" identity_is_repeated ReadOnly "Successes and errors repeat the request identity";
    "B-RID-02.all" identity_is_always_repeated Answers "Every answer of the run repeated the request identity";
    "B-RID-03" identity_is_no_guid ReadOnly "Two requests with the same identity, which is no GUID, are both served";
    "B-AUTH-01" authentication_is_asked_for ReadOnly "Who shows no credentials gets no catalog";
    "B-AUTH-02" certificate_is_trusted ReadOnly "The certificate is signed by an authority that was agreed on";
    "B-AUTH-03" every_endpoint_asks ReadOnly "Every endpoint refuses a request without credentials";
    "B-AUTH-04" wrong_proofs_are_refused ReadOnly "A wrong password and an unknown mechanism are refused with 401";
    "B-AUTH-05" bearer_is_accepted ReadOnly "A bearer token is accepted";
    "B-AUTH-06" several_platforms ReadOnly "A second platform, with credentials of its own, is served";
}

fn encoded(json: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(json)
}

async fn originator_is_optional(t: &Trial) -> Verdict {
    let identity =
        format!("cloudfoundry {}", encoded(r#"{"user_id":"683ea748-3092-4ff4-b656-39cacc4d5360"}"#));
    t.get(CATALOG).send().await?.is(&[200])?;
    t.get(CATALOG).header(ORIGINATOR, identity).send().await?.is(&[200]).map(|_| ())
}

/// The sample of the specification has line ends in its JSON.
fn odd_identity() -> String {
    let json = "{\r\n  \"username\": \"duke\",\r\n  \"uid\": \"c2dde242\",\r\n  \"groups\": [],\r\n  \"extra\": {\"mydata\": [\"x\"]}\r\n}";
    format!("kubernetes {}", encoded(json))
}

async fn originator_holds_anything(t: &Trial) -> Verdict {
    t.get(CATALOG).header(ORIGINATOR, odd_identity()).send().await?.is(&[200]).map(|_| ())
}

async fn originator_of_a_provision(t: &Trial) -> Verdict {
    let mut instance = t.instance(&t.default_offer()?);
    instance.body["context"] = json!({
        "platform": "kubernetes", "namespace": "conformance", "clusterid": new_id(), "instance_name": "conformance",
    });
    let call = t.call(Method::PUT, instance.path()).json(&instance.body).query("accepts_incomplete", "true");
    let answer = call.header(ORIGINATOR, odd_identity()).send().await?;
    t.succeeded(&instance.path(), &answer).await
}

async fn identity_may_be_odd(t: &Trial) -> Verdict {
    let identity = format!("conformance <{}> ;,\"{{}}\"", "x".repeat(150));
    t.get(CATALOG).header(REQUEST, identity).send().await?.is(&[200]).map(|_| ())
}

async fn identity_is_repeated(t: &Trial) -> Verdict {
    let unknown = format!("/v2/service_instances/{}", new_id());
    for call in [
        t.get(CATALOG),
        t.get(CATALOG).proof(Proof::WrongPassword),
        t.get(format!("{unknown}/last_operation")),
        t.call(Method::PUT, unknown).raw("{", Some("application/json")),
    ] {
        let identity = new_id();
        let answer = call.header(REQUEST, identity.as_str()).send().await?;
        ensure(answer.header(REQUEST) == Some(&identity), || {
            format!("{}, without the header {REQUEST} of the request", answer.said())
        })?;
    }
    Ok(())
}

async fn identity_is_always_repeated(t: &Trial) -> Verdict {
    let answers = t.bench.wire.answers();
    let differing = answers.iter().filter(|answer| answer.identity.as_deref() != answer.header(REQUEST));
    none(&differing.map(|answer| answer.said()).collect::<Vec<_>>())
}

async fn identity_is_no_guid(t: &Trial) -> Verdict {
    for _ in 0..2 {
        t.get(CATALOG).header(REQUEST, "the same again").send().await?.is(&[200])?;
    }
    Ok(())
}

async fn authentication_is_asked_for(t: &Trial) -> Verdict {
    let answer = t.get(CATALOG).proof(Proof::None).send().await?;
    ensure(answer.status == 401, || format!("{} without credentials", answer.said()))?;
    t.note(if t.bench.wire.is_encrypted() { "over TLS" } else { "over plain HTTP" });
    Ok(())
}

async fn certificate_is_trusted(t: &Trial) -> Verdict {
    if !t.bench.wire.is_encrypted() {
        return Err(Finding::skipped("the broker is reached over plain HTTP"));
    }
    // every request so far has checked it
    t.get(CATALOG).send().await.map(|_| ())
}

/// One request for each endpoint; none of the ids exists.
async fn every_endpoint_asks(t: &Trial) -> Verdict {
    let instance = format!("/v2/service_instances/{}", new_id());
    let binding = format!("{instance}/service_bindings/{}", new_id());
    for call in [
        t.get(CATALOG),
        t.call(Method::PUT, &instance).json(&json!({})),
        t.get(&instance),
        t.call(Method::PATCH, &instance).json(&json!({})),
        t.get(format!("{instance}/last_operation")),
        t.call(Method::PUT, &binding).json(&json!({})),
        t.get(&binding),
        t.get(format!("{binding}/last_operation")),
    ] {
        call.proof(Proof::None).send().await?.is(&[401])?;
    }
    for path in [binding, instance] {
        let call = t.call(Method::DELETE, path).query("service_id", "s").query("plan_id", "p");
        call.proof(Proof::None).send().await?.is(&[401])?;
    }
    Ok(())
}

async fn wrong_proofs_are_refused(t: &Trial) -> Verdict {
    for proof in [Proof::WrongPassword, Proof::UnknownScheme] {
        t.get(CATALOG).proof(proof).send().await?.is(&[401])?;
    }
    Ok(())
}

async fn bearer_is_accepted(t: &Trial) -> Verdict {
    let known = t.bench.wire.authentication();
    let proof = match known.iter().position(|one| matches!(one, Authentication::Bearer(_))) {
        Some(0) => Proof::Right,
        Some(1) => Proof::Second,
        _ => return Err(Finding::skipped("no bearer token was given")),
    };
    t.get(CATALOG).proof(proof).send().await?.is(&[200]).map(|_| ())
}

async fn several_platforms(t: &Trial) -> Verdict {
    if t.bench.wire.authentication().len() < 2 {
        return Err(Finding::skipped("credentials of one platform only were given"));
    }
    t.get(CATALOG).proof(Proof::Second).send().await?.is(&[200]).map(|_| ())
}
