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
    let message = match place::state(text, stack, source) {
        Ok(url) => return Some(url),
        Err(message) => message,
    };
    let scheme = text.split_once(':').map_or(text, |(scheme, _)| scheme);
    let mut finding = Finding::new(message).at(At::value(&["state"])).help(WORKS);
    if let Some(near) = nearest(scheme, ["sqlite", "postgres", "s3", "memory"]).filter(|near| *near != scheme)
    {
        finding = finding.help(format!("did you mean '{near}:'? {WORKS}"));
    }
    gather.add(finding);
    None
}
