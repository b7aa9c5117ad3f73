//! The code of the tutorial is code that compiles and is tested, and what it says to type is typed.

use std::fs;

use sutler_tests::world::Binaries;

/// Each block of code names the file, or the part of one, that it is. `UPDATE_GOLDEN=1` copies them anew.
#[test]
fn the_code_of_the_tutorial_is_that_of_the_template() {
    let path = Binaries::workspace().join("docs/adding-a-service.md");
    let tutorial = fs::read_to_string(&path).expect("readable");
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
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &fresh).expect("writable");
    }
    assert!(
        tutorial == fresh || std::env::var_os("UPDATE_GOLDEN").is_some(),
        "docs/adding-a-service.md shows other code than its files; if that is intended: UPDATE_GOLDEN=1 cargo test"
    );
}

/// A file, or what stands in it between the comments `ANCHOR: NAME` and `ANCHOR_END: NAME`.
fn part(named: &str) -> String {
    let (file, anchor) = named.split_once(' ').map_or((named, None), |(file, anchor)| (file, Some(anchor)));
    let path = Binaries::workspace().join(file);
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let Some(anchor) = anchor else { return text };
    let begins = format!("// ANCHOR: {anchor}");
    let mut lines = text.lines().skip_while(|line| *line != begins);
    assert!(lines.next().is_some(), "{file} has no part {anchor}");
    let ends = format!("// ANCHOR_END: {anchor}");
    lines.take_while(|line| line.trim() != ends).flat_map(|line| [line, "\n"]).collect()
}

/// Whoever copies the folder, as the tutorial says, has nothing in it that needs our tree: only the paths of the crates,
/// which the tutorial changes.
#[test]
fn the_template_can_be_copied_out_of_the_tree() {
    let folder = Binaries::workspace().join("docs/examples/broker-template");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("readable");
    assert!(!manifest.contains("workspace = true"), "a copy has no workspace");
    let tutorial =
        fs::read_to_string(Binaries::workspace().join("docs/adding-a-service.md")).expect("readable");
    assert!(
        tutorial.contains(r#"sed -i 's#"../../../#"../sutler/#' Cargo.toml"#),
        "the tutorial moves the paths"
    );
    let mut folders = vec![folder.join("src"), folder.join("tests")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("readable");
            assert!(!text.contains("../.."), "{} reaches out of the template", path.display());
        }
    }
}
