//! What a stage has for itself: a stack's name and a place for its state, so that no two share a state by accident.

use url::Url;

use super::{Desk, stage::Stage};
use crate::config::{
    problem::{At, Finding},
    tree::{Entry, Kind},
};

impl Desk {
    /// The configuration with name and place of the stage, where the stage does not say them itself. `laid_over` is the
    /// name without it.
    pub(super) fn own_place(&mut self, root: usize, stage: &Stage, laid_over: Option<&str>) -> usize {
        let mut entries = self.tree.entries(root).to_vec();
        let own_name = self.said_by(stage, "stack");
        if let Some(stack) = entries.iter_mut().find(|entry| entry.key == "stack")
            && let Some(text) = self.tree.text(stack.value).map(str::to_owned)
        {
            match own_name {
                None => {
                    let span = self.tree.node(stack.value).span.clone();
                    stack.value = self.tree.grow(span, Kind::Text(format!("{text}-{}", stage.name)));
                }
                Some(own) if laid_over == Some(text.as_str()) => {
                    let message = "a stage cannot have the name of the stack that it is laid over";
                    let at = At::Span(own.key_span.clone());
                    let help = format!("leave it out, and it is called {text}-{}", stage.name);
                    self.findings.push(Finding::new(message).at(at).help(help));
                }
                Some(_) => {}
            }
        }
        if self.said_by(stage, "state").is_none() {
            entries.retain(|entry| {
                entry.key != "state" || !matches!(self.tree.node(entry.value).kind, Kind::Null)
            });
            match entries.iter_mut().find(|entry| entry.key == "state") {
                Some(state) => {
                    let place = self.tree.text(state.value).and_then(|text| beside(text, &stage.name));
                    if let Some(place) = place {
                        let span = self.tree.node(state.value).span.clone();
                        state.value = self.tree.grow(span, Kind::Text(place));
                    }
                }
                None => {
                    let text = format!("sqlite:.sutler/{}.db", stage.name);
                    let value = self.tree.grow(0..0, Kind::Text(text));
                    entries.push(Entry { key: "state".to_owned(), key_span: 0..0, value });
                }
            }
        }
        let span = self.tree.node(root).span.clone();
        self.tree.grow(span, Kind::Map(entries))
    }

    /// What a stage says itself. Nothing and `null` are no name and no place.
    fn said_by(&self, stage: &Stage, key: &str) -> Option<Entry> {
        let said = self.tree.entry(stage.root, key)?;
        (!matches!(self.tree.node(said.value).kind, Kind::Null)).then(|| said.clone())
    }

    /// Sinks of the configuration that the stage leaves as they are, so that both keep the same file. What was put
    /// together of variables came after `before`.
    pub(super) fn shared_sinks(&self, root: usize, before: usize, stage: &Stage) -> Vec<String> {
        let Some(sinks) = self.tree.entry(root, "sinks") else { return Vec::new() };
        let own = self.files.at(self.tree.node(stage.root).span.start).map(|(start, _)| start);
        let is_shared = |number: usize| {
            let file = self.files.at(self.tree.node(number).span.start).map(|(start, _)| start);
            number < before && file != own
        };
        let mut shared = Vec::new();
        for sink in self.tree.entries(sinks.value) {
            for key in ["dotenv", "json", "kubernetes"] {
                let Some(file) = self.tree.entry(sink.value, key).filter(|file| is_shared(file.value)) else {
                    continue;
                };
                let path = self.tree.text(file.value).unwrap_or_default();
                shared.push(format!(
                    "sink '{}' keeps the same file with and without the stage '{}': {path}; name another one in {}",
                    sink.key,
                    stage.name,
                    stage.path.display()
                ));
            }
        }
        shared
    }
}

/// A place beside another one, for a stage; nothing where the stack's name tells places apart already.
fn beside(state: &str, stage: &str) -> Option<String> {
    if let Some(path) = state.strip_prefix("sqlite:") {
        let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
        let slash = if path.contains('/') { "/" } else { "" };
        let file = match file.rsplit_once('.') {
            Some(("state", ending)) => format!("{stage}.{ending}"),
            Some((stem, ending)) if !stem.is_empty() => format!("{stem}-{stage}.{ending}"),
            _ => format!("{file}-{stage}"),
        };
        return Some(format!("sqlite:{folder}{slash}{file}"));
    }
    if let Some(rest) = state.strip_prefix("s3://") {
        let (path, options) =
            rest.split_once('?').map_or((rest, None), |(path, options)| (path, Some(options)));
        let options = options.map_or(String::new(), |options| format!("?{options}"));
        return Some(format!("s3://{}/{stage}{options}", path.trim_end_matches('/')));
    }
    let mut url = Url::parse(state).ok().filter(|url| url.scheme().starts_with("postgres"))?;
    let options: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let schema = options.iter().any(|(name, _)| name == "schema");
    if !schema {
        return None;
    }
    let stage = stage.replace('-', "_");
    let changed = options.iter().map(|(name, value)| match name.as_str() {
        "schema" => (name.clone(), format!("{value}_{stage}")),
        _ => (name.clone(), value.clone()),
    });
    url.query_pairs_mut().clear().extend_pairs(changed);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_a_place_beside_that_of_the_configuration() {
        for (state, place) in [
            ("sqlite:.sutler/state.db", Some("sqlite:.sutler/prod.db")),
            ("sqlite:shop.db", Some("sqlite:shop-prod.db")),
            ("sqlite:/var/lib/shop", Some("sqlite:/var/lib/shop-prod")),
            ("s3://states/shop?region=eu", Some("s3://states/shop/prod?region=eu")),
            ("postgres://ada@db/states", None),
            ("postgres://ada@db/states?schema=shop", Some("postgres://ada@db/states?schema=shop_prod")),
            ("memory:", None),
        ] {
            assert_eq!(beside(state, "prod").as_deref(), place, "{state}");
        }
    }
}
