//! Parts of the campaign that are not rows of cases.

use super::{
    case::{Case, run_case},
    checks::Moment,
    counts::Counts,
    evidence::Violation,
    lane::{Lane, LaneOptions},
    memory::StoreChoice,
    platform::{End, Mode},
    scenario::{Scenario, Story, Verb},
};
use crate::world::WorldError;

/// I-03, I-04: a thing with the very name that ours would get, made by somebody else, is a conflict.
///
/// # Errors
/// When the lane cannot go on.
pub async fn foreign_in_the_way(lane: &mut Lane) -> Result<Vec<Violation>, WorldError> {
    let mut found = Vec::new();
    for scenario in Scenario::ALL.into_iter().filter(|scenario| scenario.verb == Verb::Provision) {
        let story = Story::new(scenario);
        if !lane.put_in_the_way(scenario.thing, story.instance()).await? {
            continue;
        }
        let end = lane.settle(&story.wish(), Mode::Async).await?;
        if matches!(end, End::Done(_)) {
            let what = format!("{scenario}: what somebody else made was taken for ours");
            lane.found.push(Violation::new("I-04", what));
        }
        lane.become_quiet().await?;
        for wish in story.after() {
            lane.settle(&wish, Mode::Async).await?;
        }
        lane.become_quiet().await?;
        found.extend(lane.finish_case());
    }
    Ok(found)
}

/// B22: a store whose making is interrupted in each migration, by death and by failure, is made at the next start.
///
/// # Errors
/// When a lane cannot be made: then a broker did not come up on what was left.
pub async fn migrations(store: &StoreChoice) -> Result<Counts, WorldError> {
    let mut counts = Counts::default();
    for action in ["kill", "error"] {
        for plans in [vec![1], vec![2], vec![1, 1], vec![1, 2]] {
            let first_plans = plans.iter().map(|nth| format!("B22={action}@{nth}")).collect();
            let options = LaneOptions { store: store.clone(), first_plans, ..LaneOptions::default() };
            let mut lane = Lane::start(options).await?;
            let case: Case = "provision-database/async/none"
                .parse()
                .map_err(|error| WorldError::new("reading a case", error))?;
            let outcome = run_case(&mut lane, &case).await?;
            counts
                .violations
                .extend(outcome.found.iter().map(|found| format!("B22={action} {plans:?}: {found:?}")));
            counts.add(&lane.counts);
        }
    }
    Ok(counts)
}

/// B25: copies of a store that is served, interrupted at each point. Whoever has the copy and its keys has the store; a
/// copy that is not whole has no name, and the next one takes it away.
///
/// # Errors
/// When the lane cannot go on.
pub async fn backups(options: LaneOptions) -> Result<Counts, WorldError> {
    let mut lane = Lane::start(options).await?;
    for scenario in Scenario::ALL.into_iter().filter(|scenario| scenario.verb == Verb::Provision) {
        for action in ["kill", "error"] {
            for nth in 1..=4 {
                let story = Story::new(scenario);
                // the copy is made while the operation is under way
                let to = lane.folder().join(format!("{}.db", story.instance()));
                lane.platform.ask(&story.wish(), Mode::Async).await;
                back_up(&mut lane, (&to, &format!("B25={action}@{nth}"), nth)).await?;
                let end = lane.settle(&story.wish(), Mode::Async).await?;
                if !matches!(end, End::Done(_)) {
                    lane.found.push(Violation::new("I-14", format!("{scenario} beside a backup: {end:?}")));
                }
                lane.become_quiet().await?;
                for wish in story.after() {
                    lane.settle(&wish, Mode::Async).await?;
                }
                lane.become_quiet().await?;
                let found = lane.finish_case();
                lane.counts.violations.extend(found.iter().map(|one| format!("{scenario}: {one:?}")));
            }
        }
    }
    Ok(lane.counts)
}

/// One copy that is interrupted, and the one after it.
async fn back_up(
    lane: &mut Lane,
    (to, faults, nth): (&std::path::Path, &str, u64),
) -> Result<(), WorldError> {
    let failed = |error: std::io::Error| WorldError::new("looking at a backup", error);
    let ended = lane.broker.back_up(to, faults).await?;
    if ended.success() {
        lane.found.push(Violation::new("B25", format!("{faults} did not strike")));
        return Ok(());
    }
    lane.counts.fault("B25");
    // behind the last point it has its name, and is whole
    let is_named = to.try_exists().map_err(failed)?;
    if is_named != (nth == 4) {
        lane.found.push(Violation::new("B25", format!("{faults}: has the copy its name? {is_named}")));
    }
    if !is_named && !lane.broker.back_up(to, "").await?.success() {
        lane.found.push(Violation::new("B25", format!("after {faults} no other backup can be made")));
        return Ok(());
    }
    let again = lane.broker.back_up(to, "").await?;
    let partial = to.with_extension("db.partial");
    if again.success() || partial.try_exists().map_err(failed)? {
        lane.found.push(Violation::new("B25", format!("after {faults}: something is written over, or left")));
    }
    // what the platform was told before the copy is in the copy, and what is at the vendor was in the store before
    lane.check_copy(to, Moment::Instant).await;
    std::fs::remove_file(to).map_err(failed)
}
