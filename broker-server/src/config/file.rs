//! The form of `broker.yaml`, and the way from there to what it means.

use std::{net::SocketAddr, path::Path};

use serde::Deserialize;
use serde_saphyr::Spanned;
use sutler_catalog::Extension;
use sutler_secrets::SecretString;

use super::{
    Config, ConfigError, Credential, DeletedLastOperation, Duration, Limits, MissingVersionHeader, Position,
    Proof, Size, StoreLocation, Tls, Tuning, Validity, Watched,
    secret::SecretSource,
    store::{FileStore, locate},
    telemetry::FileTelemetry,
    vendors::FileVendors,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Spanned<String>,
    management: Option<Spanned<String>>,
    store: Spanned<FileStore>,
    keys: String,
    credentials: Spanned<Vec<Spanned<FileCredential>>>,
    tls: Option<Spanned<FileTls>>,
    #[serde(default)]
    behind_tls_proxy: bool,
    missing_version_header: Option<Spanned<String>>,
    deleted_last_operation: Option<Spanned<u16>>,
    #[serde(default)]
    vendors: FileVendors,
    offerings: Option<Vec<String>>,
    #[serde(default)]
    extensions: Vec<Spanned<String>>,
    #[serde(default)]
    tuning: FileTuning,
    #[serde(default)]
    limits: FileLimits,
    telemetry: Option<FileTelemetry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCredential {
    id: String,
    username: Option<String>,
    password: Option<SecretSource>,
    bearer: Option<SecretSource>,
    not_before: Option<jiff::Timestamp>,
    not_after: Option<jiff::Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTls {
    cert: String,
    key: String,
    client_ca: Option<String>,
    crl: Option<String>,
    #[serde(default)]
    client_names: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTuning {
    inline_budget: Option<Duration>,
    sync_limit: Option<Duration>,
    lease: Option<Duration>,
    call_timeout: Option<Duration>,
    poll_interval: Option<Duration>,
    backoff_cap: Option<Duration>,
    longest_wait: Option<Duration>,
    retention: Option<Duration>,
    attempts: Option<u32>,
    operation_age: Option<Duration>,
    fetch_cache: Option<Duration>,
    drain_delay: Option<Duration>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLimits {
    body: Option<Size>,
    head: Option<Size>,
    uri: Option<Size>,
    body_deadline: Option<Duration>,
    head_deadline: Option<Duration>,
    request_deadline: Option<Duration>,
    answer_deadline: Option<Duration>,
    keep_alive: Option<Duration>,
    slowest: Option<Size>,
    connections: Option<usize>,
}

/// Reads the text and checks what it means.
pub(super) fn read(text: &str, path: &Path, files: Watched) -> Result<Config, ConfigError> {
    let options = serde_saphyr::options! { with_snippet: false };
    let file: File =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| parse_error(&error, path))?;
    Meaning { path, folder: path.parent().unwrap_or(Path::new("")), warnings: Vec::new(), files }.of(file)
}

fn parse_error(error: &serde_saphyr::Error, path: &Path) -> ConfigError {
    let at = error.location().map(|location| (location.line(), location.column()));
    let message = error.to_string();
    // the position is told once, in front
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    ConfigError::Parse { position: Position { path: path.to_owned(), at }, message }
}

pub(super) struct Meaning<'a> {
    path: &'a Path,
    folder: &'a Path,
    warnings: Vec<String>,
    files: Watched,
}

impl Meaning<'_> {
    fn of(mut self, file: File) -> Result<Config, ConfigError> {
        let listen = self.address(&file.listen)?;
        let management = file.management.as_ref().map(|address| self.address(address)).transpose()?;
        if !listen.ip().is_loopback() && file.tls.is_none() && !file.behind_tls_proxy {
            let message = "plain HTTP is served on loopback only; give `tls`, or set `behind_tls_proxy: true` \
                           when something in front of this broker ends TLS";
            return Err(self.wrong(&file.listen, message));
        }
        let tls = file.tls.map(|tls| self.tls(tls)).transpose()?;
        Ok(Config {
            credentials: self.credentials(file.credentials, listen)?,
            store: self.store(file.store, listen)?,
            keys: self.folder.join(file.keys),
            missing_version_header: self.missing_version(file.missing_version_header)?,
            deleted_last_operation: self.deleted(file.deleted_last_operation)?,
            vendors: self.vendors(file.vendors, file.offerings.as_deref(), listen)?,
            tuning: tuning(&file.tuning),
            limits: limits(&file.limits),
            telemetry: file.telemetry.map(|telemetry| self.otlp(telemetry.otlp, listen)).transpose()?,
            extensions: file.extensions.iter().map(|word| self.extension(word)).collect::<Result<_, _>>()?,
            offerings: file.offerings,
            behind_tls_proxy: file.behind_tls_proxy,
            listen,
            management,
            tls,
            warnings: self.warnings,
            files: self.files,
        })
    }

    pub(super) fn position<T>(&self, value: &Spanned<T>) -> Position {
        let at = (value.referenced.line(), value.referenced.column());
        Position { path: self.path.to_owned(), at: (at.0 > 0).then_some(at) }
    }

    pub(super) fn wrong<T>(&self, value: &Spanned<T>, message: impl Into<String>) -> ConfigError {
        ConfigError::Value { position: self.position(value), message: message.into() }
    }

    fn address(&self, text: &Spanned<String>) -> Result<SocketAddr, ConfigError> {
        text.value.parse().map_err(|_| {
            self.wrong(text, format!("'{}' is no address; write IP:PORT, such as 127.0.0.1:8080", text.value))
        })
    }

    fn extension(&self, word: &Spanned<String>) -> Result<Extension, ConfigError> {
        Extension::parse(&word.value).ok_or_else(|| {
            let known: Vec<&str> = Extension::ALL.into_iter().map(Extension::word).collect();
            self.wrong(word, format!("'{}' is no extension; there are: {}", word.value, known.join(", ")))
        })
    }

    fn tls(&mut self, tls: Spanned<FileTls>) -> Result<Tls, ConfigError> {
        let FileTls { cert, key, client_ca, crl, client_names } = &tls.value;
        if client_ca.is_none() && (crl.is_some() || !client_names.is_empty()) {
            let message =
                "`crl` and `client_names` say which clients' certificates count; that takes a `client_ca`";
            return Err(self.wrong(&tls, message));
        }
        let mut file = |path: &String| {
            let path = self.folder.join(path);
            self.files.add(&path);
            path
        };
        Ok(Tls {
            cert: file(cert),
            key: file(key),
            client_ca: client_ca.as_ref().map(&mut file),
            crl: crl.as_ref().map(&mut file),
            client_names: client_names.clone(),
        })
    }

    fn store(&mut self, file: Spanned<FileStore>, listen: SocketAddr) -> Result<StoreLocation, ConfigError> {
        let position = self.position(&file);
        let mut location = locate(&file.value, self.folder)
            .map_err(|message| ConfigError::Value { position: position.clone(), message })?;
        if let StoreLocation::Postgres(address) = &mut location {
            let source = match (file.value.password, address.password.take()) {
                (Some(source), _) => Some(source),
                // a literal like any other: on loopback only, with a warning
                (None, Some(password)) => std::sync::Arc::into_inner(password).map(SecretSource::Literal),
                (None, None) => None,
            };
            address.password = source
                .map(|source| self.secret(source, &position, listen).map(std::sync::Arc::new))
                .transpose()?;
        }
        Ok(location)
    }

    fn missing_version(&self, text: Option<Spanned<String>>) -> Result<MissingVersionHeader, ConfigError> {
        let Some(text) = text else { return Ok(MissingVersionHeader::default()) };
        match text.value.as_str() {
            "412" => Ok(MissingVersionHeader::PreconditionFailed),
            "400" => Ok(MissingVersionHeader::BadRequest),
            "accept" => Ok(MissingVersionHeader::Accept),
            other => Err(self.wrong(&text, format!("'{other}' is not one of 412, 400, accept"))),
        }
    }

    fn deleted(&self, status: Option<Spanned<u16>>) -> Result<DeletedLastOperation, ConfigError> {
        let Some(status) = status else { return Ok(DeletedLastOperation::default()) };
        match status.value {
            410 => Ok(DeletedLastOperation::Gone),
            200 => Ok(DeletedLastOperation::Succeeded),
            other => Err(self.wrong(&status, format!("'{other}' is not one of 410, 200"))),
        }
    }

    fn credentials(
        &mut self,
        list: Spanned<Vec<Spanned<FileCredential>>>,
        listen: SocketAddr,
    ) -> Result<Vec<Credential>, ConfigError> {
        if list.value.is_empty() {
            let message =
                "no credential is given, so nobody could call; add { id, username, password: { file } }";
            return Err(self.wrong(&list, message));
        }
        let mut credentials: Vec<Credential> = Vec::new();
        for entry in list.value {
            let position = self.position(&entry);
            let FileCredential { id, username, password, bearer, not_before, not_after } = entry.value;
            if credentials.iter().any(|known| known.id == id) {
                let message = format!("the credential id '{id}' is given twice");
                return Err(ConfigError::Value { position, message });
            }
            let proof = match (username, password, bearer) {
                (Some(username), Some(source), None) => {
                    Proof::Basic { username, password: self.secret(source, &position, listen)? }
                }
                (None, None, Some(source)) => {
                    Proof::Bearer { token: self.secret(source, &position, listen)? }
                }
                _ => {
                    let message = "a credential has either `username` and `password`, or `bearer`".to_owned();
                    return Err(ConfigError::Value { position, message });
                }
            };
            credentials.push(Credential { id, proof, validity: Validity { not_before, not_after } });
        }
        Ok(credentials)
    }

    /// A file of which a change is a change of the configuration.
    pub(super) fn watched(&mut self, path: &str) -> std::path::PathBuf {
        let path = self.folder.join(path);
        self.files.add(&path);
        path
    }

    pub(super) fn secret(
        &mut self,
        source: SecretSource,
        position: &Position,
        listen: SocketAddr,
    ) -> Result<SecretString, ConfigError> {
        if matches!(source, SecretSource::Literal(_)) {
            let advice = "a secret stands in the configuration itself; write { file: PATH } or { env: NAME }";
            if !listen.ip().is_loopback() {
                return Err(ConfigError::Value { position: position.clone(), message: advice.to_owned() });
            }
            self.warnings.push(format!("{position}: {advice}"));
        }
        if let SecretSource::File(path) = &source {
            self.files.add(self.folder.join(path));
        }
        let from = source.name();
        source.read(self.folder).map_err(|source| ConfigError::Secret {
            position: position.clone(),
            from,
            source,
        })
    }
}

fn tuning(file: &FileTuning) -> Tuning {
    let default = Tuning::default();
    let or = |given: Option<Duration>, default| given.map_or(default, |duration| duration.0);
    Tuning {
        inline_budget: or(file.inline_budget, default.inline_budget),
        sync_limit: or(file.sync_limit, default.sync_limit),
        lease: or(file.lease, default.lease),
        call_timeout: or(file.call_timeout, default.call_timeout),
        poll_interval: or(file.poll_interval, default.poll_interval),
        backoff_cap: or(file.backoff_cap, default.backoff_cap),
        longest_wait: or(file.longest_wait, default.longest_wait),
        retention: or(file.retention, default.retention),
        attempts: file.attempts.unwrap_or(default.attempts).max(1),
        operation_age: or(file.operation_age, default.operation_age),
        fetch_cache: or(file.fetch_cache, default.fetch_cache),
        drain_delay: or(file.drain_delay, default.drain_delay),
    }
}

fn limits(file: &FileLimits) -> Limits {
    let default = Limits::default();
    let or = |given: Option<Duration>, default| given.map_or(default, |duration| duration.0);
    Limits {
        body: file.body.map_or(default.body, |size| size.0),
        head: file.head.map_or(default.head, |size| size.0),
        uri: file.uri.map_or(default.uri, |size| size.0),
        body_deadline: or(file.body_deadline, default.body_deadline),
        head_deadline: or(file.head_deadline, default.head_deadline),
        request_deadline: or(file.request_deadline, default.request_deadline),
        answer_deadline: or(file.answer_deadline, default.answer_deadline),
        keep_alive: or(file.keep_alive, default.keep_alive),
        slowest: file.slowest.map_or(default.slowest, |size| size.0 as u64),
        connections: file.connections.unwrap_or(default.connections),
    }
}
