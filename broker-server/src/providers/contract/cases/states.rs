//! States that no version of this provider knows.

use super::Case;
use crate::{
    operation::Work,
    providers::contract::{
        Broken, CANARY,
        life::{Tolerance, emptied, insist},
        platform::{End, Platform},
        report::Outcome,
        staged::Staged,
    },
};

/// What is shown in a state that nobody knows is waited for with an end (I-14), is not taken for gone (I-08), and its word is
/// not handed on. Once it is a known one again, everything can be deleted.
pub(super) async fn a_state_that_nobody_knows_has_an_end<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    let mut runs = 0;
    for work in [Work::Provision, Work::Update] {
        let (ids, before) = (platform.ids()?, platform.objects().await);
        if work == Work::Update {
            insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
        }
        if !platform.stage.puzzle(CANARY).await {
            return Ok(Outcome::NotTried("the stage shows no state that nobody knows (Staged::puzzle)"));
        }
        let ended = platform.ask(work, &ids).await?;
        let fetched = if ended == End::Done { Some(platform.fetch(&ids).await?) } else { None };
        platform.stage.heal().await;
        if ended == End::Gone || fetched == Some(End::Gone) {
            return Err(Broken(format!(
                "{} believes that what is in a strange state is gone",
                work.as_str()
            )));
        }
        insist(&mut platform, Work::Deprovision, &ids, Tolerance::Failure).await?;
        emptied(&mut platform, &ids, &before).await.map_err(|broken| broken.after(work))?;
        runs += 1;
    }
    platform.check_discretion()?;
    Ok(Outcome::Kept(runs))
}
