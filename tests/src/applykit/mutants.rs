//! I-42: mistakes made on purpose, and the cases that find them.

use super::{Case, Lane, LaneOptions, Met};
use crate::world::WorldError;

/// A mistake, and a case that finds it.
#[derive(Debug, Clone, Copy)]
pub struct Hunt {
    /// The name of the mistake.
    pub mutant: &'static str,
    /// The case.
    pub case: &'static str,
}

/// Which case finds which mistake.
pub const HUNTS: [Hunt; 12] = [
    Hunt { mutant: "no_intent", case: "Create/Sync/sqlite/O04-after=kill@1" },
    Hunt { mutant: "no_binding_intent", case: "Create/Sync/sqlite/O09-after=kill@2" },
    Hunt { mutant: "new_id_on_resume", case: "Create/Sync/sqlite/O04-after=kill@1" },
    Hunt { mutant: "new_binding_on_resume", case: "Create/Sync/sqlite/O09-after=kill@2" },
    Hunt { mutant: "mitigation_skipped", case: "Mitigate/Sync/sqlite/O15-before=kill@1" },
    Hunt { mutant: "orphan_list_dropped", case: "Renew/Sync/sqlite/O08-after=kill@1" },
    Hunt { mutant: "sink_before_state", case: "Replace/Sync/sqlite/O11-before=kill@1" },
    Hunt { mutant: "record_dropped_early", case: "Teardown/Sync/sqlite/O16-intent=kill@1" },
    Hunt { mutant: "deletion_forgotten", case: "Teardown/Sync/sqlite/O16-intent=kill@1" },
    Hunt { mutant: "unbinding_forgotten", case: "Unbind/Sync/sqlite/O16-unbinding=kill@1" },
    Hunt { mutant: "old_binding_forgotten", case: "Rotate/Sync/sqlite/O09-after=kill@1" },
    Hunt { mutant: "change_forgotten", case: "Update/Sync/sqlite/O23-intent=kill@1" },
];

/// What a hunt came to.
#[derive(Debug)]
pub enum Hunted {
    /// Without the mistake all is well; with it, this is found.
    Found(String),
    /// With the mistake all seems well.
    Missed,
    /// Without the mistake something is found, or the case does not meet its point.
    Spoilt(String),
}

/// Runs the case without the mistake and with it. The lane is of no use afterwards.
///
/// # Errors
/// When a lane cannot be made.
pub async fn hunt(hunt: &Hunt, options: &LaneOptions) -> Result<Hunted, WorldError> {
    let case: Case = hunt.case.parse().map_err(|error| WorldError::new("reading a case", error))?;
    let mut lane = Lane::start(LaneOptions { mutant: None, ..options.clone() }).await?;
    match lane.case(&case).await {
        Ok(Met::Yes) => {}
        Ok(Met::No) => return Ok(Hunted::Spoilt(format!("{case} does not meet its point"))),
        Err(why) => return Ok(Hunted::Spoilt(format!("{case}: {why}"))),
    }
    lane.make_mistakes(hunt.mutant);
    Ok(match lane.case_until_rest(&case).await {
        Err(why) => Hunted::Found(why),
        Ok(_) => Hunted::Missed,
    })
}
