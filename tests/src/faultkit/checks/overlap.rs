//! I-16: while one holder's call that changes something is under way, nobody makes another one.

use super::super::{evidence::Violation, proxy::Seen};

/// Calls that change something and overlap. Of one operation at a time only.
#[must_use]
pub fn overlaps(seen: &[Seen]) -> Vec<Violation> {
    let changing: Vec<&Seen> = seen.iter().filter(|call| call.method != "GET").collect();
    let mut found = Vec::new();
    for (at, first) in changing.iter().enumerate() {
        for second in &changing[at + 1..] {
            let is_over = first.until.is_some_and(|until| until <= second.from);
            if !is_over && first.from <= second.from {
                let what = format!(
                    "{} {} began while {} {} was under way",
                    second.method, second.target, first.method, first.target
                );
                found.push(Violation::new("I-16", what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn i_16_calls_one_after_the_other_are_fine_and_overlapping_ones_are_not() {
        let start = Instant::now();
        let call = |method: &str, from: u64, until: u64| Seen {
            method: method.to_owned(),
            target: "/x".to_owned(),
            from: start + Duration::from_millis(from),
            until: Some(start + Duration::from_millis(until)),
        };
        assert!(overlaps(&[call("POST", 0, 10), call("POST", 10, 20)]).is_empty());
        assert!(overlaps(&[call("GET", 0, 30), call("POST", 10, 20)]).is_empty());
        assert_eq!(overlaps(&[call("POST", 0, 30), call("DELETE", 10, 20)]).len(), 1);
        let unanswered = Seen { until: None, ..call("POST", 0, 0) };
        assert_eq!(overlaps(&[unanswered, call("POST", 10, 20)]).len(), 1);
    }
}
