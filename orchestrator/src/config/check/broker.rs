//! Brokers: addresses, credentials, limits.

use std::{num::NonZeroUsize, time::Duration};

use indexmap::IndexMap;
use url::{Host, Url};

use super::Gather;
use crate::{
    config::{
        Authentication, BrokerConfig, OnAmbiguous, SecretSource, Source,
        file::{AuthenticationFile, BrokerFile, SecretFile, SecretForm},
        problem::{At, Finding},
        strict::Entries,
    },
    name::BrokerName,
};

/// Every broker by name; without a meaning where something is wrong with it, so that its name is known all the same.
pub(super) type Brokers = IndexMap<BrokerName, Option<BrokerConfig>>;

pub(super) fn brokers(file: Entries<BrokerFile>, source: &Source, gather: &mut Gather) -> Brokers {
    let mut brokers = Brokers::new();
    if file.0.is_empty() {
        let help = "brokers: { edge: { url: http://127.0.0.1:8080, auth: … } }";
        gather.add(Finding::new("no broker is declared").at(At::key(&["brokers"])).help(help));
    }
    for (name, broker) in file.0 {
        let meaning = Check { name: &name, source, gather }.broker(broker);
        let at = || At::key(&["brokers", &name]);
        let Some(checked) = gather.name(BrokerName::new(&name), at) else { continue };
        if brokers.insert(checked, meaning).is_some() {
            gather.duplicates = true;
        }
    }
    brokers
}

struct Check<'c> {
    name: &'c str,
    source: &'c Source,
    gather: &'c mut Gather,
}

impl Check<'_> {
    fn broker(&mut self, file: BrokerFile) -> Option<BrokerConfig> {
        let url = self.url(&file.url);
        let is_loopback = url.as_ref().is_none_or(is_loopback);
        let is_plain = url.as_ref().is_some_and(|url| url.scheme() == "http");
        if is_plain && !is_loopback {
            self.plain(file.auth.is_some());
        }
        let authentication = self.authentication(file.auth, is_loopback);
        let call_timeout = self.timeout(file.timeout);
        let parallelism = file.parallelism.map(|number| {
            let number = usize::try_from(number).ok().and_then(NonZeroUsize::new);
            if number.is_none() {
                self.refuse(
                    &["parallelism"],
                    "parallelism has to be at least 1",
                    "leave it out for no limit",
                );
            }
            number.map(NonZeroUsize::get)
        });
        let on_ambiguous = file.on_ambiguous.as_deref().and_then(|word| self.on_ambiguous(word));
        if file.ca.as_deref() == Some("") {
            self.refuse(&["ca"], "ca names no file", "leave it out to trust the system's certificates");
        }
        Some(BrokerConfig {
            url: url?,
            authentication: authentication?,
            certificate_authority: file.ca.map(|path| self.source.resolve(path.as_ref())),
            parallelism: parallelism.flatten(),
            call_timeout: call_timeout?,
            on_ambiguous,
        })
    }

    fn on_ambiguous(&mut self, word: &str) -> Option<OnAmbiguous> {
        let meaning = OnAmbiguous::parse(word);
        if meaning.is_none() {
            let message = format!("on_ambiguous is '{word}', which means nothing");
            self.refuse(&["on_ambiguous"], &message, "write resume, mitigate or pause");
        }
        meaning
    }

    fn refuse(&mut self, field: &[&str], message: &str, help: &str) {
        let keys: Vec<&str> = ["brokers", self.name].into_iter().chain(field.iter().copied()).collect();
        let message = format!("broker '{}': {message}", self.name);
        self.gather.add(Finding::new(message).at(At::value(&keys)).help(help));
    }

    fn url(&mut self, text: &str) -> Option<Url> {
        const EXAMPLE: &str = "write it like https://broker.example.org or http://127.0.0.1:8080";
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(error) => {
                self.refuse(&["url"], &format!("the address is not a URL: {error}"), EXAMPLE);
                return None;
            }
        };
        let problem = if !matches!(url.scheme(), "http" | "https") {
            Some("the address is neither http nor https")
        } else if !url.username().is_empty() || url.password().is_some() {
            self.refuse(&["url"], "the address holds credentials", "put them under auth");
            return None;
        } else if url.query().is_some() || url.fragment().is_some() {
            Some("the address has a '?' or '#' part, which a base address cannot have")
        } else {
            None
        };
        problem.map_or(Some(url), |problem| {
            self.refuse(&["url"], problem, EXAMPLE);
            None
        })
    }

    /// Credentials never travel in clear (S-10).
    fn plain(&mut self, with_credentials: bool) {
        if with_credentials {
            let message = "credentials would travel over plain http, beyond this machine";
            self.refuse(&["url"], message, "use https");
        } else {
            self.gather.warnings.push(format!(
                "broker '{}' is reached over plain http: what it hands out can be read on the way",
                self.name
            ));
        }
    }

    fn authentication(
        &mut self,
        file: Option<AuthenticationFile>,
        is_loopback: bool,
    ) -> Option<Authentication> {
        let Some(file) = file else { return Some(Authentication::None) };
        match (file.basic, file.bearer) {
            (Some(basic), None) => {
                let password = self.secret(&["auth", "basic", "password"], basic.password, is_loopback);
                let is_user = !basic.username.is_empty()
                    && !basic.username.contains(|c: char| c == ':' || c.is_control());
                if !is_user {
                    let message = "the user name is empty or holds a ':', which HTTP Basic cannot carry";
                    self.refuse(
                        &["auth", "basic", "username"],
                        message,
                        "ask the broker's operator for another",
                    );
                    return None;
                }
                Some(Authentication::Basic { username: basic.username, password: password? })
            }
            (None, Some(bearer)) => {
                self.secret(&["auth", "bearer"], bearer, is_loopback).map(Authentication::Bearer)
            }
            _ => {
                let help = "leave auth out if the broker asks for none";
                self.refuse(&["auth"], "auth has to hold either basic or bearer", help);
                None
            }
        }
    }

    fn secret(&mut self, field: &[&str], form: SecretForm, is_loopback: bool) -> Option<SecretSource> {
        let file = SecretFile::from(form);
        const HELP: &str = "write { env: NAME } or { file: PATH }";
        match (file.env, file.file, file.literal) {
            (Some(name), None, None) => {
                let is_name = !name.is_empty()
                    && !name.contains(|c: char| c == '=' || c == '$' || c.is_control() || c.is_whitespace());
                if is_name {
                    return Some(SecretSource::Environment(name));
                }
                self.refuse(field, "env is not the name of an environment variable", HELP);
            }
            (None, Some(path), None) if !path.is_empty() => {
                return Some(SecretSource::File(self.source.resolve(path.as_ref())));
            }
            (None, None, Some(secret)) if is_loopback => {
                let message = "a secret is written in the file; use { env: NAME } or { file: PATH }";
                self.gather.warnings.push(format!("broker '{}': {message}", self.name));
                return Some(SecretSource::Literal(secret));
            }
            (None, None, Some(_)) => {
                self.refuse(
                    field,
                    "a secret is written in the file; only brokers on loopback take that",
                    HELP,
                );
            }
            _ => self.refuse(field, "a secret comes from exactly one of env and file", HELP),
        }
        None
    }

    fn timeout(&mut self, text: Option<String>) -> Option<Option<Duration>> {
        let Some(text) = text else { return Some(None) };
        let parsed = duration(&text).filter(|duration| !duration.is_zero());
        if parsed.is_none() {
            self.refuse(&["timeout"], "timeout is not a duration", "write it like 500ms, 30s, 5m or 1h");
        }
        parsed.map(Some)
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A number and a unit: `500ms`, `30s`, `5m`, `1h`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    match &text[digits..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}
