//! What is left of work that failed, and of requests whose platform hung up.

use std::time::Duration;

use sutler_spec::{Asynchrony, Deprovisioned, Provisioned};

use super::{
    Stage, deprovision, id, provision, quick, settled,
    vendor::{Act, Vendor},
};
use crate::{broker::BrokerError, config::Tuning, providers::RecoveryClass};

/// A request that waits longer than its work takes.
fn patient() -> Tuning {
    Tuning { attempts: 2, ..quick() }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_15_a_failed_creation_can_always_be_deleted() {
    for class in [
        RecoveryClass::IdempotencyKey,
        RecoveryClass::UniqueName,
        RecoveryClass::ListByMarker,
        RecoveryClass::ShownOnce,
        RecoveryClass::Repeatable,
    ] {
        let (stage, vendor) = (Stage::new(), Vendor::new().of_class(class));
        vendor.act(Act::Lose);
        let broker = stage.started(&vendor, patient());
        let failed = provision(&broker, "i", Asynchrony::Refused).await;
        match failed {
            Err(BrokerError::Work { failure, .. }) => assert!(failure.touched, "{class:?}"),
            other => panic!("{class:?}: {other:?}"),
        }
        assert_eq!(vendor.objects().len(), 1, "{class:?}: the vendor has it all the same");
        let fetched = broker.fetch_instance(&id("i")).await;
        assert!(matches!(fetched, Err(BrokerError::NotFound(_))), "{class:?}: {fetched:?}");
        assert!(matches!(deprovision(&broker, "i").await, Ok(Deprovisioned::Deleted)), "{class:?}");
        assert!(vendor.objects().is_empty(), "{class:?}");
        assert!(matches!(deprovision(&broker, "i").await, Ok(Deprovisioned::Gone)), "{class:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_09_a_platform_that_hangs_up_at_any_moment_leaves_nothing_half_done() {
    let (stage, vendor) = (Stage::new(), Vendor::new());
    // only what the request itself began goes on: no worker would find it before its lease lapses
    let tuning = Tuning { lease: Duration::from_secs(600), ..patient() };
    let broker = stage.started(&vendor, tuning);
    for polls in 0..12 {
        let name = format!("i-{polls}");
        let mut request = Box::pin(provision(&broker, &name, Asynchrony::Refused));
        for _ in 0..polls {
            let waited = std::future::poll_fn(|context| {
                let poll = request.as_mut().poll(context);
                std::task::Poll::Ready(poll.is_ready())
            });
            if waited.await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(request);
        if stage.store.instance(&id(&name)).await.unwrap().is_some() {
            settled(&broker, &name).await;
        }
        let again = provision(&broker, &name, Asynchrony::Refused).await;
        let is_there = matches!(again, Ok(Provisioned::Unchanged(_) | Provisioned::Created(_)));
        assert!(is_there, "{polls}: {again:?}");
    }
    assert_eq!(vendor.objects().len(), 12);
    assert!(vendor.calls().len() <= 12, "nothing was done twice: {:?}", vendor.calls());
}
