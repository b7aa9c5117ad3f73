//! What is written about the broker is what it is. `UPDATE_GOLDEN=1 cargo test` writes it.

use std::{fs, path::Path};

use acme_broker::offering::offering;

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
