//! The ways of not knowing what became of a call.

/// What happened instead of an answer that can be understood. Its text is written for logs; users are told
/// [`of`](Self::of) with the vendor's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unclear {
    /// No connection was made.
    #[error("the vendor could not be reached")]
    Unreachable,
    /// The connection was lost, or the time was up, before the answer was complete.
    #[error("the vendor did not answer in time")]
    Lost,
    /// The vendor says that something on its side went wrong.
    #[error("the vendor has a problem (HTTP status {0})")]
    Failing(u16),
    /// An earlier attempt of the same call is still under way.
    #[error("the vendor is still busy with an earlier attempt")]
    Busy,
    /// The answer is not in the vendor's form.
    #[error("something other than the vendor's interface answered (HTTP status {0})")]
    Foreign(u16),
    /// The answer is longer than anything the vendor sends.
    #[error("the answer was too long")]
    TooLong,
    /// The answer lacks what it must have.
    #[error("the answer was not complete")]
    Incomplete,
    /// A list does not come to an end.
    #[error("a list did not come to an end")]
    Endless,
}

impl Unclear {
    /// The same for users, who know the vendor by its name.
    pub(crate) fn of(self, vendor: &str) -> String {
        self.to_string().replace("the vendor", vendor)
    }
}

#[cfg(test)]
mod tests {
    use super::Unclear;

    #[test]
    fn users_are_told_who_it_is() {
        assert_eq!(Unclear::Failing(502).of("Acme"), "Acme has a problem (HTTP status 502)");
        let foreign = Unclear::Foreign(200).of("Acme");
        assert_eq!(foreign, "something other than Acme's interface answered (HTTP status 200)");
        assert_eq!(Unclear::Endless.of("Acme"), "a list did not come to an end");
    }
}
