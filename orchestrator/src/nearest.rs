//! "Did you mean …?": the known word that is nearest to a written one.

/// The nearest of the known words, if it is near enough to be a slip of the hand.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|word| !word.is_empty() && word.len().abs_diff(written.len()) <= 4 * allowed)
        .map(|word| (distance(written, word), word))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// A list for a sentence: at most eight, then how many more.
#[must_use]
pub fn listed<'a>(known: impl IntoIterator<Item = &'a str>) -> String {
    let mut words = known.into_iter();
    let mut list: Vec<&str> = words.by_ref().take(8).collect();
    let more = words.count();
    if list.is_empty() {
        list.push("none");
    }
    let list = list.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

/// Insertions, deletions, substitutions and swaps of neighbours, ignoring case; long words count as far apart.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().take(128).flat_map(char::to_lowercase).collect();
    let other: Vec<char> = other.chars().take(128).flat_map(char::to_lowercase).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, b) in other.iter().enumerate() {
            let substituted = last[column] + usize::from(a != b);
            let mut best = substituted.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && *a == other[column - 1] && one[row - 1] == *b {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_recognised() {
        let known = ["database_id", "name", "protected"];
        assert_eq!(nearest("databse_id", known), Some("database_id"));
        assert_eq!(nearest("nmae", known), Some("name"));
        assert_eq!(nearest("Protected", known), Some("protected"));
    }

    #[test]
    fn another_word_is_not_a_slip() {
        assert_eq!(nearest("bucket", ["database_id", "name"]), None);
        assert_eq!(nearest("", ["a"]), Some("a"));
        assert_eq!(nearest("db", []), None);
    }

    #[test]
    fn a_long_list_is_cut() {
        let words: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        assert_eq!(listed(words.iter().map(String::as_str)), "0, 1, 2, 3, 4, 5, 6, 7 and 3 more");
        assert_eq!(listed([]), "none");
    }
}
