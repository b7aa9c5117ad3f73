//! Polling: every poll of the run.

use super::super::{
    answer::{Answer, Endpoint},
    check::checks,
    finding::{Finding, Verdict, none},
    trial::Trial,
};

checks! {
    "B-LOI-05.others" gone_only_after_deletion Answers "No poll of another operation was answered with 410";
    "B-LOI-06" states Answers "Every state of the run is in progress, succeeded or failed";
    "B-LOI-07" descriptions Answers "Every description of a poll is a text that is not empty";
    "B-LOI-08" usable Answers "Only polls of failed updates and deprovisions had instance_usable";
    "B-LOI-09" repeatable Answers "Only polls of failed updates had update_repeatable";
    "B-LOI-10" retry_after Answers "Every Retry-After of polls of instances was a number of seconds";
    "B-LOB-03" binding_states Answers "Every poll of a binding had a state, and nothing of instances";
    "B-LOB-04" binding_retry_after Answers "Every Retry-After of polls of bindings was a number of seconds";
}

fn is_poll(answer: &Answer) -> bool {
    matches!(answer.endpoint, Endpoint::PollInstance | Endpoint::PollBinding)
}

/// The endpoint whose 202 handed out the operation of a poll.
fn began(answers: &[std::sync::Arc<Answer>], poll: &Answer) -> Option<Endpoint> {
    let (_, operation) = poll.query.iter().find(|(key, _)| key == "operation")?;
    let begun = answers.iter().find(|answer| answer.status == 202 && answer.operation() == Some(operation));
    begun.map(|answer| answer.endpoint)
}

/// Every poll of the run for which something holds that must not.
fn each_poll(
    t: &Trial,
    endpoint: impl Fn(Endpoint) -> bool,
    is_wrong: impl Fn(&Answer, Option<Endpoint>) -> bool,
) -> Verdict {
    let answers = t.bench.wire.answers();
    let polls: Vec<&Answer> = answers
        .iter()
        .map(|answer| &**answer)
        .filter(|answer| is_poll(answer) && endpoint(answer.endpoint))
        .collect();
    if !polls.iter().any(|poll| poll.status == 200) {
        return Err(Finding::skipped("nothing was polled: all work was done at once"));
    }
    let wrong = polls.into_iter().filter(|poll| is_wrong(poll, began(&answers, poll)));
    none(&wrong.map(Answer::said).collect::<Vec<_>>())
}

fn of_any(_: Endpoint) -> bool {
    true
}

fn of_instances(endpoint: Endpoint) -> bool {
    endpoint == Endpoint::PollInstance
}

fn of_bindings(endpoint: Endpoint) -> bool {
    endpoint == Endpoint::PollBinding
}

async fn gone_only_after_deletion(t: &Trial) -> Verdict {
    each_poll(t, of_any, |poll, began| {
        poll.status == 410
            && began.is_some_and(|began| !matches!(began, Endpoint::Deprovision | Endpoint::Unbind))
    })
}

fn has_no_state(poll: &Answer) -> bool {
    poll.status == 200 && !matches!(poll.text("state"), Some("in progress" | "succeeded" | "failed"))
}

async fn states(t: &Trial) -> Verdict {
    each_poll(t, of_any, |poll, _| has_no_state(poll))
}

async fn descriptions(t: &Trial) -> Verdict {
    each_poll(t, of_any, |poll, _| {
        poll.member("description").is_some_and(|text| text.as_str().is_none_or(|text| text.trim().is_empty()))
    })
}

fn is_failed(poll: &Answer) -> bool {
    poll.status == 200 && poll.text("state") == Some("failed")
}

async fn usable(t: &Trial) -> Verdict {
    each_poll(t, of_instances, |poll, began| {
        let allowed = is_failed(poll) && !matches!(began, Some(Endpoint::Provision));
        poll.member("instance_usable").is_some_and(|flag| !flag.is_boolean() || !allowed)
    })
}

async fn repeatable(t: &Trial) -> Verdict {
    each_poll(t, of_instances, |poll, began| {
        let allowed = is_failed(poll) && !matches!(began, Some(Endpoint::Provision | Endpoint::Deprovision));
        poll.member("update_repeatable").is_some_and(|flag| !flag.is_boolean() || !allowed)
    })
}

/// Every Retry-After is a number of seconds; without any there is nothing to see.
fn retry_afters(t: &Trial, endpoint: fn(Endpoint) -> bool) -> Verdict {
    let answers = t.bench.wire.answers();
    let polls = answers.iter().filter(|answer| endpoint(answer.endpoint));
    let told: Vec<&str> = polls.filter_map(|poll| poll.header("retry-after")).collect();
    if told.is_empty() {
        return Err(Finding::skipped("no poll had Retry-After"));
    }
    none(&told.into_iter().filter(|text| text.parse::<u32>().is_err()).map(str::to_owned).collect::<Vec<_>>())
}

async fn retry_after(t: &Trial) -> Verdict {
    retry_afters(t, of_instances)
}

async fn binding_states(t: &Trial) -> Verdict {
    each_poll(t, of_bindings, |poll, _| {
        let foreign =
            ["instance_usable", "update_repeatable"].into_iter().any(|key| poll.member(key).is_some());
        has_no_state(poll) || foreign
    })
}

async fn binding_retry_after(t: &Trial) -> Verdict {
    retry_afters(t, of_bindings)
}
