//! How a check ends when it does not simply pass.

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// The broker does something else.
    Fails(String),
    /// The broker offers nothing to check it with.
    Skipped(String),
}

impl Finding {
    pub(super) fn fails(detail: impl Into<String>) -> Self {
        Self::Fails(detail.into())
    }

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped(reason.into())
    }

    /// What stands in the way of a check is no failure of what it checks.
    pub(super) fn into_obstacle(self) -> Self {
        match self {
            Self::Fails(detail) => Self::Skipped(format!("could not be prepared: {detail}")),
            skipped @ Self::Skipped(_) => skipped,
        }
    }
}

/// How a check ends.
pub(super) type Verdict = Result<(), Finding>;

/// Passes if it holds.
pub(super) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Finding::Fails(otherwise())) }
}

/// Passes if nothing was found.
pub(super) fn none(found: &[String]) -> Verdict {
    ensure(found.is_empty(), || {
        let shown: Vec<&str> = found.iter().take(3).map(String::as_str).collect();
        let more = found.len().saturating_sub(shown.len());
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        format!("{}{more}", shown.join("; "))
    })
}
