//! As a picture of its own: no scripts, no references, readable by day and by night.

use super::layout::{self, Area, BOX_HEIGHT, Layout, Link, Route};
use super::{Drawing, Edge, Mark, Node, Protection, label};

const STYLE: &str = include_str!("svg.css");
/// Around everything.
const MARGIN: f64 = 24.0;
/// For the title, above the boxes.
const HEADING: f64 = 40.0;
const PADDING: f64 = 14.0;
const NAME_SIZE: f64 = 14.0;
const DETAIL_SIZE: f64 = 12.0;
const KEYS_SIZE: f64 = 11.0;

/// The drawing as a stand-alone SVG document.
pub fn svg(drawing: &Drawing) -> String {
    let edges: Vec<&Edge> = drawing.sound_edges().map(|(_, edge)| edge).collect();
    let widths: Vec<f64> = drawing.nodes.iter().map(box_width).collect();
    let links: Vec<Link> = edges
        .iter()
        .map(|edge| Link {
            producer: edge.producer,
            consumer: edge.consumer,
            label_width: keys(edge).map_or(0.0, |keys| label::width(&keys, KEYS_SIZE) + 8.0),
        })
        .collect();
    let layout = layout::layout(&widths, &links);
    let mut written = opening(drawing, &layout, edges.len());
    for (edge, route) in edges.iter().zip(&layout.routes) {
        written.push_str(&edge_path(drawing, edge, route));
    }
    // Above all lines, lest one runs through a label.
    for ((edge, route), link) in edges.iter().zip(&layout.routes).zip(&links) {
        if let (Some(keys), Some(middle)) = (keys(edge), route.label) {
            written.push_str(&edge_keys(&keys, middle, link.label_width));
        }
    }
    for (node, area) in drawing.nodes.iter().zip(&layout.boxes) {
        written.push_str(&node_box(node, area));
    }
    written + "</g>\n</svg>\n"
}

fn opening(drawing: &Drawing, layout: &Layout, edges: usize) -> String {
    let title = escaped(&label::visible(&drawing.title));
    let heading = label::elided(&label::visible(&drawing.title), 60);
    let content = layout.width.max(label::width(&heading, 18.0)).max(160.0);
    let (width, height) = (content + 2.0 * MARGIN, layout.height + 2.0 * MARGIN + HEADING);
    let (width, height) = (width.ceil(), height.ceil());
    let description = match (drawing.nodes.len(), edges) {
        (0, _) => "Nothing is declared.".to_owned(),
        (nodes, 0) => format!("Instances: {nodes}. None needs another."),
        (nodes, edges) => {
            format!("Instances: {nodes}, dependencies: {edges}. Arrows lead from a producer to its consumer.")
        }
    };
    let indent = number(MARGIN);
    let mut written = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sutler\" role=\"img\" \
         width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <title>{title}</title>\n<desc>{description}</desc>\n<style>\n{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n\
         <text class=\"heading\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n\
         <g transform=\"translate({indent} {})\">\n",
        MARGIN + 16.0,
        escaped(&heading),
        MARGIN + HEADING
    );
    if drawing.nodes.is_empty() {
        written.push_str(&format!("<text class=\"detail\" x=\"0\" y=\"8\">{description}</text>\n"));
    }
    written
}

fn name(node: &Node) -> String {
    label::elided(&node.name(), 40)
}

fn detail(node: &Node) -> String {
    label::elided(&node.detail(), 56)
}

fn keys(edge: &Edge) -> Option<String> {
    edge.keys().map(|keys| label::elided(&keys, 32))
}

/// How much the lock takes, left of the name.
fn lock_width(node: &Node) -> f64 {
    if node.protected == Protection::Protected { 18.0 } else { 0.0 }
}

fn box_width(node: &Node) -> f64 {
    // The name is bold; right of it stand the mark's word and shape.
    let mark = label::width(node.mark.word(), DETAIL_SIZE) + 20.0;
    let first = lock_width(node) + label::width(&name(node), NAME_SIZE) * 1.08 + 18.0 + mark;
    let second = label::width(&detail(node), DETAIL_SIZE);
    (first.max(second) + 2.0 * PADDING).ceil()
}

fn node_box(node: &Node, area: &Area) -> String {
    let right = area.width - PADDING;
    let (word, left) = (node.mark.word(), PADDING + lock_width(node));
    let guarded = if node.protected == Protection::Protected { " protected" } else { "" };
    let mut written = format!(
        "<g class=\"node {word}{guarded}\" transform=\"translate({} {})\">\n\
         <title>{}: {}, {}</title>\n\
         <rect class=\"box\" width=\"{}\" height=\"{BOX_HEIGHT}\" rx=\"8\"/>\n",
        number(area.left),
        number(area.top),
        escaped(&node.name()),
        escaped(&node.detail()),
        node.standing(),
        number(area.width)
    );
    if node.protected == Protection::Protected {
        written.push_str(&format!(
            "<path class=\"lock\" d=\"M{PADDING} 20h11v9h-11z\"/>\
             <path class=\"bow\" d=\"M{} 20v-3a3 3 0 0 1 6 0v3\"/>\n",
            PADDING + 2.5
        ));
    }
    written.push_str(&format!(
        "<text class=\"name\" x=\"{left}\" y=\"28\">{}</text>\n\
         <text class=\"word\" x=\"{}\" y=\"28\">{word}</text>\n\
         <path class=\"mark\" transform=\"translate({} 18)\" d=\"{}\"/>\n\
         <text class=\"detail\" x=\"{PADDING}\" y=\"47\">{}</text>\n</g>\n",
        escaped(&name(node)),
        number(right - 17.0),
        number(right - 12.0),
        shape(node.mark),
        escaped(&detail(node))
    ));
    written
}

/// The mark's shape in a square of 12.
fn shape(mark: Mark) -> &'static str {
    match mark {
        Mark::Declared => "M6 1.5a4.5 4.5 0 1 0 .01 0z",
        Mark::Ready => "M1.5 6.5l3 3.5l6-8",
        Mark::Working => "M6 1.5a4.5 4.5 0 1 0 .01 0zM6 3v6M7.5 3.4v5.2M9 4.5v3",
        Mark::Doubtful => "M6 1.5l5 9h-10zM6 5v2.6M6 8.6v.8",
        Mark::Undeclared => "M2 2l8 8M10 2l-8 8",
    }
}

fn edge_path(drawing: &Drawing, edge: &Edge, route: &Route) -> String {
    let Some((first, last)) = route.strides.first().zip(route.strides.last()) else { return String::new() };
    let mut path = format!("M{} {}", number(first.from.0), number(first.from.1));
    for stride in &route.strides {
        let (from, settled) = (stride.from, stride.settled);
        if stride != first {
            path.push_str(&format!("V{}", number(from.1)));
        }
        let middle = number(f64::midpoint(from.1, settled.1));
        let (x, y) = (number(settled.0), number(settled.1));
        path.push_str(&format!("C{} {middle} {x} {middle} {x} {y}", number(from.0)));
    }
    path.push_str(&format!("V{}", number(last.until - 4.0)));
    let keys = edge.keys().map(|keys| format!(": {}", escaped(&keys))).unwrap_or_default();
    format!(
        "<g class=\"edge\">\n<title>{} to {}{keys}</title>\n<path class=\"line\" d=\"{path}\"/>\
         <path class=\"head\" d=\"M{} {}l-4.5 -9h9z\"/>\n</g>\n",
        escaped(&drawing.nodes[edge.producer].name()),
        escaped(&drawing.nodes[edge.consumer].name()),
        number(last.settled.0),
        number(last.until - 1.0)
    )
}

fn edge_keys(keys: &str, (x, y): (f64, f64), width: f64) -> String {
    format!(
        "<rect class=\"keys-paper\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"16\" rx=\"3\"/>\
         <text class=\"keys\" x=\"{}\" y=\"{}\">{}</text>\n",
        number(x - width / 2.0),
        number(y - 8.0),
        number(width),
        number(x),
        number(y + 4.0),
        escaped(keys)
    )
}

/// To a tenth, without a sign on zero.
fn number(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    format!("{}", if tenths == 0.0 { 0.0 } else { tenths })
}

/// For XML, inside elements and attributes alike.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
