//! What may run next: a traversal in progress. It starts nothing and waits for nothing.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::graph::Graph;

/// A traversal of an acyclic graph, producers first. Each step costs O(log n).
#[derive(Debug, Clone)]
pub struct Walk {
    graph: Graph,
    stages: Vec<Stage>,
    missing: Vec<u32>,
    /// How much is left from here on, itself included, along the heaviest chain of users.
    remaining: Vec<u64>,
    /// What may start: heaviest remaining chain first, ties by position.
    ready: BinaryHeap<(u64, Reverse<u32>)>,
    counts: Counts,
}

/// Where a node of a walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Something it needs has not succeeded yet.
    Waiting,
    /// It may start.
    Ready,
    /// It was handed out.
    Running,
    /// It has succeeded.
    Succeeded,
    /// It has failed.
    Failed,
    /// Something it needs, directly or not, has failed: it will never start.
    Skipped,
}

/// How many nodes stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All there are.
    pub total: usize,
    /// Handed out and not back.
    pub running: usize,
    /// Back with success.
    pub succeeded: usize,
    /// Back without.
    pub failed: usize,
    /// Never to start.
    pub skipped: usize,
}

impl Counts {
    /// How many have not been handed out yet but may be.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.total - self.running - self.succeeded - self.failed - self.skipped
    }
}

impl Walk {
    /// A walk over everything.
    ///
    /// # Errors
    /// The loops of the graph, see [`Graph::order`].
    pub fn new(graph: Graph) -> Result<Self, Vec<Vec<u32>>> {
        Self::weighted(graph, |_| 1)
    }

    /// A walk over everything, in which a chain is as long as the weights along it: how long each node is likely to
    /// take, in whatever unit.
    ///
    /// # Errors
    /// The loops of the graph, see [`Graph::order`].
    pub fn weighted(graph: Graph, weight: impl Fn(u32) -> u64) -> Result<Self, Vec<Vec<u32>>> {
        let order = graph.order()?;
        let mut remaining = vec![0_u64; graph.len()];
        for node in order.iter().rev() {
            let users = graph.users(*node).iter().map(|user| remaining[*user as usize]);
            remaining[*node as usize] = users.max().unwrap_or(0).saturating_add(weight(*node));
        }
        let missing: Vec<u32> = (0..graph.len() as u32).map(|node| graph.needs(node).len() as u32).collect();
        let mut walk = Self {
            stages: vec![Stage::Waiting; graph.len()],
            counts: Counts { total: graph.len(), ..Counts::default() },
            ready: BinaryHeap::new(),
            graph,
            missing,
            remaining,
        };
        for node in (0..walk.missing.len() as u32).filter(|node| walk.missing[*node as usize] == 0) {
            walk.stages[node as usize] = Stage::Ready;
            walk.ready.push((walk.remaining[node as usize], Reverse(node)));
        }
        Ok(walk)
    }

    /// Hands out one node that may run now: the one with the heaviest chain of users, ties by position.
    pub fn start(&mut self) -> Option<u32> {
        let (_, Reverse(node)) = self.ready.pop()?;
        self.stages[node as usize] = Stage::Running;
        self.counts.running += 1;
        Some(node)
    }

    /// Unblocks what waited only for this node. A node that is not running is left as it is.
    pub fn succeeded(&mut self, node: u32) {
        if !self.end(node, Stage::Succeeded) {
            return;
        }
        self.counts.succeeded += 1;
        for user in self.graph.users(node) {
            let at = *user as usize;
            self.missing[at] -= 1;
            if self.missing[at] == 0 && self.stages[at] == Stage::Waiting {
                self.stages[at] = Stage::Ready;
                self.ready.push((self.remaining[at], Reverse(*user)));
            }
        }
    }

    /// Abandons what is downstream of this node and says what that is, ascending. A node that is not running is left
    /// as it is.
    pub fn failed(&mut self, node: u32) -> Vec<u32> {
        if !self.end(node, Stage::Failed) {
            return Vec::new();
        }
        self.counts.failed += 1;
        let (mut open, mut skipped) = (vec![node], Vec::new());
        while let Some(node) = open.pop() {
            for user in self.graph.users(node) {
                if self.stages[*user as usize] == Stage::Waiting {
                    self.stages[*user as usize] = Stage::Skipped;
                    skipped.push(*user);
                    open.push(*user);
                }
            }
        }
        self.counts.skipped += skipped.len();
        skipped.sort_unstable();
        skipped
    }

    /// Whether nothing is running and nothing may start any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.counts.running == 0 && self.ready.is_empty()
    }

    /// Where a node stands.
    #[must_use]
    pub fn stage(&self, node: u32) -> Stage {
        self.stages[node as usize]
    }

    /// How many nodes stand where.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What is walked.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    fn end(&mut self, node: u32, stage: Stage) -> bool {
        let was_running = self.stages.get(node as usize) == Some(&Stage::Running);
        if was_running {
            self.stages[node as usize] = stage;
            self.counts.running -= 1;
        }
        was_running
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_remaining_chain_starts_first() {
        // 0 alone, 1 ← 2 ← 3, 4 ← 5
        let mut walk = Walk::new(Graph::new(6, [(2, 1), (3, 2), (5, 4)])).unwrap();
        assert_eq!(
            [walk.start(), walk.start(), walk.start(), walk.start()],
            [Some(1), Some(4), Some(0), None]
        );
        walk.succeeded(4);
        walk.succeeded(1);
        assert_eq!([walk.start(), walk.start()], [Some(2), Some(5)]);
        assert_eq!(walk.counts(), Counts { total: 6, running: 3, succeeded: 2, failed: 0, skipped: 0 });
        assert_eq!(walk.counts().waiting(), 1);
    }

    #[test]
    fn a_short_chain_of_slow_steps_starts_before_a_long_one_of_fast_steps() {
        // 0 ← 1 ← 2 with one each; 3 ← 4 with five and nine
        let weights = [1, 1, 1, 5, 9];
        let graph = Graph::new(5, [(1, 0), (2, 1), (4, 3)]);
        let mut walk = Walk::weighted(graph, |node| weights[node as usize]).unwrap();
        assert_eq!([walk.start(), walk.start(), walk.start()], [Some(3), Some(0), None]);
        walk.succeeded(0);
        walk.succeeded(3);
        assert_eq!([walk.start(), walk.start()], [Some(4), Some(1)]);
    }

    #[test]
    fn what_was_not_handed_out_cannot_end() {
        let mut walk = Walk::new(Graph::new(2, [(1, 0)])).unwrap();
        walk.succeeded(0);
        walk.succeeded(7);
        assert!(walk.failed(1).is_empty());
        assert_eq!((walk.start(), walk.start()), (Some(0), None));
        walk.succeeded(0);
        walk.succeeded(0);
        assert_eq!((walk.start(), walk.stage(1)), (Some(1), Stage::Running));
        assert!(Walk::new(Graph::new(1, [(0, 0)])).is_err());
    }

    /// Any acyclic graph of up to 20 nodes, which nodes fail, and in which order running nodes come back.
    fn any_run() -> impl Strategy<Value = (Graph, Vec<bool>, Vec<usize>)> {
        (1usize..20).prop_flat_map(|size| {
            let edges = prop::collection::vec((0..size as u32, 0..size as u32), 0..40);
            let graph = edges.prop_map(move |edges| {
                let downward = |(a, b): (u32, u32)| (a != b).then(|| (a.max(b), a.min(b)));
                Graph::new(size, edges.into_iter().filter_map(downward))
            });
            (graph, prop::collection::vec(any::<bool>(), size), prop::collection::vec(0usize..8, 2 * size))
        })
    }

    proptest! {
        #[test]
        fn each_node_starts_once_after_its_needs_and_a_failure_skips_only_its_descendants(
            (graph, fails, choices) in any_run(),
        ) {
            let mut walk = Walk::new(graph.clone()).unwrap();
            let (mut running, mut started, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
            for choice in choices.into_iter().cycle() {
                if let Some(node) = (choice % 2 == 0).then(|| walk.start()).flatten() {
                    prop_assert!(graph.needs(node).iter().all(|n| walk.stage(*n) == Stage::Succeeded));
                    running.push(node);
                    started.push(node);
                } else if !running.is_empty() {
                    let node = running.swap_remove(choice % running.len());
                    if fails[node as usize] {
                        let expected: Vec<u32> =
                            graph.descendants(node).into_iter().filter(|n| !skipped.contains(n)).collect();
                        let now = walk.failed(node);
                        prop_assert_eq!(&now, &expected);
                        skipped.extend(now);
                    } else {
                        walk.succeeded(node);
                    }
                } else if walk.is_done() {
                    break;
                } else if let Some(node) = walk.start() {
                    running.push(node);
                    started.push(node);
                }
            }
            let mut all: Vec<u32> = started.iter().chain(&skipped).copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..graph.len() as u32).collect::<Vec<_>>());
            prop_assert_eq!(walk.counts().waiting(), 0);
        }
    }
}
