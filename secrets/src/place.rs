//! Where a sealed value belongs.

use std::fmt;

/// The address of a sealed value, such as a row and a column. What was sealed for one place opens at no other.
///
/// Parts are kept apart by their lengths: `("ab", "c")` and `("a", "bc")` are two places, and no place is a prefix of
/// another that would open the same value.
///
/// ```
/// use sutler_secrets::Place;
///
/// let place = Place::new("instance").with("8d1f").with("parameters");
/// assert_eq!(format!("{place:?}"), "Place(instance/8d1f/parameters)");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Place(Vec<u8>);

impl Place {
    /// A place of this kind; [`with`](Self::with) makes it specific.
    pub fn new(kind: impl AsRef<[u8]>) -> Self {
        Self(Vec::with_capacity(96)).with(kind)
    }

    /// The place one part further down. Order matters.
    #[must_use]
    pub fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        self.0.extend_from_slice(&length(part));
        self.0.extend_from_slice(part);
        self
    }

    /// The unambiguous encoding: each part after its length.
    pub(crate) fn encoded(&self) -> &[u8] {
        &self.0
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<8>()?;
            let (part, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            rest = after;
            Some(part)
        })
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.parts().map(String::from_utf8_lossy).collect();
        write!(f, "Place({})", parts.join("/"))
    }
}

/// How a length is written where parts must be told apart.
pub(crate) fn length(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_parts_are_the_same_place() {
        let places = [
            Place::new("abc"),
            Place::new("ab").with("c"),
            Place::new("a").with("bc"),
            Place::new("a").with("b").with("c"),
            Place::new("abc").with(""),
            Place::new("").with("abc"),
            Place::new("c").with("ab"),
        ];
        for (i, one) in places.iter().enumerate() {
            for (j, other) in places.iter().enumerate() {
                assert_eq!(one.encoded() == other.encoded(), i == j, "{one:?} {other:?}");
            }
        }
    }
}
