//! A stack as a picture: what stands where, and who needs whom. Pure: a [`Drawing`] in, a `String` out.
//!
//! The renderers are complete: terminal text, Graphviz, Mermaid and SVG.
//!
//! ```text
//! text · dot · mermaid · svg ──▶ label
//!                         └────▶ layout: layers ──▶ order ──▶ place ──▶ route
//! ```
//!
//! Arrows lead from the producer to the consumer, the way the outputs flow. Names may be hostile: each
//! renderer escapes for its language, and no user text becomes an identifier.

mod dot;
mod label;
mod layout;
mod mermaid;
mod svg;
mod text;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;
pub use text::text;

/// What is to be drawn. Order is declaration order; edges name nodes by position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawing {
    /// What the picture is of.
    pub title: String,
    /// The instances.
    pub nodes: Vec<Node>,
    /// Who needs whom. One that names no node, or a node and itself, is not drawn.
    pub edges: Vec<Edge>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name in the file.
    pub reference: String,
    /// The offering.
    pub service: String,
    /// The plan; empty when not known.
    pub plan: String,
    /// Who provides it; empty when not known.
    pub broker: String,
    /// Where it stands.
    pub mark: Mark,
    /// Whether it may be deleted.
    pub protected: Protection,
}

/// A consumer takes outputs of a producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Position of the node that needs.
    pub consumer: usize,
    /// Position of the node that is needed.
    pub producer: usize,
    /// The keys of the outputs that are used.
    pub label: Option<String>,
}

/// Whether an instance is guarded against deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// It may be deleted.
    Open,
    /// It is not deleted before somebody lifts the protection.
    Protected,
}

/// Where an instance stands. Each has a word and a shape, so that no meaning rests on colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Written in the file, not made yet.
    Declared,
    /// It exists.
    Ready,
    /// Something is under way.
    Working,
    /// It may exist, half made.
    Doubtful,
    /// It exists, and the file does not mention it any more.
    Undeclared,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Self; 5] = [Self::Declared, Self::Ready, Self::Working, Self::Doubtful, Self::Undeclared];

    /// One lower-case word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Ready => "ready",
            Self::Working => "working",
            Self::Doubtful => "doubtful",
            Self::Undeclared => "undeclared",
        }
    }

    /// One character that tells it from the others without colour.
    pub fn shape(self) -> char {
        match self {
            Self::Declared => '○',
            Self::Ready => '✓',
            Self::Working => '◐',
            Self::Doubtful => '?',
            Self::Undeclared => '✗',
        }
    }
}

impl Node {
    /// `service/plan at broker`, without what is not known.
    fn detail(&self) -> String {
        let mut detail = self.service.clone();
        if !self.plan.is_empty() {
            detail.push('/');
            detail.push_str(&self.plan);
        }
        if !self.broker.is_empty() {
            detail.push_str(" at ");
            detail.push_str(&self.broker);
        }
        label::visible(&detail)
    }

    /// Its name, fit to be shown.
    fn name(&self) -> String {
        label::visible(&self.reference)
    }

    /// `✓ ready`, and whether it is protected.
    fn standing(&self) -> String {
        let protected = match self.protected {
            Protection::Protected => ", protected",
            Protection::Open => "",
        };
        format!("{} {}{protected}", self.mark.shape(), self.mark.word())
    }
}

impl Edge {
    /// Its label, fit to be shown.
    fn keys(&self) -> Option<String> {
        self.label.as_deref().filter(|label| !label.is_empty()).map(label::visible)
    }
}

impl Drawing {
    /// The edges that lead from one existing node to another.
    fn sound_edges(&self) -> impl Iterator<Item = (usize, &Edge)> {
        let size = self.nodes.len();
        self.edges.iter().enumerate().filter(move |(_, edge)| {
            edge.consumer < size && edge.producer < size && edge.consumer != edge.producer
        })
    }
}
