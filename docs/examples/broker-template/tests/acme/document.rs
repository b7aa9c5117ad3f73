//! What is written about the broker is what it is. `UPDATE_GOLDEN=1 cargo test` writes it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use acme_broker::offering::offering;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The file has this text; or it gets it, if that is asked for.
pub(crate) fn golden(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, text).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == text,
        "{} differs; if that is intended: UPDATE_GOLDEN=1 cargo test\n{text}",
        path.display()
    );
}

/// The page about the offering is made from its types.
#[test]
fn the_page_about_the_offering_is_fresh() {
    golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("acme-mailbox.md"), &offering().to_markdown());
}

/// The code of the tutorial is code that compiles and is tested: each block names the file, or the part of one, that
/// it is.
#[test]
fn the_code_of_the_tutorial_is_that_of_the_template() {
    let path = root().join("docs/adding-a-service.md");
    let tutorial = fs::read_to_string(&path).unwrap();
    let mut fresh = String::new();
    let mut lines = tutorial.lines();
    let mut source = None;
    while let Some(line) = lines.next() {
        fresh.push_str(line);
        fresh.push('\n');
        if let Some(named) = line.strip_prefix("<!-- from: ").and_then(|rest| rest.strip_suffix(" -->")) {
            source = Some(part(named));
        } else if line.starts_with("```") {
            let old: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let is_rust = line == "```rust";
            match source.take() {
                Some(code) => fresh.push_str(&code),
                None if is_rust => panic!("a block of code does not say where it is from: {old:?}"),
                None => old.iter().for_each(|line| fresh.extend([line, "\n"])),
            }
            fresh.push_str("```\n");
        }
    }
    golden(&path, &fresh);
}

/// A file, or what stands in it between the comments `ANCHOR: NAME` and `ANCHOR_END: NAME`.
fn part(named: &str) -> String {
    let (file, anchor) = named.split_once(' ').map_or((named, None), |(file, anchor)| (file, Some(anchor)));
    let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let Some(anchor) = anchor else { return text };
    let begins = format!("// ANCHOR: {anchor}");
    let mut lines = text.lines().skip_while(|line| *line != begins);
    assert!(lines.next().is_some(), "{file} has no part {anchor}");
    let ends = format!("// ANCHOR_END: {anchor}");
    lines.take_while(|line| line.trim() != ends).flat_map(|line| [line, "\n"]).collect()
}
