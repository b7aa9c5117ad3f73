//! Every vendor call of a life, disturbed in turn; and what others have at the vendor.

use std::time::{Duration, Instant};

use super::{Case, MOST, UNSTRUCK};
use crate::{
    operation::Work,
    providers::contract::{
        Broken, CANARY,
        disturbed::Disturbance,
        life::{Tolerance, emptied, insist, quiet, troubled, unchanged},
        platform::{End, NAME, Platform},
        report::Outcome,
        staged::{Fault, Page, Staged, Target},
        trouble::Trouble,
    },
};

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

/// Lets the first vendor call of each request of a life meet the fault, then in another life the second, until no request
/// has more. `None` when the stage cannot do that.
async fn sweep<S: Staged>(fault: &Fault, tolerance: Tolerance) -> Result<Option<u32>, Broken> {
    let mut platform = Platform::<S>::set().await?;
    if !platform.stage.strike(1, fault).await {
        return Ok(None);
    }
    platform.stage.heal().await;
    let reference = quiet(&mut platform).await?;
    let mut runs = 0;
    for nth in 1..=MOST {
        match troubled(&mut platform, &reference, &Trouble::Call { nth, fault }, tolerance).await? {
            0 => return Ok(Some(runs)),
            met => runs += met,
        }
    }
    Err(Broken(format!("a request has more than {MOST} vendor calls")))
}

async fn sweeps<S: Staged>(faults: &[Fault], tolerance: Tolerance) -> Case {
    let mut runs = 0;
    for fault in faults {
        match sweep::<S>(fault, tolerance).await? {
            Some(more) => runs += more,
            None => return Ok(Outcome::NotTried(UNSTRUCK)),
        }
    }
    Ok(Outcome::Kept(runs))
}

fn json(status: u16) -> Page {
    let body = serde_json::json!({
        "success": false, "message": CANARY, "error": { "message": CANARY },
        "errors": [{ "code": 1, "message": CANARY }],
    });
    Page { status, content_type: JSON, retry_after: None, body: body.to_string() }
}

fn html(status: u16) -> Page {
    let body = format!("<html><body>{CANARY}</body></html>");
    Page { status, content_type: HTML, retry_after: None, body }
}

/// A call never reaches the vendor.
pub(super) async fn every_call_lost_on_the_way<S: Staged>() -> Case {
    sweeps::<S>(&[Fault::DropRequest], Tolerance::Success).await
}

/// A call is done and its answer is lost (F12).
pub(super) async fn every_call_lost_its_answer<S: Staged>() -> Case {
    sweeps::<S>(&[Fault::DropAnswer], Tolerance::Success).await
}

/// A vendor that asks to wait is waited for, and then the work goes on.
pub(super) async fn too_many_requests_with_and_without_retry_after<S: Staged>() -> Case {
    let wait = |retry_after| Fault::Answer(Page { retry_after, ..json(429) });
    let mut platform = Platform::<S>::set().await?;
    let (ids, before) = (platform.ids()?, platform.objects().await);
    if !platform.stage.strike(1, &wait(Some(1))).await {
        return Ok(Outcome::NotTried(UNSTRUCK));
    }
    let started = Instant::now();
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    if platform.stage.heal().await && started.elapsed() < Duration::from_secs(1) {
        return Err(Broken::new("the vendor asked to wait a second, and was asked again sooner"));
    }
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    sweeps::<S>(&[wait(None), wait(Some(0))], Tolerance::Success).await
}

/// Whatever is not a clear answer of the vendor's is "unknown": nothing is believed to be gone, or done (I-08).
pub(super) async fn server_errors_and_html_are_unknown_not_absent<S: Staged>() -> Case {
    let unclear = [json(500), html(502), html(200), Page { body: String::new(), ..json(200) }];
    let faults: Vec<Fault> = unclear.into_iter().map(Fault::Answer).collect();
    let mut platform = Platform::<S>::set().await?;
    let (ids, before) = (platform.ids()?, platform.objects().await);
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    for fault in faults.iter().chain([&Fault::DropAnswer, &Fault::DropRequest]) {
        if !platform.stage.strike(1, fault).await {
            return Ok(Outcome::NotTried(UNSTRUCK));
        }
        let fetched = platform.fetch(&ids).await?;
        let struck = platform.stage.heal().await;
        if struck && !matches!(fetched, End::Failed(_)) {
            return Err(Broken(format!("fetch believes {fetched:?} of a vendor that {fault} (I-08)")));
        }
    }
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    sweeps::<S>(&faults, Tolerance::Success).await
}

/// The vendor does it and answers with an error.
pub(super) async fn errors_after_the_work_was_done<S: Staged>() -> Case {
    sweeps::<S>(&[Fault::AnswerAfterwards(html(502))], Tolerance::Success).await
}

/// The vendor does not accept the broker's credentials for a while: that is not "gone", and it can be repaired.
pub(super) async fn rejected_credentials<S: Staged>() -> Case {
    let faults = [json(401), json(403)].map(Fault::Answer);
    let mut platform = Platform::<S>::set().await?;
    let (ids, before) = (platform.ids()?, platform.objects().await);
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    for fault in &faults {
        if !platform.stage.strike(1, fault).await {
            return Ok(Outcome::NotTried(UNSTRUCK));
        }
        let fetched = platform.fetch(&ids).await?;
        if platform.stage.heal().await && !matches!(fetched, End::Failed(_)) {
            return Err(Broken(format!("fetch believes {fetched:?} without credentials (I-08)")));
        }
    }
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    sweeps::<S>(&faults, Tolerance::Failure).await
}

/// A vendor's own words about a refusal are not handed on (S-43).
pub(super) async fn no_secret_in_errors<S: Staged>() -> Case {
    sweeps::<S>(&[Fault::Answer(json(400))], Tolerance::Failure).await
}

/// What stands where ours would is refused, and left alone by deletion too (I-03, I-04).
pub(super) async fn foreign_object_of_the_same_name_is_not_touched<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    let ids = platform.ids()?;
    let marker = platform.marker(&ids);
    let target = Target { marker: &marker, binding: &marker.for_binding(&ids.binding), name: NAME };
    let Some(work) = platform.stage.occupy(&target).await else {
        return Ok(Outcome::NotTried("nothing can stand in the way (Staged::occupy)"));
    };
    let before = platform.objects().await;
    if work == Work::Bind {
        insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    }
    let there = platform.objects().await;
    match platform.ask(work, &ids).await? {
        End::Failed(_) => {}
        other => return Err(Broken(format!("a foreign object is taken for ours: {other:?} (I-04)"))),
    }
    unchanged(&there, &platform.objects().await).map_err(|broken| broken.after(work))?;
    if work == Work::Bind {
        platform.unbind(&ids).await?;
        unchanged(&there, &platform.objects().await).map_err(|broken| broken.after(Work::Unbind))?;
    }
    platform.deprovision(&ids).await?;
    emptied(&mut platform, &ids, &before).await?;
    platform.check_discretion()?;
    Ok(Outcome::Kept(1))
}

/// What is ours is found on whatever page of a list it stands, and the rest of the list is left alone.
pub(super) async fn second_page<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    if !platform.stage.crowd().await {
        return Ok(Outcome::NotTried("the lists of the stage cannot be filled (Staged::crowd)"));
    }
    let reference = quiet(&mut platform).await?;
    let mut runs = 1;
    // what was made and not recorded has to be found again
    for at in 1..=MOST {
        let trouble = Trouble::Step { at, times: 1, what: Disturbance::DieAfter };
        let lived = troubled(&mut platform, &reference, &trouble, Tolerance::Success).await;
        match lived.map_err(|broken| broken.during("with long lists"))? {
            0 => return Ok(Outcome::Kept(runs)),
            met => runs += met,
        }
    }
    Err(Broken(format!("a request has more than {MOST} steps")))
}
