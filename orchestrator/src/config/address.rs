//! The address of a state as text that means the same wherever it is read: what a tombstone says, and what a move is gone
//! on with. No secret is ever part of it.

use std::path::Path;

use url::Url;
use url::form_urlencoded::Serializer;

use super::place::{self, BucketPlace, PostgresPlace, Transport};
use super::{Source, StateUrl};
use crate::name::StackName;

impl StateUrl {
    /// Reads an address as the configuration would: what is relative is relative to that file.
    ///
    /// # Errors
    /// What is wrong with it, for people; the address is not repeated.
    pub fn read(text: &str, stack: &StackName, source: &Source) -> Result<Self, String> {
        place::state(text, Some(stack), source)
    }

    /// The address, with nothing relative in it. [`read`](Self::read) gives the same place again.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", absolute(path)),
            Self::Postgres(place) => postgres(place),
            Self::Bucket(place) => bucket(place),
            Self::Memory => "memory:".to_owned(),
        }
    }
}

fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.display().to_string()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn postgres(place: &PostgresPlace) -> String {
    let PostgresPlace { host, port, user, database, schema, transport, passfile } = place;
    let mut options = Serializer::new(String::new());
    options.append_pair("schema", schema);
    let is_socket = host.starts_with('/');
    if is_socket {
        options.append_pair("host", host);
    }
    match transport {
        Transport::Plain => {
            options.append_pair("sslmode", "disable");
        }
        Transport::Tls { authority } => {
            options.append_pair("sslmode", "verify-full");
            if let Some(path) = authority {
                options.append_pair("sslrootcert", &absolute(path));
            }
        }
    }
    if let Some(path) = passfile {
        options.append_pair("passfile", &absolute(path));
    }
    let host = match host {
        _ if is_socket => "localhost".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.clone(),
    };
    format!("postgres://{}@{host}:{port}/{}?{}", encoded(user), encoded(database), options.finish())
}

fn bucket(place: &BucketPlace) -> String {
    let BucketPlace { bucket, prefix, endpoint, region } = place;
    let mut options = Serializer::new(String::new());
    if let Some(endpoint) = endpoint {
        options.append_pair("endpoint", Url::as_str(endpoint));
    }
    if let Some(region) = region {
        options.append_pair("region", region);
    }
    let options = options.finish();
    let mark = if options.is_empty() { "" } else { "?" };
    format!("s3://{bucket}/{prefix}{mark}{options}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Format;

    fn source(path: &str) -> Source {
        Source { path: path.into(), text: "".into(), format: Format::Yaml }
    }

    #[test]
    fn an_address_names_the_same_place_wherever_it_is_read() {
        let stack = StackName::new("my-shop").unwrap();
        for text in [
            "sqlite:.sutler/state.db",
            "sqlite:/var/lib/with space & more/état.db",
            "postgres://ada@127.0.0.1:5433/states",
            "postgres://ada@[::1]/states?schema=other&passfile=p",
            "postgres://ada%20b@db.example/my%2Fstates?sslrootcert=ca.pem",
            "postgres://ada@x/s?host=/run/pg",
            "s3://states/shop/prod?endpoint=http://127.0.0.1:9000&region=eu-central-1",
            "s3://states/shop",
            "memory:",
        ] {
            let place = StateUrl::read(text, &stack, &source("/project/sutler.yaml")).unwrap();
            let again =
                StateUrl::read(&place.address(), &StackName::new("other").unwrap(), &source("/x/y.yaml"));
            assert_eq!(again.unwrap(), place, "{text} became {}", place.address());
        }
    }
}
