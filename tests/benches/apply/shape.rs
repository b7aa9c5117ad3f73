//! The graphs: what is declared, and who needs whom.

use std::fmt::Write as _;

/// What a graph looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Layers of this width; each instance refers to credentials of two of the layer before, so all but the last layer are
    /// bound.
    Bound(usize),
    /// The same, but they refer to what an instance yields by itself: nothing is bound.
    Unbound(usize),
    /// Nobody refers to anybody, nothing is bound.
    Wide,
}

impl Shape {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "layered" => Some(Self::Bound(100)),
            "wide" => Some(Self::Wide),
            _ => None,
        }
    }

    /// Which instances one refers to.
    pub(crate) fn needs(self, n: usize) -> Vec<usize> {
        match self {
            Self::Bound(width) | Self::Unbound(width) if n >= width => {
                let (start, column) = ((n / width - 1) * width, n % width);
                vec![start + column, start + (column * 7 + 3) % width]
            }
            _ => Vec::new(),
        }
    }

    /// Whether anybody uses its credentials, among so many.
    pub(crate) fn is_bound(self, n: usize, instances: usize) -> bool {
        matches!(self, Self::Bound(width) if n + width < instances)
    }

    /// How often an instance is written down: intended, created, and bound if it is.
    pub(crate) fn steps(self, instances: usize) -> usize {
        (0..instances).map(|n| 2 + usize::from(self.is_bound(n, instances))).sum()
    }

    /// The configuration.
    pub(crate) fn configuration(self, url: &str, instances: usize) -> String {
        let key = if matches!(self, Self::Unbound(_)) { "dashboard_url" } else { "id" };
        let mut text = format!(r#"{{"stack":"bench","brokers":{{"edge":{{"url":"{url}"}}}},"instances":{{"#);
        for n in 0..instances {
            let comma = if n == 0 { "" } else { "," };
            let parameters = match self.needs(n)[..] {
                [one, other] => format!(r#"{{"one":"@i{one}.{key}","other":"x${{i{other}.{key}}}"}}"#),
                _ => format!(r#"{{"number":{n}}}"#),
            };
            // A String takes everything.
            let _written = write!(text, r#"{comma}"i{n}":{{"service":"database","params":{parameters}}}"#);
        }
        text + "}}"
    }

    /// Rounds of the zero-overhead list schedule with so many places, longest remaining path first, when every instance
    /// takes one round.
    pub(crate) fn schedule(self, instances: usize, places: usize) -> usize {
        let mut remaining = vec![1_usize; instances];
        for n in (0..instances).rev() {
            self.needs(n)
                .into_iter()
                .for_each(|need| remaining[need] = remaining[need].max(remaining[n] + 1));
        }
        let mut done = vec![false; instances];
        let mut rounds = 0;
        while done.iter().any(|done| !done) {
            let is_ready = |n: &usize| !done[*n] && self.needs(*n).iter().all(|need| done[*need]);
            let mut ready: Vec<usize> = (0..instances).filter(is_ready).collect();
            ready.sort_by_key(|n| std::cmp::Reverse(remaining[*n]));
            ready.into_iter().take(places).for_each(|n| done[n] = true);
            rounds += 1;
        }
        rounds
    }
}
