//! Where everything goes: boxes in rows, producers above consumers, and edges that pass between boxes.
//! What a box looks like, it does not know.

mod layers;
mod order;
mod place;
mod route;

use layers::Layered;

/// One edge that a layout is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) producer: usize,
    pub(super) consumer: usize,
    /// How much room its label takes; 0 without one.
    pub(super) label_width: f64,
}

/// A laid-out drawing, in pixels from its top left.
#[derive(Debug)]
pub(super) struct Layout {
    /// One for each node, in the same order.
    pub(super) boxes: Vec<Area>,
    /// One for each link, in the same order; empty for a link that cannot be drawn.
    pub(super) routes: Vec<Route>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where a box stands.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) row: usize,
}

/// How an edge runs, downwards.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Route {
    /// One for each gap between rows that it crosses.
    pub(super) strides: Vec<Stride>,
    /// The middle of its label, if it has one.
    pub(super) label: Option<(f64, f64)>,
}

/// Through one gap between two rows: curved from the start to `settled`, then straight down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stride {
    pub(super) from: (f64, f64),
    pub(super) settled: (f64, f64),
    /// The height at which the stride ends; a following one begins at the next gap.
    pub(super) until: f64,
}

/// How high every box is.
pub(super) const BOX_HEIGHT: f64 = 60.0;
/// How high a label is, with the room around it.
pub(super) const LABEL_HEIGHT: f64 = 20.0;

/// Lays out boxes of these widths and the links between them.
pub(super) fn layout(widths: &[f64], links: &[Link]) -> Layout {
    let mut layered = Layered::new(widths.len(), links);
    order::order(&mut layered);
    let mut widths = widths.to_vec();
    widen(&mut widths, links, &layered);
    let centres = place::place(&layered, &widths);
    route::route(&layered, (&widths, &centres), links)
}

/// Gives a box room for its labels side by side and for its arrows, within reason.
fn widen(widths: &mut [f64], links: &[Link], layered: &Layered) {
    const MOST: f64 = 420.0;
    let mut needed = vec![0.0; widths.len()];
    for link in links {
        needed[link.consumer] += route::extent(link.label_width);
    }
    for (node, width) in widths.iter_mut().enumerate() {
        let leaving = layered.below[node].len() as f64 * route::extent(0.0);
        *width = f64::max(needed[node], leaving).min(MOST).max(*width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::samples;

    fn random(size: usize, seed: u64) -> (Vec<Link>, Layout) {
        let drawing = samples::random(size, seed);
        let links: Vec<Link> = drawing
            .edges
            .iter()
            .map(|edge| Link { producer: edge.producer, consumer: edge.consumer, label_width: 40.0 })
            .collect();
        let widths: Vec<f64> = (0..size).map(|node| 120.0 + (node * 37 % 90) as f64).collect();
        let layout = layout(&widths, &links);
        (links, layout)
    }

    /// Whether a straight piece, at that x and between those heights, touches a box.
    fn touches(area: &Area, x: f64, (top, bottom): (f64, f64)) -> bool {
        let inside = x > area.left && x < area.left + area.width;
        inside && bottom > area.top + 0.01 && top < area.top + BOX_HEIGHT - 0.01
    }

    #[test]
    fn boxes_of_a_row_do_not_overlap_and_rows_do_not_either() {
        for (size, seed) in [(1, 1), (7, 2), (40, 3), (200, 4)] {
            let (_, layout) = random(size, seed);
            let mut boxes = layout.boxes.clone();
            boxes.sort_by(|a, b| (a.row, a.left).partial_cmp(&(b.row, b.left)).unwrap());
            for pair in boxes.windows(2) {
                let beside =
                    pair[0].row == pair[1].row && pair[0].left + pair[0].width + 10.0 <= pair[1].left;
                let below = pair[0].row < pair[1].row && pair[0].top + BOX_HEIGHT + 10.0 <= pair[1].top;
                assert!(beside || below, "{pair:?}");
            }
            for area in boxes {
                assert!(area.left >= 0.0 && area.left + area.width <= layout.width);
                assert!(area.top >= 0.0 && area.top + BOX_HEIGHT <= layout.height);
            }
        }
    }

    #[test]
    fn every_edge_runs_from_its_producer_down_to_its_consumer() {
        for (size, seed) in [(7, 5), (40, 6), (200, 7)] {
            let (links, layout) = random(size, seed);
            assert_eq!(links.len(), layout.routes.len());
            for (link, route) in links.iter().zip(&layout.routes) {
                let (producer, consumer) = (layout.boxes[link.producer], layout.boxes[link.consumer]);
                let (first, last) = (route.strides.first().unwrap(), route.strides.last().unwrap());
                assert_eq!(first.from.1, producer.top + BOX_HEIGHT);
                assert!(first.from.0 > producer.left && first.from.0 < producer.left + producer.width);
                assert_eq!(last.until, consumer.top);
                assert!(last.settled.0 > consumer.left && last.settled.0 < consumer.left + consumer.width);
                assert_eq!(route.strides.len(), consumer.row - producer.row);
            }
        }
    }

    #[test]
    fn no_edge_crosses_a_box() {
        for (size, seed) in [(7, 8), (40, 9), (200, 10)] {
            let (_, layout) = random(size, seed);
            for route in &layout.routes {
                for pair in route.strides.windows(2) {
                    assert_eq!(pair[0].settled.0, pair[1].from.0);
                    let band = (pair[0].settled.1, pair[1].from.1);
                    assert!(!layout.boxes.iter().any(|area| touches(area, pair[1].from.0, band)));
                }
                for stride in &route.strides {
                    let curve = (stride.from.1, stride.settled.1);
                    let gap = |area: &Area| curve.0 < area.top + BOX_HEIGHT && curve.1 > area.top;
                    assert!(!layout.boxes.iter().any(gap), "a curve stays between two rows");
                }
            }
        }
    }

    #[test]
    fn a_loop_is_not_drawn_but_does_no_harm() {
        let link = |producer, consumer| Link { producer, consumer, label_width: 0.0 };
        let layout = layout(&[100.0; 3], &[link(0, 1), link(1, 2), link(2, 0)]);
        assert_eq!(layout.routes.iter().filter(|route| !route.strides.is_empty()).count(), 2);
    }
}
