//! I-14: whatever the vendor does, an operation ends within the bound that is printed.

use std::time::Duration;

use serde_json::Value;
use sutler_spec::{Asynchrony, OperationState};
use tokio::time::Instant;

use super::{
    Stage, provision, quick, settled,
    vendor::{Act, Vendor},
};
use crate::{
    broker::longest_operation,
    config::Tuning,
    providers::{Checkpoint, Progress, ProviderError, Sent},
};

/// Whether it ends, in time, without success.
async fn ends_in_time(act: Act, tuning: Tuning) {
    let (stage, vendor) = (Stage::new(), Vendor::new());
    vendor.act(act);
    let broker = stage.started(&vendor, tuning);
    let start = Instant::now();
    provision(&broker, "i", Asynchrony::Allowed).await.unwrap();
    let last = settled(&broker, "i").await;
    let (took, bound) = (start.elapsed(), longest_operation(&tuning));
    assert_eq!(last.state, OperationState::Failed);
    assert!(took <= bound, "it took {took:?}, the bound is {bound:?}");
}

fn short() -> Tuning {
    Tuning { operation_age: Duration::from_millis(300), ..quick() }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_14_a_vendor_that_never_answers() {
    ends_in_time(Act::Hang, Tuning { attempts: 3, ..quick() }).await;
    ends_in_time(Act::Hang, Tuning { attempts: u32::MAX, ..short() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_14_a_vendor_that_is_never_reached() {
    for retry_after in [None, Some(Duration::from_secs(3_600))] {
        let description = "no answer".to_owned();
        let never = Err(ProviderError::Unavailable { description, retry_after, sent: Sent::No });
        ends_in_time(Act::Say(never), Tuning { attempts: u32::MAX, ..short() }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_14_a_vendor_that_is_never_done() {
    let checkpoint = Checkpoint::at("again", Value::Null);
    let pending = Progress::Pending {
        checkpoint: checkpoint.clone(),
        after: Duration::from_secs(3_600),
        description: "busy".to_owned(),
    };
    ends_in_time(Act::Say(Ok(pending)), short()).await;
    ends_in_time(Act::Say(Ok(Progress::Next(checkpoint))), short()).await;
}
