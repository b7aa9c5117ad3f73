//! Drawings that tests share.

use super::{Drawing, Edge, Mark, Node, Protection};

pub(super) fn node(reference: &str, service: &str, broker: &str, mark: Mark) -> Node {
    Node {
        reference: reference.to_owned(),
        service: service.to_owned(),
        plan: "standard".to_owned(),
        broker: broker.to_owned(),
        mark,
        protected: Protection::Open,
    }
}

pub(super) fn edge(consumer: usize, producer: usize, label: &str) -> Edge {
    Edge { consumer, producer, label: (!label.is_empty()).then(|| label.to_owned()) }
}

/// A shop of five.
pub(super) fn shop() -> Drawing {
    let mut nodes = vec![
        node("db", "cloudflare-d1", "data", Mark::Ready),
        node("analytics-db", "cloudflare-d1", "data", Mark::Working),
        node("api-token", "cloudflare-api-token", "edge", Mark::Doubtful),
        node("worker-secrets", "cloudflare-worker-secrets", "edge", Mark::Declared),
        node("www", "cloudflare-dns-record", "edge", Mark::Undeclared),
    ];
    nodes[0].protected = Protection::Protected;
    let edges = vec![
        edge(2, 0, "database_id"),
        edge(3, 2, "token"),
        edge(3, 0, "database_id, uri"),
        edge(3, 1, "database_id"),
    ];
    Drawing { title: "Stack shop".to_owned(), nodes, edges }
}

/// The same nodes and edges for the same size and seed; later ones need some of the earlier.
pub(super) fn random(size: usize, seed: u64) -> Drawing {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit
    };
    let mut drawing = Drawing { title: format!("Random {size}"), ..Drawing::default() };
    for position in 0..size {
        let mark = Mark::ALL[below(5)];
        let name = format!("node-{position}{}", "x".repeat(below(12)));
        drawing.nodes.push(node(&name, "some-service", "broker", mark));
        let mut producers: Vec<usize> =
            (0..below(4)).filter(|_| position > 0).map(|_| below(position)).collect();
        producers.sort_unstable();
        producers.dedup();
        for producer in producers {
            drawing.edges.push(edge(position, producer, ["", "uri", "host, port"][below(3)]));
        }
    }
    drawing
}
