//! For a terminal: a tree, producers above, consumers indented below.

use super::{Drawing, label};

/// What remains to be written, last first.
struct Pending<'a> {
    node: usize,
    /// What the parent's line begins with, continued.
    indent: String,
    /// `├─ `, `└─ ` or, at the top, nothing.
    branch: &'static str,
    keys: Option<&'a str>,
}

/// The drawing as a tree. Each node is written in full once, below its first producer; wherever it is
/// needed again stands `↳ see` with its name. Order is declaration order.
pub fn text(drawing: &Drawing) -> String {
    let mut written = format!("{}\n", label::visible(&drawing.title));
    if drawing.nodes.is_empty() {
        written.push_str("(nothing)\n");
    }
    let mut consumers: Vec<Vec<(usize, Option<&str>)>> = vec![Vec::new(); drawing.nodes.len()];
    let mut roots = vec![true; drawing.nodes.len()];
    for (_, edge) in drawing.sound_edges() {
        consumers[edge.producer].push((edge.consumer, edge.label.as_deref()));
        roots[edge.consumer] = false;
    }
    for list in &mut consumers {
        list.sort_by_key(|(consumer, _)| *consumer);
    }
    let mut shown = vec![false; drawing.nodes.len()];
    // The second round finds nothing, unless a cycle slipped in.
    for everything in [false, true] {
        for (root, _) in roots.iter().enumerate().filter(|(_, is_root)| **is_root || everything) {
            if !shown[root] {
                tree(drawing, &consumers, &mut shown, (root, &mut written));
            }
        }
    }
    written
}

fn tree(
    drawing: &Drawing,
    consumers: &[Vec<(usize, Option<&str>)>],
    shown: &mut [bool],
    (root, written): (usize, &mut String),
) {
    let mut pending = vec![Pending { node: root, indent: String::new(), branch: "", keys: None }];
    while let Some(next) = pending.pop() {
        let first = !std::mem::replace(&mut shown[next.node], true);
        written.push_str(&format!("{}{}{}", next.indent, next.branch, line(drawing, next.node, first)));
        if let Some(keys) = next.keys.filter(|keys| !keys.is_empty()) {
            written.push_str(&format!("  ← {}", label::visible(keys)));
        }
        written.push('\n');
        if !first {
            continue;
        }
        let indent = next.indent
            + match next.branch {
                "├─ " => "│  ",
                "└─ " => "   ",
                _ => "",
            };
        let mut branch = "└─ ";
        for (node, keys) in consumers[next.node].iter().rev() {
            pending.push(Pending { node: *node, indent: indent.clone(), branch, keys: *keys });
            branch = "├─ ";
        }
    }
}

fn line(drawing: &Drawing, node: usize, first: bool) -> String {
    let node = &drawing.nodes[node];
    if first {
        format!("{}  {}  {}", node.name(), node.detail(), node.standing())
    } else {
        format!("↳ see {}", node.name())
    }
}
