//! Where a state can live besides a file: a PostgreSQL database, a bucket of an object store. Pure: nothing is opened,
//! no secret is read.

use std::fmt;
use std::path::PathBuf;

use url::{Host, Url};

use super::{Source, StateUrl};
use crate::name::StackName;

/// How a PostgreSQL database is reached. Its password is never part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresPlace {
    /// A name, an IP address, or the folder of a Unix socket.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The role to be.
    pub user: String,
    /// The database.
    pub database: String,
    /// The schema that the state's tables are in: `^[a-z_][a-z0-9_]{0,62}$`.
    pub schema: String,
    /// How what is said is protected on its way.
    pub transport: Transport,
    /// A file of passwords, in the form of `.pgpass`; `PGPASSWORD` and `PGPASSFILE` count where there is none.
    pub passfile: Option<PathBuf>,
}

/// How what is said to a database is protected on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// Not at all: a Unix socket, or loopback.
    Plain,
    /// TLS; certificate and host name are verified (S-09).
    Tls {
        /// The authorities to trust; those of the system where none are given.
        authority: Option<PathBuf>,
    },
}

impl fmt::Display for PostgresPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, user, database, schema, .. } = self;
        write!(f, "postgres://{user}@{host}:{port}/{database}?schema={schema}")
    }
}

/// Which part of an object store, and how it is reached. Credentials come from the usual AWS variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPlace {
    /// The bucket.
    pub bucket: String,
    /// What every key begins with; never empty, no slash at either end.
    pub prefix: String,
    /// Another server than Amazon's.
    pub endpoint: Option<Url>,
    /// The region; `AWS_REGION` counts where there is none.
    pub region: Option<String>,
}

impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)?;
        self.endpoint.as_ref().map_or(Ok(()), |endpoint| write!(f, " at {endpoint}"))
    }
}

/// The address of a state. The error is for people, and never repeats the address.
pub(super) fn state(text: &str, stack: Option<&StackName>, source: &Source) -> Result<StateUrl, String> {
    let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
    match scheme {
        "sqlite" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() || path.contains(['?', '\0']) {
                return Err("state: sqlite: needs the path of a file, without options".to_owned());
            }
            Ok(StateUrl::Sqlite(source.resolve(path.as_ref())))
        }
        "memory" if rest.is_empty() => Ok(StateUrl::Memory),
        "memory" => Err("state: memory: takes nothing after the colon".to_owned()),
        "postgres" | "postgresql" => postgres(text, stack, source)
            .map(StateUrl::Postgres)
            .map_err(|why| format!("state: {scheme}: {why}")),
        "s3" => bucket(text).map(StateUrl::Bucket).map_err(|why| format!("state: s3: {why}")),
        _ => Err("state is not the address of a state".to_owned()),
    }
}

const POSTGRES: &str = "write postgres://USER@HOST/DATABASE";
const BUCKET: &str = "write s3://BUCKET/PREFIX?region=REGION";

/// `postgres://USER@HOST:PORT/DATABASE?schema=…&sslmode=…&sslrootcert=…&passfile=…`. The error is for people, and
/// never repeats the URL.
pub(super) fn postgres(
    text: &str,
    stack: Option<&StackName>,
    source: &Source,
) -> Result<PostgresPlace, String> {
    let url = Url::parse(text).map_err(|_| format!("it is no URL; {POSTGRES}"))?;
    if url.password().is_some() {
        return Err(
            "it holds a password; take it out, and set PGPASSWORD, or name a passfile=PATH".to_owned()
        );
    }
    let mut host = decoded(url.host_str().unwrap_or_default())?;
    let (mut schema, mut verified, mut authority, mut passfile) = (None, None, None, None);
    for (name, value) in url.query_pairs() {
        let path = || Some(source.resolve(value.as_ref().as_ref()));
        match name.as_ref() {
            "host" => host = value.into_owned(),
            "schema" => schema = Some(value.into_owned()),
            "sslmode" if value == "verify-full" => verified = Some(true),
            "sslmode" if value == "disable" => verified = Some(false),
            "sslmode" => return Err("sslmode is one of verify-full, disable".to_owned()),
            "sslrootcert" => authority = path(),
            "passfile" => passfile = path(),
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(format!(
                    "'{other}' is no parameter of it; known: host, schema, sslmode, sslrootcert, passfile"
                ));
            }
        }
    }
    let host = host.trim_matches(['[', ']']).to_owned();
    let (user, database) = (decoded(url.username())?, decoded(url.path().trim_start_matches('/'))?);
    for (what, text) in [("user", &user), ("host", &host), ("database", &database)] {
        if text.is_empty() || text.contains('\0') {
            return Err(format!("it names no {what}; {POSTGRES}"));
        }
    }
    Ok(PostgresPlace {
        port: url.port().unwrap_or(5432),
        schema: checked_schema(schema.unwrap_or_else(|| default_schema(stack)))?,
        transport: transport(&host, verified, authority)?,
        passfile,
        host,
        user,
        database,
    })
}

/// Stacks that share a database do not get in each other's way.
fn default_schema(stack: Option<&StackName>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = stack.map(StackName::as_str).unwrap_or_default().chars().map(plain).collect();
    format!("sutler_{name}").chars().take(63).collect()
}

/// S-22: a name that needs no quoting, whatever it is used for.
fn checked_schema(schema: String) -> Result<String, String> {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let first = schema.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if first && schema.len() <= 63 && schema.chars().all(rest) && !schema.starts_with("pg_") {
        Ok(schema)
    } else {
        Err("schema takes lower-case letters, digits and _, at most 63, and does not begin with pg_"
            .to_owned())
    }
}

/// Nothing goes to another machine in the clear (S-09, S-10).
fn transport(host: &str, verified: Option<bool>, authority: Option<PathBuf>) -> Result<Transport, String> {
    match (is_local(host), verified) {
        (false, Some(false)) => {
            Err("sslmode=disable is for Unix sockets and loopback only; the database is on another machine"
                .to_owned())
        }
        (true, None) if authority.is_none() => Ok(Transport::Plain),
        (true, Some(false)) => Ok(Transport::Plain),
        _ => Ok(Transport::Tls { authority }),
    }
}

fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || match Host::parse(host) {
            Ok(Host::Ipv4(ip)) => ip.is_loopback(),
            Ok(Host::Domain(name)) => name == "localhost",
            _ => host.trim_matches(['[', ']']) == "::1",
        }
}

/// `s3://BUCKET/PREFIX?endpoint=…&region=…`. The error is for people, and never repeats the URL.
pub(super) fn bucket(text: &str) -> Result<BucketPlace, String> {
    let url = Url::parse(text).map_err(|_| format!("it is no URL; {BUCKET}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "it holds credentials; take them out, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                .to_owned(),
        );
    }
    let (mut endpoint, mut region) = (None, None);
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "endpoint" => endpoint = Some(checked_endpoint(&value)?),
            "region" => region = Some(value.into_owned()),
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(format!("'{other}' is no parameter of it; known: endpoint, region"));
            }
        }
    }
    let (bucket, prefix) = (decoded(url.host_str().unwrap_or_default())?, decoded(url.path())?);
    let prefix = prefix.trim_matches('/').to_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if bucket.is_empty() {
        return Err(format!("it names no bucket; {BUCKET}"));
    }
    if prefix.is_empty()
        || !prefix.chars().all(plain)
        || prefix.split('/').any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err(format!("it names no prefix of letters, digits, - _ . and /; {BUCKET}"));
    }
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if region.as_ref().is_some_and(|region: &String| region.is_empty() || !region.chars().all(valid)) {
        return Err("region takes letters, digits and -".to_owned());
    }
    Ok(BucketPlace { bucket, prefix, endpoint, region })
}

/// S-10: no credentials over plain HTTP, except on this machine.
fn checked_endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "endpoint is no URL".to_owned())?;
    let local = url.host_str().is_some_and(is_local);
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    match url.scheme() {
        "https" if bare => Ok(url),
        "http" if bare && local => Ok(url),
        "http" => Err("endpoint is on another machine and not https; what is sent could be read".to_owned()),
        _ => Err("endpoint is no plain http or https address".to_owned()),
    }
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| "it is not valid UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;

    fn source() -> Source {
        Source { path: "folder/sutler.yaml".into(), text: "".into(), format: Format::Yaml }
    }

    fn read(text: &str) -> Result<PostgresPlace, String> {
        postgres(text, Some(&StackName::new("my-shop").unwrap()), &source())
    }

    #[test]
    fn a_database_is_named_by_user_host_and_name() {
        let place = read("postgres://ada@127.0.0.1:5433/states").unwrap();
        assert_eq!(place.to_string(), "postgres://ada@127.0.0.1:5433/states?schema=sutler_my_shop");
        assert_eq!(place.transport, Transport::Plain);
        let place =
            read("postgresql://ada@db.example/states?schema=other&sslrootcert=ca.pem&passfile=p").unwrap();
        assert_eq!((place.port, place.schema.as_str()), (5432, "other"));
        assert_eq!(place.transport, Transport::Tls { authority: Some("folder/ca.pem".into()) });
        assert_eq!(place.passfile, Some("folder/p".into()));
        assert_eq!(read("postgres://ada@x/s?host=/run/pg").unwrap().transport, Transport::Plain);
    }

    #[test]
    fn what_is_wrong_with_a_database_is_told_without_repeating_it() {
        for (text, told) in [
            ("postgres://ada:hunter2@127.0.0.1/s", "PGPASSWORD"),
            ("postgres://ada@db.example/s?sslmode=disable", "another machine"),
            ("postgres://ada@db.example/s?sslmode=prefer", "verify-full"),
            ("postgres://db.example/s", "names no user"),
            ("postgres://ada@db.example", "names no database"),
            ("postgres://ada@db.example/s?schema=Robert'); DROP", "lower-case"),
            ("postgres://ada@db.example/s?schema=pg_x", "pg_"),
            ("postgres://ada@db.example/s?colour=red", "'colour'"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(told) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn a_bucket_has_a_prefix_and_perhaps_a_server_of_its_own() {
        let place =
            bucket("s3://states/shop/prod/?endpoint=http://127.0.0.1:9000&region=eu-central-1").unwrap();
        assert_eq!((place.bucket.as_str(), place.prefix.as_str()), ("states", "shop/prod"));
        assert_eq!((place.region.as_deref(), place.endpoint.is_some()), (Some("eu-central-1"), true));
        for (text, told) in [
            ("s3://key:hunter2@states/shop", "AWS_ACCESS_KEY_ID"),
            ("s3://states", "no prefix"),
            ("s3://states/a%20b", "no prefix"),
            ("s3:///shop", "no bucket"),
            ("s3://states/shop?endpoint=http://s3.example", "not https"),
            ("s3://states/shop?endpoint=ftp://127.0.0.1", "plain http"),
            ("s3://states/shop?region=a/b", "region"),
            ("s3://states/shop?acl=public", "'acl'"),
        ] {
            let error = bucket(text).map(|place| place.to_string()).unwrap_err();
            assert!(error.contains(told) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
