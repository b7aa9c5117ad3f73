//! Who needs whom, over positions in a list. What stands at a position, it does not know.

use std::{cmp::Reverse, collections::BinaryHeap};

/// A directed graph over `0..len`, both directions stored flat. Order and ties follow the positions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    needs: Lists,
    users: Lists,
}

/// For each position a slice of one shared list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lists {
    ends: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    fn of(&self, node: u32) -> &[u32] {
        let at = node as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.items[start as usize..self.ends[at] as usize]
    }

    /// `pairs` are sorted by their first member.
    fn collect(size: usize, pairs: &[(u32, u32)]) -> Self {
        let mut ends = vec![0; size];
        for (from, _) in pairs {
            ends[*from as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        Self { ends, items: pairs.iter().map(|(_, to)| *to).collect() }
    }
}

impl Graph {
    /// A graph of that many nodes; each edge is (who needs, what is needed). Repeated edges count once.
    ///
    /// # Panics
    /// When an edge names a node that is not there.
    #[must_use]
    pub fn new(size: usize, edges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut pairs: Vec<(u32, u32)> = edges.into_iter().collect();
        pairs.sort_unstable();
        pairs.dedup();
        let needs = Lists::collect(size, &pairs);
        pairs.iter_mut().for_each(|pair| *pair = (pair.1, pair.0));
        pairs.sort_unstable();
        Self { needs, users: Lists::collect(size, &pairs) }
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.needs.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a node needs, ascending.
    #[must_use]
    pub fn needs(&self, node: u32) -> &[u32] {
        self.needs.of(node)
    }

    /// Who needs a node, ascending.
    #[must_use]
    pub fn users(&self, node: u32) -> &[u32] {
        self.users.of(node)
    }

    /// All nodes, each after what it needs; of those that could come next, the one at the lowest position.
    ///
    /// # Errors
    /// The loops, when there are any: disjoint, each as a list in which every node needs the next and the last needs
    /// the first.
    pub fn order(&self) -> Result<Vec<u32>, Vec<Vec<u32>>> {
        let mut missing: Vec<u32> = self.nodes().map(|node| self.needs(node).len() as u32).collect();
        let mut free: BinaryHeap<Reverse<u32>> =
            self.nodes().filter(|node| self.needs(*node).is_empty()).map(Reverse).collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(node)) = free.pop() {
            order.push(node);
            for user in self.users(node) {
                missing[*user as usize] -= 1;
                if missing[*user as usize] == 0 {
                    free.push(Reverse(*user));
                }
            }
        }
        if order.len() == self.len() { Ok(order) } else { Err(self.loops(&missing)) }
    }

    /// For each node, how many steps the longest chain of users above it has, itself included. `order` is [`order`](Self::order)'s.
    #[must_use]
    pub fn remaining(&self, order: &[u32]) -> Vec<u32> {
        self.longest(order.iter().rev(), Self::users)
    }

    /// For each node, how many steps the longest chain of needs below it has, itself included. `order` is [`order`](Self::order)'s.
    #[must_use]
    pub fn depths(&self, order: &[u32]) -> Vec<u32> {
        self.longest(order.iter(), Self::needs)
    }

    /// Everyone who needs a node, directly or not, ascending; without the node.
    #[must_use]
    pub fn descendants(&self, node: u32) -> Vec<u32> {
        self.reachable([node], Self::users)
    }

    /// Everything that a node needs, directly or not, ascending; without the node.
    #[must_use]
    pub fn ancestors(&self, node: u32) -> Vec<u32> {
        self.reachable([node], Self::needs)
    }

    fn nodes(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }

    fn longest<'o>(
        &self,
        order: impl Iterator<Item = &'o u32>,
        before: fn(&Self, u32) -> &[u32],
    ) -> Vec<u32> {
        let mut lengths = vec![0; self.len()];
        for node in order {
            let longest = before(self, *node).iter().map(|other| lengths[*other as usize]).max();
            lengths[*node as usize] = longest.unwrap_or(0) + 1;
        }
        lengths
    }

    fn reachable(&self, from: impl Into<Vec<u32>>, next: fn(&Self, u32) -> &[u32]) -> Vec<u32> {
        let mut open = from.into();
        let start = open.clone();
        let mut seen = std::collections::HashSet::new();
        while let Some(node) = open.pop() {
            open.extend(next(self, node).iter().filter(|other| seen.insert(**other)));
        }
        let mut found: Vec<u32> = seen.into_iter().filter(|node| !start.contains(node)).collect();
        found.sort_unstable();
        found
    }

    /// Every node with something missing needs one of its kind: following those needs ends in a loop.
    fn loops(&self, missing: &[u32]) -> Vec<Vec<u32>> {
        let mut trail_of = vec![0; self.len()];
        let mut loops = Vec::new();
        for (trail, start) in (1..).zip(self.nodes().filter(|node| missing[*node as usize] > 0)) {
            let (mut node, mut path) = (start, Vec::new());
            while trail_of[node as usize] == 0 {
                trail_of[node as usize] = trail;
                path.push(node);
                let stuck = self.needs(node).iter().find(|need| missing[**need as usize] > 0);
                node = *stuck.unwrap_or(&node);
            }
            if trail_of[node as usize] == trail {
                let mut found = path.split_off(path.iter().position(|n| *n == node).unwrap_or(0));
                let lowest = (0..found.len()).min_by_key(|at| found[*at]).unwrap_or(0);
                found.rotate_left(lowest);
                loops.push(found);
            }
        }
        loops
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a32_producers_come_first_and_ties_follow_positions() {
        let graph = Graph::new(5, [(0, 3), (1, 3), (4, 0), (4, 1), (4, 0)]);
        assert_eq!(graph.order(), Ok(vec![2, 3, 0, 1, 4]));
        assert_eq!((graph.needs(4), graph.users(3)), (&[0, 1][..], &[0, 1][..]));
        let order = graph.order().unwrap();
        assert_eq!(graph.remaining(&order), [2, 2, 1, 3, 1]);
        assert_eq!(graph.depths(&order), [2, 2, 1, 1, 3]);
        assert_eq!((graph.descendants(3), graph.ancestors(4)), (vec![0, 1, 4], vec![0, 1, 3]));
    }

    #[test]
    fn each_loop_is_named_once_and_in_order() {
        let graph = Graph::new(8, [(2, 0), (0, 1), (1, 2), (3, 2), (4, 4), (6, 5), (5, 6), (7, 6)]);
        assert_eq!(graph.order(), Err(vec![vec![0, 1, 2], vec![4], vec![5, 6]]));
    }

    #[test]
    fn a_hundred_thousand_nodes_are_no_trouble() {
        let chain = Graph::new(100_000, (1..100_000).map(|node| (node, node - 1)));
        let order = chain.order().unwrap();
        assert_eq!(chain.remaining(&order)[0], 100_000);
        assert_eq!(chain.descendants(0).len(), 99_999);
        let ring = Graph::new(100_000, (0..100_000).map(|node| (node, (node + 1) % 100_000)));
        assert_eq!(ring.order().unwrap_err()[0].len(), 100_000);
        assert_eq!(Graph::default().order(), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn an_order_or_loops_that_exist(edges in prop::collection::vec((0u32..12, 0u32..12), 0..30)) {
            let graph = Graph::new(12, edges);
            match graph.order() {
                Ok(order) => {
                    let place = |node: u32| order.iter().position(|other| *other == node).unwrap();
                    prop_assert_eq!(order.len(), 12);
                    for node in 0..12 {
                        prop_assert!(graph.needs(node).iter().all(|need| place(*need) < place(node)));
                    }
                }
                Err(loops) => {
                    prop_assert!(!loops.is_empty());
                    for found in loops {
                        let next = found.iter().cycle().skip(1);
                        prop_assert!(found.iter().zip(next).all(|(a, b)| graph.needs(*a).contains(b)));
                    }
                }
            }
        }
    }
}
