//! Requests: refused, repeated, and what they leave.

use serde_json::json;

use super::Case;
use crate::{
    operation::Work,
    providers::{
        Bearers, Marker,
        contract::{
            Broken,
            life::{Tolerance, emptied, insist, quiet, unchanged},
            platform::{Changed, End, Platform},
            report::Outcome,
            staged::Staged,
        },
    },
};

/// Nothing is disturbed: every other case is compared with this.
pub(super) async fn a_whole_life<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    let first = quiet(&mut platform).await?;
    if quiet(&mut platform).await? != first {
        return Err(Broken::new("two undisturbed lives leave different things at the vendor"));
    }
    Ok(Outcome::Kept(2))
}

/// What is refused changes nothing, and the instance is not known then (I-13).
pub(super) async fn refusals_leave_nothing<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    let refused = platform.wishes.refused.clone();
    if refused.is_empty() {
        return Ok(Outcome::NotTried("there are no parameters to be refused (Wishes::refused)"));
    }
    let mut runs = 0;
    for parameters in refused {
        runs += 1;
        let (ids, before, calls) =
            (platform.ids()?, platform.objects().await, platform.stage.changes().await);
        match platform.provision_as(&ids, &parameters).await? {
            End::Failed(_) => {}
            other => return Err(Broken(format!("the parameters {parameters} are not refused: {other:?}"))),
        }
        if platform.stage.changes().await != calls {
            return Err(Broken(format!("the vendor was asked to change something for {parameters}")));
        }
        emptied(&mut platform, &ids, &before).await?;
    }
    platform.check_discretion()?;
    Ok(Outcome::Kept(runs))
}

/// The same update twice is the same as once (I-11).
pub(super) async fn update_repeated<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    if platform.wishes.update.is_none() {
        return Ok(Outcome::NotTried("there is no update (Wishes::update)"));
    }
    let (ids, before) = (platform.ids()?, platform.objects().await);
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    insist(&mut platform, Work::Update, &ids, Tolerance::Success).await?;
    let (updated, calls) = (platform.objects().await, platform.stage.changes().await);
    insist(&mut platform, Work::Update, &ids, Tolerance::Success).await?;
    if platform.objects().await != updated || platform.stage.changes().await != calls {
        return Err(Broken::new("the repetition of an update changed something (I-11)"));
    }
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    Ok(Outcome::Kept(1))
}

/// What an update does not take is refused with 422 and the parameter's name, and nothing is changed; asked for as it is,
/// it is no change.
pub(super) async fn what_is_fixed_is_refused_by_name<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    let (ids, before) = (platform.ids()?, platform.objects().await);
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    let (made, calls) = (platform.objects().await, platform.stage.changes().await);
    let mut runs = 0;
    for (name, value) in &platform.fixed() {
        runs += 2;
        if platform.update_to(&ids, name, value.clone()).await? != Changed::Accepted {
            return Err(Broken(format!("an update is refused for {name}, which is as it was")));
        }
        match platform.update_to(&ids, name, json!([value])).await? {
            Changed::Unsupported(told) if told.contains(name.as_str()) => {}
            other => return Err(Broken(format!("a change of {name} is not refused by its name: {other:?}"))),
        }
    }
    if platform.objects().await != made || platform.stage.changes().await != calls {
        return Err(Broken::new("an update that was refused changed something (I-13)"));
    }
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    Ok(Outcome::Kept(runs.max(1)))
}

/// The same binding twice has the same credentials; the same unbind twice says that it is gone (I-11).
pub(super) async fn bind_and_unbind_repeated<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    if !platform.is_bindable() {
        return Ok(Outcome::NotTried("the plan is not bindable"));
    }
    let (ids, before) = (platform.ids()?, platform.objects().await);
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    let provisioned = platform.objects().await;
    insist(&mut platform, Work::Bind, &ids, Tolerance::Success).await?;
    let (bound, credentials) = (platform.objects().await, platform.credentials(&ids).await?);
    insist(&mut platform, Work::Bind, &ids, Tolerance::Success).await?;
    if platform.objects().await != bound || platform.credentials(&ids).await? != credentials {
        return Err(Broken::new("the repetition of a bind made something new (I-11)"));
    }
    insist(&mut platform, Work::Unbind, &ids, Tolerance::Success).await?;
    unchanged(&provisioned, &platform.objects().await).map_err(|broken| broken.after(Work::Unbind))?;
    if platform.unbind(&ids).await? != End::Gone {
        return Err(Broken::new("a second unbind is not answered with 410 (I-11)"));
    }
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    Ok(Outcome::Kept(1))
}

/// Credentials work until they are revoked: by unbind, or by the deletion of the instance (I-06, I-07).
pub(super) async fn unbind_revokes<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    if !platform.is_bindable() {
        return Ok(Outcome::NotTried("the plan is not bindable"));
    }
    let mut tried = false;
    for by in [Work::Unbind, Work::Deprovision] {
        let (ids, before) = (platform.ids()?, platform.objects().await);
        insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
        insist(&mut platform, Work::Bind, &ids, Tolerance::Success).await?;
        let credentials = platform.credentials(&ids).await?;
        tried |= platform.stage.accepts(&credentials).await.is_some();
        if platform.stage.accepts(&credentials).await == Some(false) {
            return Err(Broken::new("the vendor does not accept the credentials of the binding"));
        }
        insist(&mut platform, by, &ids, Tolerance::Success).await?;
        if platform.stage.accepts(&credentials).await == Some(true) {
            return Err(Broken(format!(
                "after {}, the vendor still accepts the credentials (I-07)",
                by.as_str()
            )));
        }
        if by == Work::Unbind {
            insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
        }
        emptied(&mut platform, &ids, &before).await?;
    }
    platform.check_discretion()?;
    Ok(if tried {
        Outcome::Kept(2)
    } else {
        Outcome::NotTried("the stage tries no credentials (Staged::accepts)")
    })
}

/// What is made can be told from everything else at the vendor, so that it can be compared with the store.
pub(super) async fn what_is_made_is_marked<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    let (ids, before) = (platform.ids()?, platform.objects().await);
    insist(&mut platform, Work::Provision, &ids, Tolerance::Success).await?;
    if platform.is_bindable() {
        insist(&mut platform, Work::Bind, &ids, Tolerance::Success).await?;
    }
    let Some((bearers, marks)) = platform.marked().await? else {
        return Ok(Outcome::NotTried(
            "the objects of this vendor have no place for a mark (Provider::marked)",
        ));
    };
    let instance = platform.marker(&ids);
    let binding = instance.for_binding(&ids.binding);
    let carries = |marks: &[String], marker: &Marker| {
        marks.iter().any(|mark| mark.len() >= 12 && marker.hex(64).starts_with(mark.as_str()))
    };
    if bearers != Bearers::Bindings && !carries(&marks, &instance) {
        return Err(Broken::new("the object of the instance is not listed with its mark (Provider::marked)"));
    }
    if bearers != Bearers::Instances && platform.is_bindable() && !carries(&marks, &binding) {
        return Err(Broken::new("the object of the binding is not listed with its mark (Provider::marked)"));
    }
    insist(&mut platform, Work::Deprovision, &ids, Tolerance::Success).await?;
    emptied(&mut platform, &ids, &before).await?;
    match platform.marked().await? {
        Some((_, marks)) if carries(&marks, &instance) || carries(&marks, &binding) => {
            Err(Broken::new("what was deleted is listed (Provider::marked)"))
        }
        _ => Ok(Outcome::Kept(1)),
    }
}
