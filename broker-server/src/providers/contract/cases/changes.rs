//! Changes that are given up: what follows knows what they left.

use super::{
    Case, MOST,
    deletion::{ATTEMPTS, FAILURES, fails, give_up},
};
use crate::{
    operation::Work,
    providers::contract::{
        Broken,
        life::{Tolerance, emptied, insist},
        platform::{Ids, Platform},
        report::Outcome,
        staged::Staged,
    },
};

/// What the platform does after an update that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It makes the same request again.
    Again,
    /// It deletes the instance.
    Delete,
}

/// An update is given up at each of its steps; the same update again makes no twin, and a deletion leaves no orphan.
pub(super) async fn a_failed_update_at_every_step_is_taken_up<S: Staged>() -> Case {
    let mut platform = Platform::<S>::patient(ATTEMPTS).await?;
    if platform.wishes.update.is_none() {
        return Ok(Outcome::NotTried("there is no update (Wishes::update)"));
    }
    let usual = updated(&mut platform).await?;
    let mut runs = 0;
    for ((how, first), then) in FAILURES.into_iter().flat_map(|how| [(how, Then::Again), (how, Then::Delete)])
    {
        for at in 1..=MOST {
            let (ids, before) = (platform.ids()?, platform.objects().await);
            insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
            give_up(&platform, Work::Update, at, first);
            let failed = fails(&mut platform, Work::Update, &ids).await?;
            let during = |broken: Broken| broken.during(&format!("with step {at} of update {how}"));
            if then == Then::Again {
                again(&mut platform, &ids, usual).await.map_err(during)?;
            }
            let deleted = insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await;
            deleted.map_err(during)?;
            emptied(&mut platform, &ids, &before).await.map_err(during)?;
            if !failed {
                break;
            }
            runs += 1;
        }
    }
    Ok(Outcome::Kept(runs))
}

/// How much is at the vendor after an update that nothing disturbs.
async fn updated<S: Staged>(platform: &mut Platform<S>) -> Result<usize, Broken> {
    let (ids, before) = (platform.ids()?, platform.objects().await);
    insist(platform, Work::Provision, &ids, Tolerance::Success).await?;
    insist(platform, Work::Update, &ids, Tolerance::Success).await?;
    let usual = platform.objects().await.len();
    insist(platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(platform, &ids, &before).await?;
    Ok(usual)
}

/// The update succeeds now, and as much is there as if it always had.
async fn again<S: Staged>(platform: &mut Platform<S>, ids: &Ids, usual: usize) -> Result<(), Broken> {
    insist(platform, Work::Update, ids, Tolerance::Success).await?;
    match platform.objects().await.len() {
        now if now == usual => Ok(()),
        now => Err(Broken(format!("{now} objects are there after the same update, not {usual} (I-02)"))),
    }
}
