//! Deletion: of what is there, of what is half there, of what never was.

use super::{Case, MOST};
use crate::{
    operation::Work,
    providers::{
        Sent,
        contract::{
            Broken,
            disturbed::Disturbance,
            life::{Tolerance, emptied, insist, unchanged},
            platform::{End, Platform},
            report::Outcome,
            staged::Staged,
        },
    },
};

/// Attempts after which the engine of these cases gives up.
pub(super) const ATTEMPTS: u32 = 3;
/// How often an answer that never came is asked for again.
const PATIENT_LOOKS: u32 = 4;
/// A step that is done, though the engine never learns it, and one that is not.
pub(super) const FAILURES: [(&str, Disturbance); 2] =
    [("done and given up", Disturbance::Lose), ("never done", Disturbance::Skip(Sent::Perhaps))];

/// The engine gives up at the step; its repetitions are not done.
pub(super) fn give_up<S: Staged>(platform: &Platform<S>, work: Work, at: u64, first: Disturbance) {
    let again = Disturbance::Skip(Sent::Perhaps);
    platform.switch.arm(Some(work), at, u64::from(ATTEMPTS), (first, again));
}

/// Asks for work whose `at`-th step is given up. Whether there is such a step.
pub(super) async fn fails<S: Staged>(
    platform: &mut Platform<S>,
    work: Work,
    ids: &crate::providers::contract::platform::Ids,
) -> Result<bool, Broken> {
    let end = platform.ask(work, ids).await?;
    match (platform.switch.disarm(), end) {
        (None, End::Done) => Ok(false),
        (Some(_), End::Failed(_)) => Ok(true),
        (struck, end) => Err(Broken(format!(
            "{} ended with {end:?}, although {} was never answered",
            work.as_str(),
            struck.map_or_else(|| "no step".to_owned(), |asked| asked.to_string())
        ))),
    }
}

/// Nothing was ever made; deleting it is success, and touches nothing.
pub(super) async fn delete_of_what_never_existed<S: Staged>() -> Case {
    let mut platform = Platform::<S>::patient(ATTEMPTS).await?;
    let (ids, before) = (platform.ids()?, platform.objects().await);
    give_up(&platform, Work::Provision, 1, Disturbance::Skip(Sent::Perhaps));
    fails(&mut platform, Work::Provision, &ids).await?;
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    if !platform.is_bindable() {
        return Ok(Outcome::Kept(1));
    }
    let ids = platform.ids()?;
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    let provisioned = platform.objects().await;
    give_up(&platform, Work::Bind, 1, Disturbance::Skip(Sent::Perhaps));
    fails(&mut platform, Work::Bind, &ids).await?;
    insist(&mut platform, Work::Unbind, &ids, Tolerance::Success).await?;
    unchanged(&provisioned, &platform.objects().await).map_err(|broken| broken.after(Work::Unbind))?;
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    Ok(Outcome::Kept(2))
}

/// A creation is given up at each of its steps; the platform deletes it (I-15).
pub(super) async fn delete_after_a_failed_creation_at_every_step<S: Staged>() -> Case {
    let mut platform = Platform::<S>::patient(ATTEMPTS).await?;
    let mut runs = 0;
    for (how, first) in FAILURES {
        for at in 1..=MOST {
            let (ids, before) = (platform.ids()?, platform.objects().await);
            give_up(&platform, Work::Provision, at, first);
            let failed = fails(&mut platform, Work::Provision, &ids).await?;
            let when = format!("with step {at} of provision {how}");
            let deleted = insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await;
            deleted.map_err(|broken| broken.during(&when))?;
            emptied(&mut platform, &ids, &before).await.map_err(|broken| broken.during(&when))?;
            if !failed {
                break;
            }
            runs += 1;
        }
    }
    Ok(Outcome::Kept(runs))
}

/// A creation is given up at each of its steps; the platform makes the same request again, and no twin comes of it.
pub(super) async fn create_again_after_a_failed_creation_at_every_step<S: Staged>() -> Case {
    let mut platform = Platform::<S>::patient(ATTEMPTS).await?;
    let (ids, before) = (platform.ids()?, platform.objects().await);
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    let usual = platform.objects().await.len();
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    let mut runs = 0;
    for (how, first) in FAILURES {
        for at in 1..=MOST {
            let ids = platform.ids()?;
            give_up(&platform, Work::Provision, at, first);
            let failed = fails(&mut platform, Work::Provision, &ids).await?;
            let when = format!("with step {at} of provision {how}");
            let created = insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await;
            created.map_err(|broken| broken.during(&when))?;
            let now = platform.objects().await.len();
            if now != usual {
                return Err(Broken(format!("{when}: {now} objects are there, not {usual} (I-02)")));
            }
            insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
            emptied(&mut platform, &ids, &before).await.map_err(|broken| broken.during(&when))?;
            if !failed {
                break;
            }
            runs += 1;
        }
    }
    Ok(Outcome::Kept(runs))
}

/// A bind is given up at each of its steps; the platform unbinds, or deletes the instance at once.
pub(super) async fn unbind_after_a_failed_bind_at_every_step<S: Staged>() -> Case {
    let mut platform = Platform::<S>::patient(ATTEMPTS).await?;
    if !platform.is_bindable() {
        return Ok(Outcome::NotTried("the plan is not bindable"));
    }
    let mut runs = 0;
    for ((how, first), at_once) in FAILURES.into_iter().flat_map(|how| [(how, false), (how, true)]) {
        for at in 1..=MOST {
            let (ids, before) = (platform.ids()?, platform.objects().await);
            insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
            let provisioned = platform.objects().await;
            give_up(&platform, Work::Bind, at, first);
            let failed = fails(&mut platform, Work::Bind, &ids).await?;
            let when = format!("with step {at} of bind {how}");
            if !at_once {
                let unbound = insist(&mut platform, Work::Unbind, &ids, Tolerance::Success).await;
                unbound.map_err(|broken| broken.during(&when))?;
                unchanged(&provisioned, &platform.objects().await).map_err(|broken| broken.during(&when))?;
            }
            insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
            emptied(&mut platform, &ids, &before).await.map_err(|broken| broken.during(&when))?;
            if !failed {
                break;
            }
            runs += 1;
        }
    }
    Ok(Outcome::Kept(runs))
}

/// Somebody deleted it at the vendor: fetch says that it is gone, and deleting it is success.
pub(super) async fn what_vanished_is_gone_and_can_be_deleted<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    let (ids, before) = (platform.ids()?, platform.objects().await);
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    let found = fetched(&mut platform, &ids).await?;
    if found != End::Done {
        return Err(Broken(format!("what is there is not found: {found:?}")));
    }
    if platform.is_bindable() {
        insist(&mut platform, Work::Bind, &ids, Tolerance::Success).await?;
    }
    if !platform.stage.vanish().await {
        return Ok(Outcome::NotTried("nothing can vanish from the stage (Staged::vanish)"));
    }
    unchanged(&before, &platform.objects().await)?;
    // a policy, say, has no object of its own: then there is nothing that could be gone
    if let End::Failed(description) = fetched(&mut platform, &ids).await? {
        return Err(Broken(format!("what is gone cannot be fetched: {description}")));
    }
    if platform.is_bindable() {
        insist(&mut platform, Work::Unbind, &ids, Tolerance::Success).await?;
    }
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    Ok(Outcome::Kept(1))
}

/// What fetching comes to, once the vendor has answered: a slow machine is no broken promise.
async fn fetched<S: Staged>(
    platform: &mut Platform<S>,
    ids: &crate::providers::contract::platform::Ids,
) -> Result<End, Broken> {
    for _ in 0..PATIENT_LOOKS {
        let found = platform.fetch(ids).await?;
        if !matches!(found, End::Failed(_)) {
            return Ok(found);
        }
    }
    platform.fetch(ids).await
}
