//! The heights of rows, and how edges leave, run, carry their labels and arrive.

use super::layers::Layered;
use super::{Area, BOX_HEIGHT, LABEL_HEIGHT, Layout, Link, Route, Stride};

/// Between the edge of a box and the first arrow.
const CORNER: f64 = 16.0;
/// Straight into the box, for the arrow's head.
const HEAD: f64 = 12.0;

/// How much of a box's side an arrow with such a label takes.
pub(super) fn extent(label_width: f64) -> f64 {
    if label_width > 0.0 { label_width + 14.0 } else { 16.0 }
}

/// Boxes and edges in pixels.
pub(super) fn route(layered: &Layered, (widths, centres): (&[f64], &[f64]), links: &[Link]) -> Layout {
    let left = (0..layered.slots())
        .map(|slot| centres[slot] - widths.get(slot).map_or(4.0, |width| width / 2.0))
        .fold(f64::INFINITY, f64::min);
    let centres: Vec<f64> = centres.iter().map(|centre| centre - left).collect();
    let ports = Ports::new(layered, (widths, &centres), links);
    let (labels, lanes) = label_lanes(layered, &ports, links);
    let tops = tops(layered, &lanes);
    let mut boxes = vec![Area::default(); layered.nodes];
    for (row, slots) in layered.rows.iter().enumerate() {
        for slot in slots.iter().filter(|slot| !layered.is_bend(**slot)) {
            let width = widths[*slot];
            boxes[*slot] = Area { left: centres[*slot] - width / 2.0, top: tops[row], width, row };
        }
    }
    let routes: Vec<Route> = (0..links.len())
        .map(|link| {
            let chain = &layered.chains[link];
            let Some(first) = chain.first().map(|producer| boxes[*producer].row) else {
                return Route::default();
            };
            let stride = |(gap, pair): (usize, &[usize])| {
                let upper = first + gap;
                let settled = tops[upper + 1] - HEAD - lanes[upper] as f64 * LABEL_HEIGHT;
                let (from, to) = ports.between(pair[0], pair[1]);
                Stride {
                    from: (from, tops[upper] + BOX_HEIGHT),
                    settled: (to, settled),
                    until: tops[upper + 1],
                }
            };
            let strides: Vec<Stride> = chain.windows(2).enumerate().map(stride).collect();
            let middle = |lane: usize, end: &Stride| end.settled.1 + (lane as f64 + 0.5) * LABEL_HEIGHT;
            let label =
                labels[link].zip(strides.last()).map(|(lane, end)| (end.settled.0, middle(lane, end)));
            Route { strides, label }
        })
        .collect();
    let right = boxes.iter().map(|area| area.left + area.width).fold(0.0, f64::max);
    let bends = centres.iter().skip(layered.nodes).map(|centre| centre + 4.0).fold(0.0, f64::max);
    let width = routes
        .iter()
        .zip(links)
        .filter_map(|(route, link)| route.label.map(|(x, _)| x + link.label_width / 2.0))
        .fold(right.max(bends), f64::max);
    let height = tops.last().map_or(0.0, |top| top + BOX_HEIGHT);
    Layout { boxes, routes, width, height }
}

/// Where edges leave and enter the slots.
struct Ports {
    /// For each slot, those below it from left to right, each with where the edge leaves.
    leaving: Vec<Vec<(usize, f64)>>,
    /// For each slot, those above it from left to right, each with where the edge enters.
    entering: Vec<Vec<(usize, f64)>>,
}

impl Ports {
    fn new(layered: &Layered, (widths, centres): (&[f64], &[f64]), links: &[Link]) -> Self {
        let mut extents: Vec<Vec<f64>> = layered.above.iter().map(|above| vec![16.0; above.len()]).collect();
        for (link, chain) in links.iter().zip(&layered.chains) {
            if let [.., before, consumer] = chain.as_slice()
                && let Some(at) = layered.above[*consumer].iter().position(|slot| slot == before)
            {
                extents[*consumer][at] = extents[*consumer][at].max(extent(link.label_width));
            }
        }
        let spread = |slot: usize, others: &[usize], extents: &[f64]| {
            let mut ports: Vec<(usize, f64)> = others.iter().copied().zip(extents.iter().copied()).collect();
            ports.sort_by(|a, b| centres[a.0].total_cmp(&centres[b.0]));
            let total: f64 = ports.iter().map(|(_, extent)| extent).sum();
            let room = widths.get(slot).map_or(0.0, |width| width - 2.0 * CORNER);
            let scale = (room / total).min(1.0);
            let mut at = centres[slot] - total * scale / 2.0;
            for (_, port) in &mut ports {
                let extent = *port * scale;
                *port = at + extent / 2.0;
                at += extent;
            }
            ports
        };
        let slots = 0..layered.slots();
        let leaving = |slot| spread(slot, &layered.below[slot], &vec![24.0; layered.below[slot].len()]);
        let entering = |slot| spread(slot, &layered.above[slot], &extents[slot]);
        Self { leaving: slots.clone().map(leaving).collect(), entering: slots.map(entering).collect() }
    }

    /// Where the edge between two slots leaves the upper and enters the lower.
    fn between(&self, upper: usize, lower: usize) -> (f64, f64) {
        let find = |ports: &[(usize, f64)], other| {
            ports.iter().find(|(slot, _)| *slot == other).map_or(0.0, |(_, port)| *port)
        };
        (find(&self.leaving[upper], lower), find(&self.entering[lower], upper))
    }
}

/// For each link with a label its lane in the gap above its consumer; for each gap, how many lanes there are.
fn label_lanes(layered: &Layered, ports: &Ports, links: &[Link]) -> (Vec<Option<usize>>, Vec<usize>) {
    let mut row_of = vec![0; layered.slots()];
    for (row, slots) in layered.rows.iter().enumerate() {
        slots.iter().for_each(|slot| row_of[*slot] = row);
    }
    let mut gaps: Vec<Vec<(f64, f64, usize)>> = vec![Vec::new(); layered.rows.len()];
    for (position, (link, chain)) in links.iter().zip(&layered.chains).enumerate() {
        if let [.., before, consumer] = chain.as_slice()
            && link.label_width > 0.0
        {
            let (_, x) = ports.between(*before, *consumer);
            let half = link.label_width / 2.0;
            gaps[row_of[*before]].push((x - half, x + half, position));
        }
    }
    let mut lanes_of = vec![None; links.len()];
    let mut lanes = Vec::with_capacity(gaps.len());
    for mut gap in gaps {
        gap.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut ends: Vec<f64> = Vec::new();
        for (start, end, link) in gap {
            let lane = ends.iter().position(|taken| taken + 6.0 <= start).unwrap_or(ends.len());
            ends.resize(ends.len().max(lane + 1), 0.0);
            ends[lane] = end;
            lanes_of[link] = Some(lane);
        }
        lanes.push(ends.len());
    }
    (lanes_of, lanes)
}

/// The top of each row. Gaps grow with what runs through them.
fn tops(layered: &Layered, lanes: &[usize]) -> Vec<f64> {
    let mut at = 0.0;
    let mut tops = Vec::with_capacity(layered.rows.len());
    for (slots, lanes) in layered.rows.iter().zip(lanes) {
        tops.push(at);
        let links: usize = slots.iter().map(|slot| layered.below[*slot].len()).sum();
        let gap = if links == 0 { 28.0 } else { 44.0 + (2.0 * links as f64).min(60.0) + HEAD };
        at += BOX_HEIGHT + gap + *lanes as f64 * LABEL_HEIGHT;
    }
    tops
}
