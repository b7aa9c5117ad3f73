//! A check as annotations of a GitHub workflow, each at the declaration it is about.

use std::fmt::Write as _;
use std::path::Path;

use super::one_line;
use crate::commands::{Checked, Finding, Matter};

/// One command for each finding (workflow commands, docs.github.com): what disagrees is an error, what could not be asked
/// a warning. What is not declared stands at the top of the configuration; `seen` is how GitHub sees a path.
pub(super) fn annotations(checked: &Checked, configuration: &Path, seen: impl Fn(&Path) -> String) -> String {
    let mut text = String::new();
    for compared in &checked.instances {
        for Finding { matter, detail } in &compared.findings {
            let command = if *matter == Matter::Unknown { "warning" } else { "error" };
            let place = compared.place.as_ref();
            let file = seen(place.map_or(configuration, |place| &place.path));
            let place = place.map(|place| format!(",line={},col={}", place.line, place.column));
            let title = property(&format!("sutler: {} is {}", compared.reference, matter.word()));
            let message = data(&format!("{}: {}", compared.reference, one_line(detail)));
            let _ = writeln!(
                text,
                "::{command} file={}{},title={title}::{message}",
                property(&file),
                place.unwrap_or_default()
            );
        }
    }
    let _ = writeln!(
        text,
        "{} of {} instances are as declared, recorded and live.",
        checked.agreeing(),
        checked.instances.len()
    );
    text
}

/// The message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_peer_begins_another_command() {
        assert_eq!(data("100% wrong\r\n::error::x"), "100%25 wrong%0D%0A::error::x");
        assert_eq!(property("a,b:c%\n"), "a%2Cb%3Ac%25%0A");
    }
}
