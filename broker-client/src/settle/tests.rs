//! What each poll means, row by row, and whole runs of polling under a paused clock.

use std::cell::RefCell;

use serde_json::json;
use sutler_spec::ErrorBody;

use super::*;

const CALLS: [Call; 5] = [Call::Provision, Call::Update, Call::Deprovision, Call::Bind, Call::Unbind];

const STEADY: Pacing = Pacing {
    first: Duration::from_secs(1),
    minimum: Duration::from_secs(2),
    cap: Duration::from_secs(2),
    maximum: Duration::from_secs(60),
    jitter: || 0.5,
};

fn state(body: serde_json::Value, retry_after: Option<u64>) -> Result<Polled, ClientError> {
    let operation = serde_json::from_value(body).unwrap();
    Ok(Polled { operation, retry_after: retry_after.map(Duration::from_secs) })
}

fn in_progress() -> Result<Polled, ClientError> {
    state(json!({ "state": "in progress" }), None)
}

fn succeeded() -> Result<Polled, ClientError> {
    state(json!({ "state": "succeeded" }), None)
}

fn rejected(status: u16) -> Result<Polled, ClientError> {
    Err(ClientError::Rejected { status, body: ErrorBody::default(), retry_after: None })
}

fn malformed(status: u16) -> Result<Polled, ClientError> {
    Err(ClientError::Malformed { status, what: Untrusted::new("x") })
}

#[test]
fn a_state_decides() {
    for call in CALLS {
        let slow = state(json!({ "state": "in progress" }), Some(7));
        assert_eq!(next_poll(call, &in_progress()), Poll::Wait(None));
        assert_eq!(next_poll(call, &slow), Poll::Wait(Some(Duration::from_secs(7))));
        assert_eq!(next_poll(call, &succeeded()), Poll::Succeeded);
        let failure = Failure { description: None, instance_usable: true, update_repeatable: true };
        assert_eq!(next_poll(call, &state(json!({ "state": "failed" }), None)), Poll::Failed(failure));
    }
}

#[test]
fn a_failure_says_what_is_left() {
    let failed = json!({ "state": "failed", "description": "quota\u{7}", "instance_usable": false,
                         "update_repeatable": false });
    let failure = Failure {
        description: Some(Untrusted::new("quota\u{7}")),
        instance_usable: false,
        update_repeatable: false,
    };
    assert_eq!(next_poll(Call::Update, &state(failed, None)), Poll::Failed(failure));
}

#[test]
fn gone_is_success_only_while_deleting() {
    for answer in [rejected(410), malformed(410)] {
        for call in CALLS {
            let expected = match call {
                Call::Deprovision | Call::Unbind => Poll::Gone,
                _ => Poll::Wait(None),
            };
            assert_eq!(next_poll(call, &answer), expected, "{call:?}");
        }
    }
}

#[test]
fn what_is_no_state_is_asked_again() {
    for call in CALLS {
        for answer in [
            rejected(400),
            rejected(403),
            rejected(404),
            rejected(429),
            rejected(500),
            rejected(503),
            malformed(200),
            malformed(404),
            malformed(502),
            Err(ClientError::Unauthorized),
            Err(ClientError::Redirected { status: 302, location: None }),
            Err(ClientError::TooLarge { status: 200, limit: 1 }),
            Err(ClientError::TimedOut { limit: Duration::from_secs(60) }),
            Err(ClientError::Interrupted { source: "reset".into() }),
            Err(ClientError::NotSent { source: "refused".into() }),
        ] {
            assert_eq!(next_poll(call, &answer), Poll::Wait(None), "{call:?} {answer:?}");
        }
    }
    let busy = ClientError::Rejected {
        status: 503,
        body: ErrorBody::default(),
        retry_after: Some(Duration::from_secs(9)),
    };
    assert_eq!(next_poll(Call::Bind, &Err(busy)), Poll::Wait(Some(Duration::from_secs(9))));
}

/// Polls a script under a paused clock; returns how it ended, when each poll was made, and what was seen.
async fn run(
    script: Vec<Result<Polled, ClientError>>,
    maximum_duration: u64,
) -> (Settled, Vec<u64>, Vec<String>) {
    let (begun, script) = (Instant::now(), RefCell::new(script.into_iter()));
    let (polls, seen) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let instance = InstanceId::new("i").unwrap();
    let query = LastOperationQuery::default();
    let pending = Pending {
        work: Work::Deprovision(&instance),
        query: &query,
        maximum_duration: Duration::from_secs(maximum_duration),
    };
    let poll = || {
        polls.borrow_mut().push(begun.elapsed().as_secs());
        let answer = script.borrow_mut().next();
        async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
    };
    let settled = poll_until_end(poll, &pending, &STEADY, |operation| {
        seen.borrow_mut().extend(operation.description.clone());
    })
    .await;
    assert!(begun.elapsed() <= Duration::from_secs(maximum_duration));
    (settled, polls.into_inner(), seen.into_inner())
}

#[tokio::test(start_paused = true)]
async fn polling_goes_on_through_trouble_until_the_work_ends() {
    let progress = |text| state(json!({ "state": "in progress", "description": text }), None);
    let slow = state(json!({ "state": "in progress" }), Some(10));
    let script = vec![progress("10 %"), rejected(404), malformed(502), slow, progress("90 %"), succeeded()];
    let (settled, polls, seen) = run(script, 3_600).await;
    assert!(matches!(settled, Settled::Succeeded));
    assert_eq!(polls, [1, 3, 5, 7, 18, 20]);
    assert_eq!(seen, ["10 %", "90 %"]);
    assert_eq!(settled.ended(), Ended::Answered { status: 200 });
}

#[tokio::test(start_paused = true)]
async fn the_maximum_duration_ends_polling() {
    let script = std::iter::repeat_with(|| rejected(503)).take(100).collect();
    let (settled, polls, _) = run(script, 8).await;
    assert!(matches!(&settled, Settled::Expired { last_error: Some(error) } if error.status() == Some(503)));
    assert_eq!(polls, [1, 3, 5, 7]);
    assert_eq!(settled.ended(), Ended::PollingExpired);
}

#[tokio::test(start_paused = true)]
async fn a_long_pause_still_leaves_one_last_look_in_time() {
    let script = vec![state(json!({ "state": "in progress" }), Some(60)), rejected(410)];
    let (settled, polls, _) = run(script, 30).await;
    assert!(matches!(settled, Settled::Gone));
    assert_eq!(polls, [1, 28]);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_hangs_does_not_outlast_the_maximum_duration() {
    let (settled, polls, _) = run(vec![in_progress()], 10).await;
    assert!(matches!(settled, Settled::Expired { last_error: None }));
    assert_eq!(polls, [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn no_time_means_no_poll() {
    let (settled, polls, _) = run(vec![succeeded()], 0).await;
    assert!(matches!(settled, Settled::Expired { last_error: None }));
    assert!(polls.is_empty());
}
