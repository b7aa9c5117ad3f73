//! All renderers, against kept files, hostile names and random drawings.

use std::{fs, path::Path};

use super::samples::{edge, node, random, shop};
use super::{Drawing, Mark, dot, mermaid, svg, text};

fn check(file: &str, written: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden-draw").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, written).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, kept, "{} differs; UPDATE_GOLDEN=1 writes it anew", path.display());
}

/// Names as an attacker would choose them.
fn hostile() -> Drawing {
    let names = [
        "\"><script>alert(1)</script>",
        "a]|b}--> n0",
        "two\nlines",
        "\u{202e}txt.exe",
        "back\\slash\\",
        "&lt;#quot;`",
    ];
    let mut drawing = Drawing { title: names.join(" "), ..Drawing::default() };
    for (position, name) in names.iter().enumerate() {
        drawing.nodes.push(node(name, name, name, Mark::Ready));
        if position > 0 {
            drawing.edges.push(edge(position, position - 1, name));
        }
    }
    drawing
}

#[test]
fn the_shop_is_drawn_as_it_always_was() {
    check("shop.txt", &text(&shop()));
    check("shop.dot", &dot(&shop()));
    check("shop.mmd", &mermaid(&shop()));
    check("shop.svg", &svg(&shop()));
}

#[test]
fn hostile_names_stay_names() {
    let drawing = hostile();
    check("hostile.txt", &text(&drawing));
    check("hostile.dot", &dot(&drawing));
    check("hostile.mmd", &mermaid(&drawing));
    check("hostile.svg", &svg(&drawing));
    for written in [text(&drawing), dot(&drawing), mermaid(&drawing), svg(&drawing)] {
        assert!(!written.contains('\u{202e}') && !written.contains("two\nlines"));
    }
    for written in [dot(&drawing), mermaid(&drawing), svg(&drawing)] {
        assert!(!written.contains("<script"));
    }
    let quotes_balance =
        |line: &str| line.replace("\\\\", "").replace("\\\"", "").matches('"').count().is_multiple_of(2);
    assert!(dot(&drawing).lines().all(quotes_balance));
    let inner = |line: &str| line.split('"').nth(1).unwrap_or_default().replace("<br/>", "");
    assert!(
        !mermaid(&drawing)
            .lines()
            .any(|line| inner(line).contains(['[', ']', '<', '>', '|', '\\', '`', '{']))
    );
}

#[test]
fn every_node_and_every_edge_appears_once() {
    for (size, seed) in [(1, 1), (2, 2), (9, 3), (60, 4), (150, 5)] {
        let drawing = random(size, seed);
        let edges = drawing.edges.len();
        let (text, dot, mermaid, svg) = (text(&drawing), dot(&drawing), mermaid(&drawing), svg(&drawing));
        assert_eq!(dot.matches(" -> ").count(), edges);
        assert_eq!(mermaid.matches(" -->").count(), edges);
        assert_eq!(svg.matches("class=\"line\"").count(), edges);
        assert_eq!(svg.matches("class=\"head\"").count(), edges);
        assert_eq!(text.matches("├─ ").count() + text.matches("└─ ").count(), edges);
        for (position, node) in drawing.nodes.iter().enumerate() {
            let name = &node.reference;
            assert_eq!(
                text.matches(&format!("{name}  ")).count(),
                1 + text.matches(&format!("see {name}  ")).count()
            );
            assert_eq!(dot.matches(&format!("  n{position} [")).count(), 1);
            assert_eq!(mermaid.matches(&format!("  n{position}[")).count(), 1);
            assert_eq!(svg.matches(&format!(">{name}</text>")).count(), 1);
        }
    }
}

#[test]
fn five_hundred_nodes_are_drawn_at_once() {
    for drawing in [random(500, 6), hub(500), chain(500)] {
        let started = std::time::Instant::now();
        assert_eq!(svg(&drawing).matches("class=\"node ").count(), 500);
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
        text(&drawing);
    }
}

#[test]
fn nothing_to_draw_is_said() {
    let nothing = Drawing { title: "Stack shop".to_owned(), ..Drawing::default() };
    assert_eq!(text(&nothing), "Stack shop\n(nothing)\n");
    assert!(svg(&nothing).contains("Nothing is declared."));
}

#[test]
fn edges_that_lead_nowhere_are_left_out() {
    let mut drawing = shop();
    let sound = [text(&drawing), dot(&drawing), mermaid(&drawing), svg(&drawing)];
    drawing.edges.extend([edge(0, 99, ""), edge(99, 0, ""), edge(1, 1, "")]);
    assert_eq!([text(&drawing), dot(&drawing), mermaid(&drawing), svg(&drawing)], sound);
}

fn unlinked(size: usize) -> Drawing {
    let nodes = (0..size).map(|position| node(&format!("node-{position}"), "service", "broker", Mark::Ready));
    Drawing { title: "Many".to_owned(), nodes: nodes.collect(), edges: Vec::new() }
}

/// One producer, everyone else its consumer.
fn hub(size: usize) -> Drawing {
    Drawing { edges: (1..size).map(|consumer| edge(consumer, 0, "uri")).collect(), ..unlinked(size) }
}

fn chain(size: usize) -> Drawing {
    Drawing { edges: (1..size).map(|consumer| edge(consumer, consumer - 1, "")).collect(), ..unlinked(size) }
}
