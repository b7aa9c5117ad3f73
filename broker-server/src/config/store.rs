//! Where the broker's memory is: a SQLite file, or PostgreSQL.

use std::path::{Path, PathBuf};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use sutler_secrets::SecretString;
use url::{Host, Url};

use super::secret::SecretSource;

/// The schema that our tables are in, where none is given.
const SCHEMA: &str = "sutler_broker";
/// How many connections one process uses at most, where nothing is given.
const CONNECTIONS: usize = 8;

/// Where the broker's memory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// A SQLite file, for one process.
    Sqlite(PathBuf),
    /// A PostgreSQL database, for any number of processes.
    Postgres(PostgresAddress),
}

/// How a PostgreSQL database is reached.
#[derive(Debug, Clone)]
pub struct PostgresAddress {
    /// A name, an IP address, or the folder of a Unix socket.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The role to be.
    pub user: String,
    /// Its password, if it has one.
    pub password: Option<std::sync::Arc<SecretString>>,
    /// The database.
    pub database: String,
    /// The schema that our tables are in: `^[a-z_][a-z0-9_]{0,62}$` (S-22).
    pub schema: String,
    /// How what is said is protected on its way.
    pub transport: Transport,
    /// How many connections this process uses at most.
    pub connections: usize,
}

impl PartialEq for PostgresAddress {
    /// Passwords are not compared.
    fn eq(&self, other: &Self) -> bool {
        let plain = |one: &Self| (one.port, one.connections, one.transport.clone());
        let names = |one: &Self| [&one.host, &one.user, &one.database, &one.schema].map(Clone::clone);
        plain(self) == plain(other) && names(self) == names(other)
    }
}

impl Eq for PostgresAddress {}

impl std::fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, user, database, schema, .. } = self;
        write!(f, "postgres://{user}@{host}:{port}/{database}?schema={schema}")
    }
}

/// How what is said to a database is protected on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// Not at all: a Unix socket, or loopback.
    Plain,
    /// TLS; certificate and host name are verified (S-09).
    Tls {
        /// The authorities to trust; those of the system where none are given.
        ca: Option<PathBuf>,
    },
}

/// `store:` in the file: a URL, or a URL with what does not belong into one.
#[derive(Debug)]
pub(super) struct FileStore {
    pub(super) url: String,
    pub(super) password: Option<SecretSource>,
    ca: Option<String>,
    schema: Option<String>,
    connections: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDetails {
    url: String,
    password: Option<SecretSource>,
    ca: Option<String>,
    schema: Option<String>,
    connections: Option<usize>,
}

impl<'de> Deserialize<'de> for FileStore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StoreVisitor)
    }
}

struct StoreVisitor;

impl<'de> Visitor<'de> for StoreVisitor {
    type Value = FileStore;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "sqlite:PATH, postgres://USER@HOST/DATABASE, or { url, password, ca, schema, connections }",
        )
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<FileStore, E> {
        let url = text.to_owned();
        Ok(FileStore { url, password: None, ca: None, schema: None, connections: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FileStore, A::Error> {
        let FileDetails { url, password, ca, schema, connections } =
            FileDetails::deserialize(MapAccessDeserializer::new(map))?;
        Ok(FileStore { url, password, ca, schema, connections })
    }
}

/// What a `store` says, before its password is read. The error is for people.
pub(super) fn locate(file: &FileStore, folder: &Path) -> Result<StoreLocation, String> {
    if let Some(path) = file.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        let extra = file.ca.is_some() || file.schema.is_some() || file.connections.is_some();
        if extra || file.password.is_some() {
            return Err("password, ca, schema and connections are for PostgreSQL only".to_owned());
        }
        return Ok(StoreLocation::Sqlite(folder.join(path)));
    }
    let url = Url::parse(&file.url)
        .ok()
        .filter(|url| matches!(url.scheme(), "postgres" | "postgresql"))
        .ok_or("this is no store this program knows; write sqlite:PATH or postgres://USER@HOST/DATABASE")?;
    Ok(StoreLocation::Postgres(postgres(&url, file, folder)?))
}

fn postgres(url: &Url, file: &FileStore, folder: &Path) -> Result<PostgresAddress, String> {
    let mut host = decoded(url.host_str().unwrap_or_default())?;
    let mut schema = file.schema.clone();
    let mut verified = None;
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "host" => host = value.into_owned(),
            "schema" => schema = Some(value.into_owned()),
            "sslmode" if value == "verify-full" => verified = Some(true),
            "sslmode" if value == "disable" => verified = Some(false),
            "sslmode" => return Err(format!("sslmode={value} is not one of verify-full, disable")),
            other => {
                return Err(format!("'{other}' is no parameter of a store; known: host, schema, sslmode"));
            }
        }
    }
    let host = host.trim_matches(['[', ']']).to_owned();
    let (user, database) = (decoded(url.username())?, decoded(url.path().trim_start_matches('/'))?);
    for (what, text) in [("user", &user), ("host", &host), ("database", &database)] {
        if text.is_empty() || text.contains('\0') {
            return Err(format!("the store has no {what}; write postgres://USER@HOST/DATABASE"));
        }
    }
    let password = url.password().map(decoded).transpose()?;
    Ok(PostgresAddress {
        port: url.port().unwrap_or(5432),
        password: password.map(|text| std::sync::Arc::new(SecretString::from(text))),
        schema: checked_schema(schema)?,
        transport: transport(&host, verified, file.ca.as_deref().map(|ca| folder.join(ca)))?,
        connections: file.connections.unwrap_or(CONNECTIONS).clamp(2, 1_000),
        host,
        user,
        database,
    })
}

/// Nothing goes to another machine in the clear (S-09, S-10).
fn transport(host: &str, verified: Option<bool>, ca: Option<PathBuf>) -> Result<Transport, String> {
    let is_local = host.starts_with('/')
        || match Host::parse(host) {
            Ok(Host::Ipv4(ip)) => ip.is_loopback(),
            Ok(Host::Domain(name)) => name == "localhost",
            _ => host == "::1",
        };
    match (is_local, verified) {
        (false, Some(false)) => {
            Err("sslmode=disable is for Unix sockets and loopback only; the database is on another machine"
                .to_owned())
        }
        (true, None) if ca.is_none() => Ok(Transport::Plain),
        (true, Some(false)) => Ok(Transport::Plain),
        _ => Ok(Transport::Tls { ca }),
    }
}

/// S-22: a name that needs no quoting, whatever it is used for.
fn checked_schema(schema: Option<String>) -> Result<String, String> {
    let Some(schema) = schema else { return Ok(SCHEMA.to_owned()) };
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let mut bytes = schema.bytes();
    let fits = bytes.next().is_some_and(letter) && bytes.all(|byte| letter(byte) || byte.is_ascii_digit());
    if fits && schema.len() <= 63 && !schema.starts_with("pg_") {
        Ok(schema)
    } else {
        Err("a schema is named with a-z, 0-9 and _, at most 63 of them, the first no digit".to_owned())
    }
}

fn decoded(text: &str) -> Result<String, String> {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "the store's URL is not UTF-8 once it is decoded".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<StoreLocation, String> {
        let file =
            FileStore { url: url.to_owned(), password: None, ca: None, schema: None, connections: None };
        locate(&file, Path::new("/etc/broker"))
    }

    fn transport_of(url: &str) -> Transport {
        match of(url).unwrap() {
            StoreLocation::Postgres(address) => address.transport,
            StoreLocation::Sqlite(_) => panic!("{url}"),
        }
    }

    #[test]
    fn s_09_only_this_machine_is_reached_without_tls() {
        for local in [
            "postgres://u@127.0.0.1/d",
            "postgres://u@localhost:1/d",
            "postgres://u@[::1]/d",
            "postgresql://u@%2Frun%2Fpg/d",
        ] {
            assert_eq!(transport_of(local), Transport::Plain, "{local}");
        }
        for remote in
            ["postgres://u@db.example/d", "postgres://u@10.0.0.1/d", "postgres://u@localhost.example/d"]
        {
            assert_eq!(transport_of(remote), Transport::Tls { ca: None }, "{remote}");
            assert!(of(&format!("{remote}?sslmode=disable")).is_err(), "{remote}");
            assert!(
                of(&format!("{remote}?sslmode=require")).is_err(),
                "an unverified peer is none: {remote}"
            );
        }
        assert_eq!(transport_of("postgres://u@localhost/d?sslmode=verify-full"), Transport::Tls { ca: None });
    }

    #[test]
    fn s_22_a_schema_is_a_plain_name() {
        for good in ["a", "_", "broker_2", &"x".repeat(63)] {
            assert!(of(&format!("postgres://u@localhost/d?schema={good}")).is_ok(), "{good}");
        }
        for bad in ["", "A", "2a", "a-b", "a\"b", "a;drop", "pg_catalog", "a b", "ä", &"x".repeat(64)] {
            assert!(of(&format!("postgres://u@localhost/d?schema={bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_url_says_where_and_never_shows_its_password() {
        let StoreLocation::Postgres(address) = of("postgres://me:hunter2@%2Frun%2Fpg:5433/my%20db").unwrap()
        else {
            panic!("it is PostgreSQL")
        };
        assert_eq!(
            (address.host.as_str(), address.port, address.database.as_str()),
            ("/run/pg", 5433, "my db")
        );
        assert!(!format!("{address} {address:?}").contains("hunter2"));
        assert_eq!(of("sqlite:broker.db"), Ok(StoreLocation::Sqlite("/etc/broker/broker.db".into())));
        for wrong in
            ["sqlite:", "mysql://u@h/d", "postgres://localhost/d", "postgres://u@localhost", "broker.db"]
        {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
