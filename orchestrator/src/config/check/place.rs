//! Where state lives and where credentials land.

use std::path::{Component, Path};

use super::Gather;
use crate::{
    config::{
        Sealing, SinkConfig, Source, StateUrl,
        file::SinkFile,
        place,
        problem::{At, Finding},
        strict::Entries,
    },
    name::{InstanceRef, NameError, StackName},
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

/// Where credentials land. No two sinks keep the same file.
pub(super) fn sinks(file: Entries<SinkFile>, source: &Source, gather: &mut Gather) -> Vec<SinkConfig> {
    let mut sinks: Vec<SinkConfig> = Vec::with_capacity(file.0.len());
    for (name, sink) in file.0 {
        let checked = InstanceRef::new(&name).map_err(|error| NameError { kind: "sink name", ..error });
        gather.name(checked, || At::key(&["sinks", &name]));
        let path = source.resolve(sink.dotenv.as_ref());
        if sink.dotenv.is_empty() {
            let finding = Finding::new(format!("sink '{name}': dotenv names no file"));
            gather.add(finding.at(At::value(&["sinks", &name, "dotenv"])).help("write dotenv: .env"));
        }
        for SinkConfig::Dotenv { name: other, path: taken, .. } in &sinks {
            if *other == name {
                gather.duplicates = true;
            } else if plain(&path).eq(plain(taken)) {
                let finding = Finding::new(format!("the sinks '{other}' and '{name}' keep the same file"))
                    .at(At::value(&["sinks", &name, "dotenv"]))
                    .related(At::value(&["sinks", other, "dotenv"]), "first here");
                gather.add(finding.help("give one of them another file"));
            }
        }
        let sealing = if sink.sealed.unwrap_or(true) { Sealing::Sealed } else { Sealing::Clear };
        sinks.push(SinkConfig::Dotenv { name, path, sealing });
    }
    sinks
}

fn plain(path: &Path) -> impl Iterator<Item = Component<'_>> {
    path.components().filter(|component| *component != Component::CurDir)
}
