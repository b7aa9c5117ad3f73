//! What people read, held in files. `UPDATE_GOLDEN=1` writes them anew.

use std::path::PathBuf;

use sutler_tests::world::{Binaries, World};

/// Compares a text with `tests/e2e/golden/NAME.txt`, with everything that differs from run to run replaced.
pub(crate) fn assert_golden(world: &World, name: &str, text: &str) {
    let text = normalized(world, text);
    let path = folder().join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(folder()).expect("writable");
        std::fs::write(&path, &text).expect("writable");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs; UPDATE_GOLDEN=1 writes it anew", path.display());
}

fn folder() -> PathBuf {
    Binaries::workspace().join("tests/e2e/golden")
}

/// Drops log lines; replaces the world's folder, ports, identifiers, times and process numbers.
fn normalized(world: &World, text: &str) -> String {
    let said = text.split_inclusive('\n').filter(|line| !line.starts_with("{\"timestamp\""));
    let mut text = said.collect::<String>().replace(&world.root().display().to_string(), "<root>");
    for broker in world.brokers() {
        text = text.replace(&broker.url(), &format!("<{}>", broker.name()));
    }
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let bare = word.trim_end_matches([' ', '\n', ',', ';', '.', ')']);
        let end = &word[bare.len()..];
        if is_varying(bare) { format!("<…>{end}") } else { word.to_owned() }
    });
    words.collect()
}

/// A UUID, a time, a number of four digits or more, or an address with a port.
fn is_varying(word: &str) -> bool {
    let word = word.trim_start_matches('(');
    let is_uuid = word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
    let is_time = word.len() > 18 && word.starts_with("20") && word.contains('T') && word.ends_with('Z');
    let is_number = word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    is_uuid || is_time || is_number || word.starts_with("http://127.0.0.1:")
}
