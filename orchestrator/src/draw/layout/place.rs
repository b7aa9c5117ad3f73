//! How far right each slot stands: near what it is linked to, and clear of its neighbours.

use super::layers::Layered;

/// How often all rows are gone through, down and up in turn.
const SWEEPS: usize = 10;
/// Between two boxes.
const BESIDE_BOX: f64 = 32.0;
/// Between a bend and anything else.
const BESIDE_BEND: f64 = 18.0;

/// The centre of each slot.
pub(super) fn place(layered: &Layered, widths: &[f64]) -> Vec<f64> {
    let mut centres = vec![0.0; layered.slots()];
    for row in &layered.rows {
        let offsets = offsets(layered, row, widths);
        let middle = offsets.last().copied().unwrap_or(0.0) / 2.0;
        for (slot, offset) in row.iter().zip(offsets) {
            centres[*slot] = offset - middle;
        }
    }
    for sweep in 0..SWEEPS {
        let both = sweep + 2 >= SWEEPS;
        let height = layered.rows.len();
        for step in 0..height {
            let down = sweep % 2 == 0;
            let row = &layered.rows[if down { step } else { height - 1 - step }];
            let wishes: Vec<(f64, f64)> = row
                .iter()
                .map(|slot| {
                    let above = if down || both { layered.above[*slot].as_slice() } else { &[] };
                    let below = if !down || both { layered.below[*slot].as_slice() } else { &[] };
                    wish(layered, &centres, *slot, above.iter().chain(below))
                })
                .collect();
            let offsets = offsets(layered, row, widths);
            for (slot, centre) in row.iter().zip(nearest(&wishes, &offsets)) {
                centres[*slot] = centre;
            }
        }
    }
    close_gaps(layered, widths, &mut centres);
    align_unlinked(layered, widths, &mut centres);
    centres
}

/// Moves parts of the picture that nothing connects towards each other.
fn close_gaps(layered: &Layered, widths: &[f64], centres: &mut [f64]) {
    let mut spans: Vec<(f64, f64, usize)> = Vec::new();
    for slot in (0..layered.slots()).filter(|slot| is_linked(layered, *slot)) {
        let half = widths.get(slot).map_or(BESIDE_BEND / 2.0, |width| width / 2.0);
        let linked = layered.below[slot].iter().map(|other| centres[*other]);
        let right = linked.clone().fold(centres[slot] + half, f64::max);
        spans.push((linked.fold(centres[slot] - half, f64::min), right, slot));
    }
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut edge = f64::NEG_INFINITY;
    let mut shift = 0.0;
    let mut shifts = vec![0.0; layered.slots()];
    for (left, right, slot) in spans {
        if edge.is_finite() && left > edge + BESIDE_BOX {
            shift += left - edge - BESIDE_BOX;
        }
        edge = edge.max(right);
        shifts[slot] = shift;
    }
    centres.iter_mut().zip(shifts).for_each(|(centre, shift)| *centre -= shift);
}

/// Starts the rows without links where the others start.
fn align_unlinked(layered: &Layered, widths: &[f64], centres: &mut [f64]) {
    let left =
        |centres: &[f64], slot: usize| centres[slot] - widths.get(slot).map_or(0.0, |width| width / 2.0);
    let linked = (0..layered.slots()).filter(|slot| is_linked(layered, *slot));
    let start = linked.map(|slot| left(centres, slot)).fold(f64::INFINITY, f64::min);
    let start = if start.is_finite() { start } else { 0.0 };
    for row in &layered.rows {
        if let Some(first) = row.first().filter(|first| !is_linked(layered, **first)) {
            let shift = start - left(centres, *first);
            row.iter().for_each(|slot| centres[*slot] += shift);
        }
    }
}

fn is_linked(layered: &Layered, slot: usize) -> bool {
    !layered.above[slot].is_empty() || !layered.below[slot].is_empty()
}

/// Where a slot would stand if it were alone, and how much that matters. Bends want to be straight.
fn wish<'a>(
    layered: &Layered,
    centres: &[f64],
    slot: usize,
    linked: impl Iterator<Item = &'a usize>,
) -> (f64, f64) {
    let (mut sum, mut weights) = (0.0, 0.0);
    for other in linked {
        let weight = if layered.is_bend(slot) && layered.is_bend(*other) { 8.0 } else { 1.0 };
        sum += weight * centres[*other];
        weights += weight;
    }
    if weights == 0.0 { (centres[slot], 0.2) } else { (sum / weights, weights) }
}

/// How far each slot of a row stands from the first at least.
fn offsets(layered: &Layered, row: &[usize], widths: &[f64]) -> Vec<f64> {
    let half = |slot: usize| widths.get(slot).map_or(0.0, |width| width / 2.0);
    let mut offsets = Vec::with_capacity(row.len());
    let mut at = 0.0;
    for (position, slot) in row.iter().enumerate() {
        if position > 0 {
            let before = row[position - 1];
            let bend = layered.is_bend(*slot) || layered.is_bend(before);
            at += half(before) + half(*slot) + if bend { BESIDE_BEND } else { BESIDE_BOX };
        }
        offsets.push(at);
    }
    offsets
}

/// The places nearest to the wishes, by weighted squares, that keep the distances: what wants to overlap
/// is pooled into blocks that stand at their common mean.
fn nearest(wishes: &[(f64, f64)], offsets: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for ((wish, weight), offset) in wishes.iter().zip(offsets) {
        let mut block = (wish - offset, *weight, 1);
        while let Some(before) = blocks.pop_if(|before| before.0 >= block.0) {
            let weight = before.1 + block.1;
            block = ((before.0 * before.1 + block.0 * block.1) / weight, weight, before.2 + block.2);
        }
        blocks.push(block);
    }
    let shifts = blocks.iter().flat_map(|(shift, _, count)| std::iter::repeat_n(*shift, *count));
    shifts.zip(offsets).map(|(shift, offset)| shift + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_that_leave_room_are_granted() {
        assert_eq!(nearest(&[(0.0, 1.0), (50.0, 1.0)], &[0.0, 30.0]), [0.0, 50.0]);
    }

    #[test]
    fn those_who_want_the_same_place_stand_around_it() {
        assert_eq!(
            nearest(&[(10.0, 1.0), (10.0, 1.0), (10.0, 1.0)], &[0.0, 30.0, 60.0]),
            [-20.0, 10.0, 40.0]
        );
    }
}
