//! Which row a node stands in, and the bends that carry a long edge through the rows between.

use std::collections::HashMap;

use super::Link;
use crate::graph::Graph;

/// Nodes and bends in rows. A slot below the number of nodes is that node; the others are bends.
#[derive(Debug)]
pub(super) struct Layered {
    /// Slots from left to right, rows from top to bottom. Nodes without links fill the last rows.
    pub(super) rows: Vec<Vec<usize>>,
    /// For each slot, the slots of the row above it that it is linked to, each once.
    pub(super) above: Vec<Vec<usize>>,
    /// For each slot, the slots of the row below it that it is linked to, each once.
    pub(super) below: Vec<Vec<usize>>,
    /// For each link, its slots from the producer to the consumer; empty if it cannot be drawn.
    pub(super) chains: Vec<Vec<usize>>,
    /// How many slots are nodes.
    pub(super) nodes: usize,
}

impl Layered {
    /// Rows by the longest path from a node without producers; a row that is full pushes nodes further
    /// down. All links of a producer share its bends, so that there are few.
    pub(super) fn new(nodes: usize, links: &[Link]) -> Self {
        let row = rows(nodes, links);
        let height = row.iter().max().map_or(0, |last| last + 1);
        let mut layered = Self {
            rows: vec![Vec::new(); height],
            above: vec![Vec::new(); nodes],
            below: vec![Vec::new(); nodes],
            chains: Vec::with_capacity(links.len()),
            nodes,
        };
        for (node, row) in row.iter().enumerate() {
            layered.rows[*row].push(node);
        }
        let mut bends = HashMap::new();
        for link in links {
            let chain = layered.chain(link, &row, &mut bends);
            layered.chains.push(chain);
        }
        layered.centre_bends();
        layered
    }

    /// Bends begin in the middle of their rows, lest a trunk drift to one side of those it serves.
    fn centre_bends(&mut self) {
        for row in &mut self.rows {
            let nodes = row.iter().filter(|slot| **slot < self.nodes).count();
            let bends = row.len() - nodes;
            row[nodes / 2..].rotate_right(bends);
        }
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> usize {
        self.above.len()
    }

    /// Whether a slot is only a bend of an edge.
    pub(super) fn is_bend(&self, slot: usize) -> bool {
        slot >= self.nodes
    }

    fn chain(
        &mut self,
        link: &Link,
        row: &[usize],
        bends: &mut HashMap<(usize, usize), usize>,
    ) -> Vec<usize> {
        let (from, to) = (row[link.producer], row[link.consumer]);
        if from >= to {
            return Vec::new();
        }
        let mut chain = vec![link.producer];
        for between in from + 1..to {
            let slot = *bends.entry((link.producer, between)).or_insert_with(|| {
                self.above.push(Vec::new());
                self.below.push(Vec::new());
                self.rows[between].push(self.above.len() - 1);
                self.above.len() - 1
            });
            chain.push(slot);
        }
        chain.push(link.consumer);
        for pair in chain.windows(2) {
            if !self.above[pair[1]].contains(&pair[0]) {
                self.above[pair[1]].push(pair[0]);
                self.below[pair[0]].push(pair[1]);
            }
        }
        chain
    }
}

/// The row of each node.
fn rows(nodes: usize, links: &[Link]) -> Vec<usize> {
    let graph = Graph::new(nodes, links.iter().map(|link| (link.consumer as u32, link.producer as u32)));
    let order = graph.order().unwrap_or_else(|_loops| (0..nodes as u32).collect());
    let mut depth = vec![0; nodes];
    for node in &order {
        depth[*node as usize] =
            graph.needs(*node).iter().map(|need| depth[*need as usize] + 1).max().unwrap_or(0);
    }
    let is_alone = |node: &u32| graph.needs(*node).is_empty() && graph.users(*node).is_empty();
    let (alone, mut linked): (Vec<u32>, Vec<u32>) = order.into_iter().partition(is_alone);
    linked.sort_by_key(|node| (depth[*node as usize], *node));
    let capacity = capacity(nodes);
    let mut row: Vec<Option<usize>> = vec![None; nodes];
    let mut taken: Vec<usize> = Vec::new();
    for node in linked {
        let lowest = graph.needs(node).iter().filter_map(|need| row[*need as usize]).max();
        let mut at = lowest.map_or(0, |lowest| lowest + 1);
        while taken.get(at).is_some_and(|count| *count >= capacity) {
            at += 1;
        }
        taken.resize(taken.len().max(at + 1), 0);
        taken[at] += 1;
        row[node as usize] = Some(at);
    }
    for (position, node) in alone.into_iter().enumerate() {
        row[node as usize] = Some(taken.len() + position / capacity);
    }
    row.into_iter().map(Option::unwrap_or_default).collect()
}

/// How many boxes a row takes at most: few enough for a screen, or else for a picture about square.
fn capacity(nodes: usize) -> usize {
    ((nodes as f64).sqrt() * 0.8).ceil().max(6.0) as usize
}
