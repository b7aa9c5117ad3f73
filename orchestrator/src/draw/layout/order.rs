//! The order within each row, so that few edges cross.

use super::layers::Layered;

/// How often all rows are gone through, down and up in turn.
const SWEEPS: usize = 12;

/// Sorts each row by the middle of what its slots are linked to, back and forth, and keeps the best.
pub(super) fn order(layered: &mut Layered) {
    let mut best = (crossings(layered), layered.rows.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let height = layered.rows.len();
        for step in 0..height {
            let down = sweep % 2 == 0;
            sort_row(layered, if down { step } else { height - 1 - step }, down);
        }
        let crossings = crossings(layered);
        if crossings < best.0 {
            best = (crossings, layered.rows.clone());
        }
    }
    layered.rows = best.1;
}

fn sort_row(layered: &mut Layered, row: usize, down: bool) {
    let beside = if down { row.checked_sub(1) } else { Some(row + 1) };
    let Some(beside) = beside.and_then(|beside| layered.rows.get(beside)) else { return };
    let position = positions(beside, layered.slots());
    let neighbours = if down { &layered.above } else { &layered.below };
    let own = layered.rows[row].len().max(1) as f64;
    let scale = beside.len() as f64 / own;
    let mut keyed: Vec<(f64, usize)> = layered.rows[row]
        .iter()
        .enumerate()
        .map(|(at, slot)| {
            let linked = &neighbours[*slot];
            let sum: usize = linked.iter().map(|neighbour| position[*neighbour]).sum();
            let key = if linked.is_empty() { at as f64 * scale } else { sum as f64 / linked.len() as f64 };
            (key, *slot)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    layered.rows[row] = keyed.into_iter().map(|(_, slot)| slot).collect();
}

/// Where each slot of a row stands; nonsense for the others.
fn positions(row: &[usize], slots: usize) -> Vec<usize> {
    let mut position = vec![0; slots];
    for (at, slot) in row.iter().enumerate() {
        position[*slot] = at;
    }
    position
}

/// How many pairs of edges cross.
fn crossings(layered: &Layered) -> usize {
    let mut crossings = 0;
    let mut position = vec![0; layered.slots()];
    for pair in layered.rows.windows(2) {
        for (at, slot) in pair[1].iter().enumerate() {
            position[*slot] = at;
        }
        let mut tree = Counts(vec![0; pair[1].len() + 1]);
        let mut seen = 0;
        for slot in &pair[0] {
            for lower in &layered.below[*slot] {
                crossings += seen - tree.up_to(position[*lower]);
            }
            for lower in &layered.below[*slot] {
                tree.add(position[*lower]);
                seen += 1;
            }
        }
    }
    crossings
}

/// Counts by position, summed in logarithmic time (a Fenwick tree).
struct Counts(Vec<usize>);

impl Counts {
    fn add(&mut self, position: usize) {
        let mut at = position + 1;
        while at < self.0.len() {
            self.0[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    /// How many have been added at the position or before it.
    fn up_to(&self, position: usize) -> usize {
        let mut at = position + 1;
        let mut sum = 0;
        while at > 0 {
            sum += self.0[at];
            at -= at & at.wrapping_neg();
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::Link;
    use super::*;

    fn links(pairs: &[(usize, usize)]) -> Vec<Link> {
        pairs.iter().map(|&(producer, consumer)| Link { producer, consumer, label_width: 0.0 }).collect()
    }

    #[test]
    fn a_crossing_that_can_be_avoided_is() {
        let mut layered = Layered::new(6, &links(&[(0, 5), (1, 4), (2, 3)]));
        assert_eq!(crossings(&layered), 3);
        order(&mut layered);
        assert_eq!(crossings(&layered), 0);
    }

    #[test]
    fn edges_of_one_producer_or_to_one_consumer_do_not_cross() {
        assert_eq!(crossings(&Layered::new(4, &links(&[(0, 1), (0, 2), (0, 3)]))), 0);
        assert_eq!(crossings(&Layered::new(4, &links(&[(0, 2), (0, 3), (1, 2), (1, 3)]))), 1);
    }
}
