//! Text of unknown origin, made fit to be shown and measured. Escaping is each renderer's own matter.

/// The longest text that is shown anywhere.
const LONGEST: usize = 200;

/// On one line: control, bidirectional and invisible characters become `�`; what is longer is elided.
pub(super) fn visible(text: &str) -> String {
    let safe = |c: char| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => '\u{fffd}',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => '\u{fffd}',
        '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        c => c,
    };
    elided(&text.chars().take(LONGEST + 1).map(safe).collect::<String>(), LONGEST)
}

/// At most so many characters, the last of them `…` if some are missing.
pub(super) fn elided(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// How wide a text is at most, for a font size, in the usual sans-serif fonts.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// In parts of the font size; measured on DejaVu Sans, the widest of the usual system fonts.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' | '/' | '\\' => 0.34,
        '-' | 'f' | 't' | 'r' | 'I' | '(' | ')' | '[' | ']' | '!' | '"' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 1.0,
        '<' | '>' | '=' | '+' | '~' | '#' => 0.85,
        'A'..='Z' | '&' => 0.78,
        '\0'..='\u{7f}' => 0.64,
        '\u{80}'..='\u{10ff}' => 0.72,
        _ => 1.05,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_invisible_and_no_second_line_is_shown() {
        assert_eq!(visible("a\nb\u{202e}c\u{1b}[31m"), "a b�c�[31m");
        assert!(!visible("\u{200b}\u{2066}\u{feff}\u{ffff}\u{61c}").chars().any(|c| c != '\u{fffd}'));
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis() {
        assert_eq!(elided("abcdef", 4), "abc…");
        assert_eq!(elided("abcd", 4), "abcd");
        assert_eq!(visible(&"x".repeat(5000)).chars().count(), LONGEST);
    }
}
