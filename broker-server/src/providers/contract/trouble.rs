//! What goes wrong in each request of a life.

use super::{
    Broken,
    disturbed::Disturbance,
    platform::Platform,
    staged::{Fault, Staged},
};

/// What goes wrong in a request. In every request of a life anew: each is judged by itself, so that one life tells of all.
pub(super) enum Trouble<'a> {
    /// Nothing.
    None,
    /// Its `at`-th step is disturbed, and the repetitions of that, `times` in all.
    Step { at: u64, times: u64, what: Disturbance },
    /// Its `nth` vendor call meets a fault.
    Call { nth: u64, fault: &'a Fault },
}

/// What a request met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Met {
    /// Nothing went wrong.
    Nothing,
    /// This did.
    Trouble(String),
}

impl Met {
    /// What is broken, with what went wrong when it broke.
    pub(super) fn blamed(&self, broken: Broken) -> Broken {
        match self {
            Self::Nothing => broken,
            Self::Trouble(what) => broken.during(what),
        }
    }
}

impl Trouble<'_> {
    /// It waits for the next request.
    pub(super) async fn begin<S: Staged>(&self, platform: &Platform<S>) -> Result<(), Broken> {
        match self {
            Self::None => {}
            Self::Step { at, times, what } => platform.switch.arm(None, *at, *times, (*what, *what)),
            Self::Call { nth, fault } => {
                if !platform.stage.strike(*nth, fault).await {
                    return Err(Broken::new(
                        "the stage made vendor calls fail, and does so no more (Staged::strike)",
                    ));
                }
            }
        }
        Ok(())
    }

    /// It waits no more.
    pub(super) async fn end<S: Staged>(&self, platform: &Platform<S>) -> Met {
        match self {
            Self::None => Met::Nothing,
            Self::Step { .. } => match platform.switch.disarm() {
                Some(asked) => Met::Trouble(format!("with the {asked} disturbed")),
                None => Met::Nothing,
            },
            Self::Call { nth, fault } if platform.stage.heal().await => {
                Met::Trouble(format!("with its call {nth} {fault}"))
            }
            Self::Call { .. } => Met::Nothing,
        }
    }
}
