//! One operation, and everything that is done to it.

use std::{fmt, str::FromStr, time::Duration};

use sutler_broker_server::testing::proxy::Fate;
use tokio::time::Instant;

use super::{
    checks,
    evidence::Violation,
    lane::Lane,
    platform::{End, Mode},
    proxy::Act,
    scenario::{Scenario, Story},
    trouble::{Side, Trouble},
};
use crate::world::WorldError;

/// A case as a failure names it: `provision-database/async/B08=kill@2+vendor.POST@1=drop-response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The operation.
    pub scenario: Scenario,
    /// Whether the platform polls or waits.
    pub mode: Mode,
    /// What is done to it.
    pub troubles: Vec<Trouble>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.mode == Mode::Async { "async" } else { "sync" };
        let troubles: Vec<String> = self.troubles.iter().map(ToString::to_string).collect();
        let troubles = if troubles.is_empty() { "none".to_owned() } else { troubles.join("+") };
        write!(f, "{}/{mode}/{troubles}", self.scenario)
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not SCENARIO/MODE/TROUBLE+TROUBLE");
        let mut parts = text.splitn(3, '/');
        let (scenario, mode, troubles) = (parts.next(), parts.next(), parts.next());
        let mode = match mode {
            Some("async") => Mode::Async,
            Some("sync") => Mode::Sync,
            _ => return Err(wrong()),
        };
        let scenario = scenario.unwrap_or_default().parse()?;
        let troubles = match troubles.ok_or_else(wrong)? {
            "none" => Vec::new(),
            troubles => troubles.split('+').map(str::parse).collect::<Result<_, _>>()?,
        };
        Ok(Self { scenario, mode, troubles })
    }
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What does not hold.
    pub found: Vec<Violation>,
    /// How many faults struck.
    pub struck: usize,
}

/// Runs a case on a lane: what is there before, the operation under faults, quiet, the same again, and nothing left.
///
/// # Errors
/// When the lane cannot go on.
pub async fn run_case(lane: &mut Lane, case: &Case) -> Result<Outcome, WorldError> {
    let story = Story::new(case.scenario);
    for wish in story.before() {
        let end = lane.settle(&wish, Mode::Async).await?;
        expect_done(lane, &end, "before the faults");
    }
    drop(lane.vendor_proxy.take_seen());
    begin(lane, &case.troubles)?;
    let exchanges_keys = case.troubles.contains(&Trouble::Rotate);
    if exchanges_keys {
        lane.rotate_keys().await?;
    }
    let (deaths, begun) = (lane.deaths(), Instant::now());
    let end = lane.settle(&story.wish(), case.mode).await;
    // who was held up acts only when its time is over
    tokio::time::sleep_until(begun + longest_delay(&case.troubles)).await;
    if exchanges_keys {
        lane.seal_anew().await?;
    }
    let struck = over(lane, &case.troubles).await? + usize::try_from(lane.deaths() - deaths).unwrap_or(0);
    if exchanges_keys {
        lane.drop_old_keys().await?;
    }
    expect_done(lane, &end?, "of the case");
    lane.become_quiet().await?;
    lane.found.extend(story.unlike(&lane.vendor.state()));
    let overlaps = checks::overlaps(&lane.vendor_proxy.take_seen());
    lane.found.extend(overlaps);
    story.look_again(lane, case.mode).await?;
    for wish in story.after() {
        let end = lane.settle(&wish, Mode::Async).await?;
        expect_done(lane, &end, "after the faults");
    }
    lane.become_quiet().await?;
    Ok(Outcome { found: lane.finish_case(), struck })
}

/// Nothing that can happen to a broker makes an operation fail that would have succeeded.
fn expect_done(lane: &mut Lane, end: &End, which: &str) {
    if !matches!(end, End::Done(_)) {
        lane.found.push(Violation::new("I-14", format!("the operation {which} did not succeed: {end:?}")));
    }
}

/// How long somebody is held up by a plan, at most, and a little more.
fn longest_delay(troubles: &[Trouble]) -> Duration {
    let plans = troubles.iter().filter_map(|trouble| match trouble {
        Trouble::Plans(plans) => Some(plans),
        _ => None,
    });
    let delays = plans.flatten().filter_map(|plan| {
        let (_, delay) = plan.split_once("delay:")?;
        delay.split(['@', '%', ',']).next()?.parse::<u64>().ok()
    });
    delays.max().map_or(Duration::ZERO, |delay| Duration::from_millis(delay + 250))
}

fn begin(lane: &mut Lane, troubles: &[Trouble]) -> Result<(), WorldError> {
    let mut plans = Vec::new();
    let (mut vendor, mut platform) = (Vec::new(), Vec::new());
    for trouble in troubles {
        match trouble {
            Trouble::Plans(more) => plans.clone_from(more),
            Trouble::Net(Side::Vendor, rule, _) => vendor.push(rule.clone()),
            Trouble::Net(Side::Platform, rule, _) => platform.push(rule.clone()),
            Trouble::Kill(after) => lane.kill_after(after.iter().copied()),
            Trouble::Database(cut, _) => lane.cut(*cut),
            // it is begun by whoever runs the case
            Trouble::Rotate => {}
            other => lane.disturb(other),
        }
    }
    lane.vendor_proxy.set(vendor);
    lane.broker_proxy.set(platform);
    lane.arm(&plans)
}

/// Faults stop, and what was under way arrives.
async fn over(lane: &mut Lane, troubles: &[Trouble]) -> Result<usize, WorldError> {
    let mut struck = lane.note_struck() + lane.undisturbed().await;
    for trouble in troubles {
        if let Trouble::Database(cut, _) = trouble
            && lane.is_cut()
        {
            struck += 1;
            lane.counts.fault(name_of_fate(cut.fate));
        }
    }
    for act in lane.vendor_proxy.struck().into_iter().chain(lane.broker_proxy.struck()) {
        struck += 1;
        lane.counts.fault(name(&act));
        if let Act::Echo(after) | Act::Late(after) = act {
            tokio::time::sleep(after + Duration::from_millis(50)).await;
        }
    }
    lane.vendor_proxy.set([]);
    lane.broker_proxy.set([]);
    if troubles.iter().any(|trouble| matches!(trouble, Trouble::Plans(_))) {
        lane.arm(&[])?;
    }
    Ok(struck)
}

/// What a kind of fault is called in the counts.
fn name(act: &Act) -> &'static str {
    match act {
        Act::DropRequest => "request lost",
        Act::DropResponse => "answer lost",
        Act::Delay(_) => "request late",
        Act::DelayResponse(_) => "answer late",
        Act::Stall => "stalled",
        Act::Reset => "reset",
        Act::Truncate(_) => "answer cut off",
        Act::Garble => "answer garbled",
        Act::Duplicate(_) => "request duplicated",
        Act::Echo(_) => "request repeated later",
        Act::Late(_) => "request arrives after it was given up",
        Act::Behind => "request delivered after a later one",
        Act::Endless => "endless answer",
        Act::Answer(_) => "bad answer, nothing done",
        Act::AnswerAfter(_) => "bad answer, all done",
    }
}

/// What becomes of a message to the database, in the counts.
fn name_of_fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Lost => "database: request lost",
        Fate::Unanswered => "database: answer lost",
        Fate::Halved => "database: half a request, reset",
        Fate::Reset => "database: reset",
        Fate::Truncated(_) => "database: answer cut off",
        Fate::Late(_) => "database: request late",
        Fate::LateAnswer(_) => "database: answer late",
        Fate::Stalled => "database: stalled",
        Fate::HalfClosed => "database: half closed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_can_be_typed_again() {
        for text in [
            "provision-database/async/B08=kill@2>B21=kill@1",
            "bind-token/sync/vendor.POST@1=drop-response+KILL:1500",
            "unbind-token/async/none",
        ] {
            assert_eq!(text.parse::<Case>().unwrap().to_string(), text);
        }
        for wrong in ["", "bind-token", "bind-token/often/none", "nothing/async/none", "bind-token/async/x"] {
            assert!(wrong.parse::<Case>().is_err(), "{wrong}");
        }
    }
}
