//! Texts that a peer wrote, made safe to print (S-21).

use std::fmt;

use serde::Serialize;

/// A peer's text without anything that moves a cursor, hides, reorders or forges: control, bidirectional and
/// invisible characters stand as visible escapes, and the whole has at most [`Untrusted::MAXIMUM`] characters.
///
/// Cleaning a clean text changes nothing.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Untrusted(Box<str>);

impl Untrusted {
    /// The most characters kept, the mark for "there was more" included.
    pub const MAXIMUM: usize = 1_000;

    /// Cleans a text.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        if raw.len() <= Self::MAXIMUM && !raw.chars().any(is_unsafe) {
            return Self(raw.into());
        }
        let mut escaped = raw.chars().flat_map(|character| {
            let escape = is_unsafe(character).then(|| character.escape_default());
            let plain = escape.is_none().then_some(character);
            escape.into_iter().flatten().chain(plain)
        });
        let mut clean: String = escaped.by_ref().take(Self::MAXIMUM).collect();
        if escaped.next().is_some() {
            clean.pop();
            clean.push('…');
        }
        Self(clean.into())
    }

    /// The cleaned text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cleaned text as a string.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0.into()
    }
}

/// Whether a character could do more than be read.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            // zero-width characters and direction marks; line and paragraph separators, direction overrides
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            // invisible operators, isolates, deprecated formatting
            | '\u{2060}'..='\u{206f}'
            // annotation anchors; tags
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl From<&str> for Untrusted {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_drive_a_terminal_is_shown_instead() {
        for (raw, clean) in [
            ("quota exceeded: 5 €, ünïcödé, 数据库", "quota exceeded: 5 €, ünïcödé, 数据库"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{9b}31m\u{7f}\u{0}", "\\u{9b}31m\\u{7f}\\u{0}"),
            ("safe\u{202e}exe.\u{2066}x\u{2069}", "safe\\u{202e}exe.\\u{2066}x\\u{2069}"),
            ("a\u{200b}b\u{feff}\u{e0041}\u{2028}", "a\\u{200b}b\\u{feff}\\u{e0041}\\u{2028}"),
            ("", ""),
        ] {
            assert_eq!(Untrusted::new(raw).as_str(), clean);
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        for raw in ["x".repeat(1_001), "\u{1b}".repeat(100_000), "é".repeat(5_000)] {
            let clean = Untrusted::new(&raw);
            assert_eq!(clean.as_str().chars().count(), 1_000);
            assert!(clean.as_str().ends_with('…'));
        }
        assert_eq!(Untrusted::new(&"é".repeat(1_000)).as_str(), "é".repeat(1_000));
    }

    proptest! {
        #[test]
        fn cleaning_is_safe_and_cleaning_twice_changes_nothing(raw in any::<String>()) {
            let once = Untrusted::new(&raw);
            prop_assert!(!once.as_str().chars().any(is_unsafe));
            prop_assert!(once.as_str().chars().count() <= Untrusted::MAXIMUM);
            prop_assert_eq!(Untrusted::new(once.as_str()), once);
        }
    }
}
