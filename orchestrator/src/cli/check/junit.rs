//! A check as a JUnit report: a test case for each instance.

use std::fmt::Write as _;

use super::one_line;
use crate::commands::{Checked, Compared, Matter};

/// The report. What disagrees has failed, what could not be asked is an error, what cannot be read is skipped.
pub(super) fn report(checked: &Checked) -> String {
    let has = |compared: &Compared, unknown: bool| {
        compared.findings.iter().any(|finding| (finding.matter == Matter::Unknown) == unknown)
    };
    let cases = &checked.instances;
    let failed = cases.iter().filter(|case| has(case, false)).count();
    let errors = cases.iter().filter(|case| !has(case, false) && has(case, true)).count();
    let skipped = cases.iter().filter(|case| is_skipped(case)).count();
    let counts = format!("tests=\"{}\" failures=\"{failed}\" errors=\"{errors}\"", cases.len());
    let stack = escaped(&checked.stack);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"sutler check\" {counts}>\n  \
         <testsuite name=\"{stack}\" {counts} skipped=\"{skipped}\">\n"
    );
    for case in cases {
        write_case(&mut xml, &stack, case);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// A test case cannot be skipped and fail.
fn is_skipped(case: &Compared) -> bool {
    case.findings.is_empty() && case.not_observable.is_some()
}

fn write_case(xml: &mut String, stack: &str, case: &Compared) {
    let name = escaped(case.reference.as_str());
    let place = case.place.as_ref().map(|place| {
        format!(" file=\"{}\" line=\"{}\"", escaped(&place.path.display().to_string()), place.line)
    });
    let _ = write!(xml, "    <testcase classname=\"{stack}\" name=\"{name}\"{}", place.unwrap_or_default());
    if case.findings.is_empty() && case.not_observable.is_none() {
        xml.push_str("/>\n");
        return;
    }
    xml.push_str(">\n");
    for finding in &case.findings {
        let element = if finding.matter == Matter::Unknown { "error" } else { "failure" };
        let (word, detail) = (finding.matter.word(), escaped(&finding.detail));
        let _ = writeln!(xml, "      <{element} type=\"{word}\" message=\"{detail}\"/>");
    }
    if let Some(why) = case.not_observable.as_ref().filter(|_| is_skipped(case)) {
        let _ = writeln!(xml, "      <skipped message=\"{}\"/>", escaped(why));
    }
    xml.push_str("    </testcase>\n");
}

/// Text for an attribute. Characters that XML 1.0 has no place for are replaced.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_peer_leaves_its_attribute() {
        assert_eq!(
            escaped("a\"/><x y='1'>&\u{1b}[2J\u{0}\r\n\u{ffff}"),
            "a&quot;/&gt;&lt;x y=&apos;1&apos;&gt;&amp;\u{fffd}[2J\u{fffd}\u{fffd} \u{fffd}"
        );
    }
}
