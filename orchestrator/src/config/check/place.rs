//! Where state lives.

use super::Gather;
use crate::{
    config::{
        Source, StateUrl, place,
        problem::{At, Finding},
    },
    name::StackName,
    nearest::nearest,
};

const WORKS: &str = "write sqlite:PATH, postgres://USER@HOST/DATABASE, s3://BUCKET/PREFIX, or memory: for a state that is not kept";

/// Where state lives; `sqlite:.sutler/state.db` when nothing is written.
pub(super) fn state(
    text: Option<&str>,
    (stack, source): (Option<&StackName>, &Source),
    gather: &mut Gather,
) -> Option<StateUrl> {
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
        "postgres" | "postgresql" => match place::postgres(text, stack, source) {
            Ok(place) => return Some(StateUrl::Postgres(place)),
            Err(why) => format!("state: {scheme}: {why}"),
        },
        "s3" => match place::bucket(text) {
            Ok(place) => return Some(StateUrl::Bucket(place)),
            Err(why) => format!("state: s3: {why}"),
        },
        _ => "state is not the address of a state".to_owned(),
    };
    let mut finding = Finding::new(message).at(At::value(&["state"])).help(WORKS);
    if let Some(near) = nearest(scheme, ["sqlite", "postgres", "s3", "memory"]).filter(|near| *near != scheme)
    {
        finding = finding.help(format!("did you mean '{near}:'? {WORKS}"));
    }
    gather.add(finding);
    None
}
