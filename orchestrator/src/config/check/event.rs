//! Who is told what happened.

use url::Url;

use super::Gather;
use super::broker::is_loopback;
use crate::config::{
    EventsConfig, SecretSource, Source, WebhookConfig,
    file::{EventsFile, SecretFile, SecretForm},
    problem::{At, Finding},
};
use crate::name::{InstanceRef, NameError};

/// Listeners; those with something wrong are left out.
pub(super) fn events(file: Option<EventsFile>, source: &Source, gather: &mut Gather) -> EventsConfig {
    let Some(file) = file else { return EventsConfig::default() };
    if file.file.as_deref() == Some("") {
        let finding = Finding::new("events: file names no file").at(At::value(&["events", "file"]));
        gather.add(finding.help("write file: events.jsonl, or leave it out"));
    }
    let mut webhooks: Vec<WebhookConfig> = Vec::with_capacity(file.webhooks.0.len());
    for (name, webhook) in file.webhooks.0 {
        let checked = InstanceRef::new(&name).map_err(|error| NameError { kind: "webhook name", ..error });
        gather.name(checked, || At::key(&["events", "webhooks", &name]));
        if webhooks.iter().any(|other| other.name == name) {
            gather.duplicates = true;
        }
        let url = address(&name, &webhook.url, gather);
        let local = url.as_ref().is_none_or(is_loopback);
        let secret = secret(&name, (webhook.secret, local), source, gather);
        if let (Some(url), Some(secret)) = (url, secret) {
            webhooks.push(WebhookConfig { name, url, secret });
        }
    }
    EventsConfig { file: file.file.map(|path| source.resolve(path.as_ref())), webhooks }
}

fn refuse((name, key): (&str, &str), what: &str, help: &str, gather: &mut Gather) {
    let finding = Finding::new(format!("webhook '{name}': {what}"));
    gather.add(finding.at(At::value(&["events", "webhooks", name, key])).help(help));
}

fn address(name: &str, text: &str, gather: &mut Gather) -> Option<Url> {
    let parsed = Url::parse(text);
    let problem = match &parsed {
        Err(_) => "the address is not a URL",
        Ok(url) if !matches!(url.scheme(), "http" | "https") => "the address is neither http nor https",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => "the address holds credentials",
        Ok(url) if url.scheme() == "http" && !is_loopback(url) => {
            "events would travel over plain http, beyond this machine"
        }
        Ok(_) => return parsed.ok(),
    };
    refuse((name, "url"), problem, "write it like https://events.example.org/sutler", gather);
    None
}

fn secret(
    name: &str,
    (form, local): (SecretForm, bool),
    source: &Source,
    gather: &mut Gather,
) -> Option<SecretSource> {
    let file = SecretFile::from(form);
    match (file.env, file.file, file.literal) {
        (Some(name), None, None) if !name.is_empty() && !name.contains(['=', '$', '\0', ' ']) => {
            Some(SecretSource::Environment(name))
        }
        (None, Some(path), None) if !path.is_empty() => {
            Some(SecretSource::File(source.resolve(path.as_ref())))
        }
        (None, None, Some(secret)) if local => {
            let message = "a secret is written in the file; use { env: NAME } or { file: PATH }";
            gather.warnings.push(format!("webhook '{name}': {message}"));
            Some(SecretSource::Literal(secret))
        }
        _ => {
            let what = "its secret comes from exactly one of env and file";
            refuse((name, "secret"), what, "write { env: NAME } or { file: PATH }", gather);
            None
        }
    }
}
