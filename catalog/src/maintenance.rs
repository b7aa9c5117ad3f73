//! The maintenance version that a plan offers, against the one that an instance has (B-CMI).

use std::cmp::Ordering;

/// What a plan offers to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maintenance {
    /// Nothing: the instance has what there is, or the plan says nothing of versions.
    Current,
    /// Another version than the instance has, and not an older one.
    Newer,
    /// An older version than the instance has.
    Older,
}

impl Maintenance {
    /// Compares. Equal is what is equal as text, since that is how brokers compare (B-PROV-07, B-UPD-08). Of two that
    /// differ, the order of semantic versions decides; where it sees no difference (build metadata), or the instance's
    /// version is not known, what is offered counts as newer.
    #[must_use]
    pub fn of(offered: Option<&str>, applied: Option<&str>) -> Self {
        match (offered, applied) {
            (None, _) => Self::Current,
            (Some(offered), Some(applied)) if offered == applied => Self::Current,
            (Some(offered), Some(applied)) if precedes(offered, applied) => Self::Older,
            (Some(_), _) => Self::Newer,
        }
    }
}

fn precedes(one: &str, other: &str) -> bool {
    let parsed = (semver::Version::parse(one), semver::Version::parse(other));
    matches!(parsed, (Ok(one), Ok(other)) if one.cmp_precedence(&other) == Ordering::Less)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b_cmi_01_text_decides_about_equal_and_semantic_versions_about_order() {
        for (offered, applied, expected) in [
            (None, None, Maintenance::Current),
            (None, Some("1.0.0"), Maintenance::Current),
            (Some("1.0.0"), None, Maintenance::Newer),
            (Some("1.0.0"), Some("1.0.0"), Maintenance::Current),
            (Some("1.10.0"), Some("1.9.0"), Maintenance::Newer),
            (Some("1.9.0"), Some("1.10.0"), Maintenance::Older),
            (Some("2.0.0-rc.1"), Some("2.0.0"), Maintenance::Older),
            (Some("2.1.1+b"), Some("2.1.1+a"), Maintenance::Newer),
            (Some("2.1.1+a"), Some("2.1.1+b"), Maintenance::Newer),
            (Some("1.0.0"), Some("spring"), Maintenance::Newer),
        ] {
            assert_eq!(Maintenance::of(offered, applied), expected, "{offered:?} {applied:?}");
        }
    }
}
