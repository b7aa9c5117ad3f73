//! For Mermaid, which GitHub and many wikis show in place.

use super::{Drawing, Mark, Protection, label};

/// The drawing as a Mermaid flowchart.
pub fn mermaid(drawing: &Drawing) -> String {
    let mut written = format!("flowchart TD\n  accTitle: {}\n", escaped(&label::visible(&drawing.title)));
    for (position, node) in drawing.nodes.iter().enumerate() {
        let lines = [node.name(), node.detail(), node.standing()].map(|line| escaped(&line)).join("<br/>");
        written.push_str(&format!("  n{position}[\"{lines}\"]:::{}\n", node.mark.word()));
    }
    for (_, edge) in drawing.sound_edges() {
        let label = edge.keys().map(|keys| format!("|\"{}\"|", escaped(&keys))).unwrap_or_default();
        written.push_str(&format!("  n{} -->{label} n{}\n", edge.producer, edge.consumer));
    }
    for mark in Mark::ALL {
        if drawing.nodes.iter().any(|node| node.mark == mark) {
            written.push_str(&format!("  classDef {} {}\n", mark.word(), style(mark)));
        }
    }
    for (position, node) in drawing.nodes.iter().enumerate() {
        if node.protected == Protection::Protected {
            written.push_str(&format!("  style n{position} stroke-width:3px\n"));
        }
    }
    written
}

fn style(mark: Mark) -> &'static str {
    match mark {
        Mark::Declared => "stroke-dasharray:4 3",
        Mark::Ready => "stroke:#1a7f37",
        Mark::Working => "stroke:#0969da",
        Mark::Doubtful => "stroke:#9a6700",
        Mark::Undeclared => "stroke:#cf222e",
    }
}

/// Mermaid has one escape, `#code;`, read before all else. A colon could be taken for a style's.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            ' ' | '-' | '_' | '.' | '/' | ',' => escaped.push(c),
            c if c.is_alphanumeric() => escaped.push(c),
            c if c.is_ascii() => escaped.push_str(&format!("#{};", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}
