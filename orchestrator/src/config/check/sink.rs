//! Where credentials land.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::Gather;
use super::broker::duration;
use crate::{
    config::{
        Dialect, Sealing, SecretManifest, SinkConfig, SinkKind, Source,
        file::SinkFile,
        problem::{At, Finding},
        strict::Entries,
    },
    name::{InstanceRef, NameError},
    nearest::{listed, nearest},
};

const KINDS: [&str; 4] = ["dotenv", "json", "kubernetes", "command"];
const PATIENCE: Duration = Duration::from_secs(30);
const BINDING: &str = "sutler";

/// Where credentials land. No two sinks keep the same file.
pub(super) fn sinks(
    (file, stack): (Entries<SinkFile>, &str),
    source: &Source,
    gather: &mut Gather,
) -> Vec<SinkConfig> {
    let mut sinks: Vec<SinkConfig> = Vec::with_capacity(file.0.len());
    for (name, sink) in file.0 {
        let checked = InstanceRef::new(&name).map_err(|error| NameError { kind: "sink name", ..error });
        gather.name(checked, || At::key(&["sinks", &name]));
        if sinks.iter().any(|other| other.name == name) {
            gather.duplicates = true;
        }
        let mut check = Check { name: &name, stack, source, gather: &mut *gather };
        let Some(kind) = check.kind(&sink) else { continue };
        let sealing = check.sealing(&sink, &kind);
        check.same_file(&kind, &sinks);
        sinks.push(SinkConfig { name, kind, sealing });
    }
    sinks
}

struct Check<'c> {
    name: &'c str,
    stack: &'c str,
    source: &'c Source,
    gather: &'c mut Gather,
}

impl Check<'_> {
    fn refuse(&mut self, key: &str, what: &str, help: impl Into<String>) {
        let message = format!("sink '{}': {what}", self.name);
        self.gather.add(Finding::new(message).at(At::value(&["sinks", self.name, key])).help(help));
    }

    fn kind(&mut self, sink: &SinkFile) -> Option<SinkKind> {
        let there =
            [sink.dotenv.is_some(), sink.json.is_some(), sink.kubernetes.is_some(), sink.command.is_some()];
        let kinds: Vec<&str> =
            KINDS.into_iter().zip(there).filter_map(|(kind, there)| there.then_some(kind)).collect();
        let [kind] = kinds.as_slice() else {
            let what = if kinds.is_empty() { "does not say what it is" } else { "is several things at once" };
            let message = format!("sink '{}' {what}", self.name);
            let finding = Finding::new(message).at(At::key(&["sinks", self.name]));
            self.gather.add(finding.help(format!("exactly one of these is wanted: {}", listed(KINDS))));
            return None;
        };
        self.refuse_strangers(kind, sink);
        Some(match *kind {
            "dotenv" => {
                let path = self.file("dotenv", sink.dotenv.as_deref());
                SinkKind::Dotenv { path, dialect: self.dialect(sink.dialect.as_deref()) }
            }
            "json" => SinkKind::Json { path: self.file("json", sink.json.as_deref()) },
            "kubernetes" => SinkKind::Kubernetes {
                path: self.file("kubernetes", sink.kubernetes.as_deref()),
                secret: self.secret(sink),
            },
            _ => self.command(sink),
        })
    }

    /// Keys that belong to another kind of sink.
    fn refuse_strangers(&mut self, kind: &str, sink: &SinkFile) {
        for (key, there, owners) in [
            ("sealed", sink.sealed.is_some(), &KINDS[..3]),
            ("recipient", sink.recipient.is_some(), &KINDS[..2]),
            ("dialect", sink.dialect.is_some(), &KINDS[..1]),
            ("secret", sink.secret.is_some(), &KINDS[2..3]),
            ("namespace", sink.namespace.is_some(), &KINDS[2..3]),
            ("type", sink.kind.is_some(), &KINDS[2..3]),
            ("provider", sink.provider.is_some(), &KINDS[2..3]),
            ("timeout", sink.timeout.is_some(), &KINDS[3..]),
        ] {
            if there && !owners.contains(&kind) {
                let help = format!("remove it; it belongs to {}", listed(owners.iter().copied()));
                self.refuse(key, &format!("a {kind} sink has no '{key}'"), help);
            }
        }
    }

    fn file(&mut self, key: &str, path: Option<&str>) -> PathBuf {
        let path = path.unwrap_or_default();
        if path.is_empty() || path.contains('\0') {
            self.refuse(key, &format!("{key} names no file"), format!("write it like {key}: .env"));
        }
        self.source.resolve(path.as_ref())
    }

    fn dialect(&mut self, text: Option<&str>) -> Dialect {
        match text {
            None | Some("dotenv") => Dialect::Dotenv,
            Some("docker") => Dialect::Docker,
            Some("shell") => Dialect::Shell,
            Some(other) => {
                let known = ["dotenv", "docker", "shell"];
                let help = match nearest(other, known) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("there are: {}", listed(known)),
                };
                self.refuse("dialect", "there is no such dialect", help);
                Dialect::Dotenv
            }
        }
    }

    fn secret(&mut self, sink: &SinkFile) -> SecretManifest {
        let default = || {
            let name = format!("{}-{}", self.stack, self.name).to_lowercase().replace('_', "-");
            name.trim_matches('-').chars().take(253).collect()
        };
        let secret = SecretManifest {
            name: sink.secret.clone().unwrap_or_else(default),
            namespace: sink.namespace.clone(),
            kind: sink.kind.clone().unwrap_or_else(|| BINDING.to_owned()),
            provider: sink.provider.clone().unwrap_or_else(|| BINDING.to_owned()),
        };
        let lower =
            "write lower-case letters, digits and hyphens, beginning and ending with a letter or digit";
        if !is_dns(&secret.name, 253, b"-.") {
            self.refuse("secret", "the Secret's name is none that Kubernetes takes", lower);
        }
        if secret.namespace.as_ref().is_some_and(|namespace| !is_dns(namespace, 63, b"-")) {
            self.refuse("namespace", "the namespace is none that Kubernetes takes", lower);
        }
        for (key, text) in [("type", &secret.kind), ("provider", &secret.provider)] {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
            if !begins || text.len() > 63 || !text.bytes().all(fits) {
                let what = format!("{key} is not the {key} of a service binding");
                self.refuse(key, &what, "write letters, digits, dots and hyphens");
            }
        }
        secret
    }

    fn command(&mut self, sink: &SinkFile) -> SinkKind {
        let words = sink.command.clone().unwrap_or_default();
        if words.first().is_none_or(String::is_empty) || words.iter().any(|word| word.contains('\0')) {
            self.refuse("command", "command names no program", "write it like command: [./keep-secrets]");
        }
        let patience = match sink.timeout.as_deref() {
            None => PATIENCE,
            Some(text) => duration(text).filter(|time| !time.is_zero()).unwrap_or_else(|| {
                self.refuse("timeout", "timeout is not a duration", "write it like 500ms, 30s or 5m");
                PATIENCE
            }),
        };
        let folder = self.source.resolve(Path::new(""));
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        let ledger = folder.join(".sutler/sinks").join(format!("{}-{}.json", self.stack, self.name));
        SinkKind::Command { words, folder, patience, ledger }
    }

    fn sealing(&mut self, sink: &SinkFile, kind: &SinkKind) -> Sealing {
        match kind {
            SinkKind::Command { .. } => return Sealing::Clear,
            SinkKind::Kubernetes { .. } if sink.sealed != Some(false) => {
                self.refuse(
                    "sealed",
                    "Kubernetes reads values in clear, so the file holds them in clear",
                    "write sealed: false to say so, and keep the file out of version control",
                );
                return Sealing::Clear;
            }
            _ => {}
        }
        match (sink.sealed, sink.recipient.as_deref()) {
            (Some(false), Some(_)) => {
                self.refuse(
                    "recipient",
                    "nothing is sealed, so there is nobody to seal for",
                    "remove one of sealed and recipient",
                );
                Sealing::Clear
            }
            (Some(false), None) => Sealing::Clear,
            (_, Some(_)) => Sealing::SealedFor(self.file("recipient", sink.recipient.as_deref())),
            (_, None) => Sealing::Sealed,
        }
    }

    fn same_file(&mut self, kind: &SinkKind, sinks: &[SinkConfig]) {
        let Some(path) = kind.path() else { return };
        for other in sinks {
            if other.name != self.name && other.kind.path().is_some_and(|taken| plain(path).eq(plain(taken)))
            {
                let message = format!("the sinks '{}' and '{}' keep the same file", other.name, self.name);
                let finding = Finding::new(message)
                    .at(At::value(&["sinks", self.name, key(kind)]))
                    .related(At::value(&["sinks", &other.name, key(&other.kind)]), "first here");
                self.gather.add(finding.help("give one of them another file"));
            }
        }
    }
}

fn key(kind: &SinkKind) -> &'static str {
    match kind {
        SinkKind::Dotenv { .. } => KINDS[0],
        SinkKind::Json { .. } => KINDS[1],
        SinkKind::Kubernetes { .. } => KINDS[2],
        SinkKind::Command { .. } => KINDS[3],
    }
}

fn is_dns(text: &str, longest: usize, between: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(letter) && text.bytes().last().is_some_and(letter);
    ends && text.len() <= longest && text.bytes().all(|byte| letter(byte) || between.contains(&byte))
}

fn plain(path: &Path) -> impl Iterator<Item = Component<'_>> {
    path.components().filter(|component| *component != Component::CurDir)
}
