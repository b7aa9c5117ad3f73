//! Where state lives.

use super::Gather;
use crate::{
    config::{
        Source, StateUrl,
        problem::{At, Finding},
    },
    nearest::nearest,
};

const WORKS: &str = "write sqlite:PATH, or memory: for a state that is not kept";

/// Where state lives; `sqlite:.sutler/state.db` when nothing is written.
pub(super) fn state(text: Option<&str>, source: &Source, gather: &mut Gather) -> Option<StateUrl> {
    let text = text.unwrap_or("sqlite:.sutler/state.db");
    let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
    let message = match scheme {
        "sqlite" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if !path.is_empty() && !path.contains(['?', '\0']) {
                return Some(StateUrl::Sqlite(source.resolve(path.as_ref())));
            }
            "state: sqlite: needs the path of a file, without options".to_owned()
        }
        "memory" if rest.is_empty() => return Some(StateUrl::Memory),
        "memory" => "state: memory: takes nothing after the colon".to_owned(),
        "postgres" | "postgresql" | "s3" => format!("state: {scheme}:// is not in this version"),
        _ => "state is not the address of a state".to_owned(),
    };
    let mut finding = Finding::new(message).at(At::value(&["state"])).help(WORKS);
    if let Some(near) = nearest(scheme, ["sqlite", "memory"]).filter(|near| *near != scheme) {
        finding = finding.help(format!("did you mean '{near}:'? {WORKS}"));
    }
    gather.add(finding);
    None
}
