//! What came of the suite.

use std::fmt;

use super::Broken;

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The promise was kept, in so many runs.
    Kept(u32),
    /// The stage cannot play it; why.
    NotTried(&'static str),
    /// The promise was broken; how.
    Broken(String),
}

impl From<Result<Self, Broken>> for Outcome {
    fn from(result: Result<Self, Broken>) -> Self {
        result.unwrap_or_else(|Broken(what)| Self::Broken(what))
    }
}

/// What came of all cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The offering's name.
    pub offering: String,
    /// Each case with its outcome.
    pub cases: Vec<(&'static str, Outcome)>,
}

impl Report {
    /// Whether no promise was broken.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !self.cases.iter().any(|(_, outcome)| matches!(outcome, Outcome::Broken(_)))
    }

    /// The names of the cases that the stage could not play.
    #[must_use]
    pub fn not_tried(&self) -> Vec<&'static str> {
        let cases = self.cases.iter();
        cases.filter(|(_, outcome)| matches!(outcome, Outcome::NotTried(_))).map(|(name, _)| *name).collect()
    }

    /// How the case of that name went.
    #[must_use]
    pub fn outcome(&self, name: &str) -> Option<&Outcome> {
        self.cases.iter().find(|(known, _)| *known == name).map(|(_, outcome)| outcome)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "contract of {}", self.offering)?;
        for (name, outcome) in &self.cases {
            let name = name.replace('_', " ");
            match outcome {
                Outcome::Kept(1) => writeln!(f, "  kept       {name}")?,
                Outcome::Kept(runs) => writeln!(f, "  kept       {name} ({runs} runs)")?,
                Outcome::NotTried(why) => writeln!(f, "  not tried  {name}: {why}")?,
                Outcome::Broken(what) => writeln!(f, "  BROKEN     {name}: {what}")?,
            }
        }
        Ok(())
    }
}
