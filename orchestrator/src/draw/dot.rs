//! For Graphviz.

use super::{Drawing, Mark, Protection, label};

/// The drawing in the DOT language.
pub fn dot(drawing: &Drawing) -> String {
    let mut written = format!(
        "digraph sutler {{\n  label={};\n  labelloc=t;\n  rankdir=TB;\n  \
         node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  \
         edge [fontname=\"sans-serif\", fontsize=10];\n",
        quoted(&[label::visible(&drawing.title)])
    );
    for (position, node) in drawing.nodes.iter().enumerate() {
        let lines = quoted(&[node.name(), node.detail(), node.standing()]);
        let style = if node.mark == Mark::Declared { ", style=\"rounded,dashed\"" } else { "" };
        let border = if node.protected == Protection::Protected { ", penwidth=2.5" } else { "" };
        written.push_str(&format!("  n{position} [label={lines}{style}{border}];\n"));
    }
    for (_, edge) in drawing.sound_edges() {
        let label = edge.keys().map(|keys| format!(" [label={}]", quoted(&[keys]))).unwrap_or_default();
        written.push_str(&format!("  n{} -> n{}{label};\n", edge.producer, edge.consumer));
    }
    written.push_str("}\n");
    written
}

/// A quoted string of several lines. Graphviz reads backslash sequences and HTML entities in labels.
fn quoted(lines: &[String]) -> String {
    let mut quoted = String::from("\"");
    for (position, line) in lines.iter().enumerate() {
        if position > 0 {
            quoted.push_str("\\n");
        }
        for c in line.chars() {
            match c {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '&' => quoted.push_str("&amp;"),
                '<' => quoted.push_str("&lt;"),
                '>' => quoted.push_str("&gt;"),
                c => quoted.push(c),
            }
        }
    }
    quoted + "\""
}
