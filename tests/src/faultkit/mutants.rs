//! The campaign tested: for each mistake a broker can make on purpose, cases that must find it.

use std::time::Duration;

use super::{
    case::{Case, run_case},
    evidence::Violation,
    lane::{Lane, LaneOptions},
    memory::StoreChoice,
    parts::foreign_in_the_way,
};
use crate::world::WorldError;

/// A mistake and how it is found.
#[derive(Debug, Clone, Copy)]
pub struct Hunt {
    /// The mistake, as the broker knows it.
    pub mutant: &'static str,
    /// Cases of which one at least must find it.
    pub cases: &'static [&'static str],
    /// The broker's times, where the usual ones do not show it.
    pub tuning: Option<&'static str>,
}

const fn hunt_for(mutant: &'static str, cases: &'static [&'static str]) -> Hunt {
    Hunt { mutant, cases, tuning: None }
}

/// The case that is not in the sweep: something foreign has the name that ours would get.
const FOREIGN: &str = "foreign-in-the-way";

/// Every mutant of the broker.
pub const HUNTS: &[Hunt] = &[
    hunt_for("doubt_forgotten", &["provision-database/async/B12=kill@2"]),
    hunt_for(
        "result_not_recorded",
        &["provision-database/async/B12=kill@2", "provision-database/async/B12=kill@3"],
    ),
    hunt_for("server_error_means_absent", &["deprovision-database/async/vendor.DELETE@1=answer:503"]),
    hunt_for("delete_ends_early", &["deprovision-database/async/vendor.DELETE@1=answer:503"]),
    hunt_for("credentials_kept", &["unbind-token/async/none"]),
    hunt_for("conflict_means_success", &["provision-database/async/none"]),
    hunt_for("event_lost", &["provision-database/async/none"]),
    hunt_for("secret_logged", &["bind-token/async/none"]),
    hunt_for("foreign_adopted", &[FOREIGN]),
    hunt_for("repeat_is_new", &["provision-database/async/vendor.POST@1=delay:300"]),
    hunt_for("new_marker_on_retry", &["bind-token/async/B12=kill@2"]),
    hunt_for(
        "no_intent",
        &[
            "provision-database/async/vendor.POST@1=answer:429-0+B12=kill@3",
            "provision-database/async/vendor.POST@1=drop-request+B08=error@2+B12=kill@3",
        ],
    ),
    hunt_for("twins_kept", &["bind-token/async/vendor.POST@1=late:700"]),
    hunt_for("left_behind_on_restart", &["provision-database/async/B08=kill@2"]),
    hunt_for(
        "answer_before_commit",
        &[
            "provision-database/async/KILL:20000",
            "provision-database/async/KILL:30000",
            "bind-token/async/KILL:15000",
        ],
    ),
    // the first call fails, so that the worker is awake when the lease lapses; who takes over lets the last call of its
    // predecessor arrive before it begins
    hunt_for(
        "no_fence_check",
        &[
            "bind-token/async/vendor.GET@1=answer:503+B19=delay:1900@3",
            "bind-token/async/vendor.GET@1=answer:503+B19=delay:2300@3",
        ],
    ),
    hunt_for(
        "terminal_overwritten",
        &[
            "provision-database/async/vendor.GET@1=answer:503+B19=delay:2200@3",
            "provision-database/async/vendor.GET@1=answer:503+B19=delay:2800@3",
        ],
    ),
    // the claims are forgotten while the new holder deletes what its predecessor made
    hunt_for(
        "fence_by_number_only",
        &[
            "bind-token/async/vendor.GET@1=answer:503+vendor.DELETE@1=delay-response:480+B19=delay:1850@3+FENCE:1750+FENCE:1760",
            "bind-token/async/vendor.GET@1=answer:503+vendor.DELETE@1=delay-response:480+B19=delay:2000@3+FENCE:1900+FENCE:1910",
            "bind-token/async/vendor.GET@1=answer:503+vendor.DELETE@1=delay-response:480+B19=delay:2150@3+FENCE:2050+FENCE:2060",
        ],
    ),
    Hunt {
        mutant: "no_lease_margin",
        cases: &["bind-token/async/vendor.GET@1=answer:503+vendor.POST@1=delay-response:1600"],
        tuning: Some(
            "inline_budget: 1ms, sync_limit: 20s, lease: 800ms, call_timeout: 2500ms, poll_interval: 20ms, \
             backoff_cap: 60ms, fetch_cache: 0s",
        ),
    },
];

/// What finds a mistake, or, without the mistake, what the same cases find in the broker as it is.
///
/// # Errors
/// When a lane cannot be made.
pub async fn hunt(hunt: &Hunt, store: &StoreChoice, with_mutant: bool) -> Result<Vec<Violation>, WorldError> {
    for case in hunt.cases {
        let options = LaneOptions {
            store: store.clone(),
            mutant: with_mutant.then(|| hunt.mutant.to_owned()),
            tuning: hunt.tuning.map(str::to_owned),
            bound: with_mutant.then_some(Duration::from_secs(8)),
            ..LaneOptions::default()
        };
        let mut lane = Lane::start(options).await?;
        let ended = if *case == FOREIGN {
            foreign_in_the_way(&mut lane).await
        } else {
            let case: Case = case.parse().map_err(|error| WorldError::new("reading a case", error))?;
            run_case(&mut lane, &case).await.map(|outcome| outcome.found)
        };
        let mut found = ended.unwrap_or_else(|error| {
            let mut found = lane.finish_case();
            found.push(Violation::new("I-14", error.to_string()));
            found
        });
        found.extend(lane.leaks().await?);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_of_the_broker_is_hunted() {
        for (mutant, what) in sutler_broker_server::faults::MUTANTS {
            assert!(HUNTS.iter().any(|hunt| hunt.mutant == *mutant), "nobody hunts {mutant} ({what})");
        }
        for hunt in HUNTS {
            for case in hunt.cases.iter().filter(|case| **case != FOREIGN) {
                case.parse::<Case>().unwrap();
            }
        }
    }
}
