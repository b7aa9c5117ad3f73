//! A connection: its password, its protection, and what it starts with.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use sutler_secrets::SecretString;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::Trouble;
use crate::config::{PostgresPlace, Transport};

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection may be dead before the system notices.
const SILENCE: Duration = Duration::from_secs(10);

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Connects; the connection is served by a task that ends with it.
pub(super) async fn connect(place: &PostgresPlace) -> Result<Client, Trouble> {
    let config = config(place).map_err(Trouble::Refused)?;
    let client = match &place.transport {
        Transport::Plain => {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(serve(connection));
            client
        }
        Transport::Tls { authority } => {
            let tls = MakeRustlsConnect::new(tls(authority.as_deref()).map_err(Trouble::Refused)?);
            let (client, connection) = config.connect(tls).await?;
            tokio::spawn(serve(connection));
            client
        }
    };
    client.batch_execute(&set_up(&place.schema)).await?;
    Ok(client)
}

async fn serve(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "the connection to the state's database ended");
    }
}

fn config(place: &PostgresPlace) -> Result<Config, Cause> {
    let mode = match place.transport {
        Transport::Plain => SslMode::Disable,
        Transport::Tls { .. } => SslMode::Require,
    };
    let mut config = Config::new();
    config
        .host(&place.host)
        .port(place.port)
        .user(&place.user)
        .dbname(&place.database)
        .application_name("sutler")
        .ssl_mode(mode)
        .connect_timeout(CONNECT)
        .keepalives_idle(SILENCE)
        .keepalives_interval(SILENCE / 5)
        .keepalives_retries(3)
        .tcp_user_timeout(SILENCE);
    if let Some(password) = password(place)? {
        config.password(password.expose());
    }
    Ok(config)
}

/// The password, if there is one: from the named file, the environment, or the file that the environment names.
fn password(place: &PostgresPlace) -> Result<Option<SecretString>, Cause> {
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    if place.passfile.is_none()
        && let Some(password) = variable("PGPASSWORD")
    {
        return Ok(Some(SecretString::from(password)));
    }
    let Some(path) = place.passfile.clone().or_else(|| variable("PGPASSFILE").map(Into::into)) else {
        return Ok(None);
    };
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("the password file {} cannot be read: {error}", path.display()))?;
    Ok(in_passfile(&SecretString::from(text), place))
}

/// The password in lines of `host:port:database:user:password`; `*` stands for anything, `\` before `:` and `\`.
fn in_passfile(text: &SecretString, place: &PostgresPlace) -> Option<SecretString> {
    let port = place.port.to_string();
    let wanted = [place.host.as_str(), &port, &place.database, &place.user];
    text.expose().lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, place) = fields.split_last()?;
        let fits = place.len() == wanted.len()
            && place.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        fits.then(|| SecretString::from(password.as_str()))
    })
}

/// The first four fields, and the rest of the line as the fifth.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        let last = fields.len() == 5;
        match c {
            ':' if !last => fields.push(String::new()),
            c => {
                let c = if c == '\\' { characters.next().unwrap_or(c) } else { c };
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields
}

/// What every connection starts with. The schema's name is checked where it comes from (S-22). A server that does not
/// wait for its disk is asked to, for us.
fn set_up(schema: &str) -> String {
    format!(
        "SET search_path = \"{schema}\"; SET statement_timeout = '60s'; SET lock_timeout = '10s'; \
         SET idle_in_transaction_session_timeout = '10s'; SET default_transaction_isolation = 'read committed'; \
         SET timezone = 'UTC'; SET client_min_messages = 'warning'; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';"
    )
}

/// Certificate and host name are verified, always (S-09).
fn tls(authority: Option<&Path>) -> Result<ClientConfig, Cause> {
    let mut roots = RootCertStore::empty();
    match authority {
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path)? {
                roots.add(certificate?)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("there is no certificate authority to trust; name one with sslrootcert=PATH".into());
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_is_read_line_by_line_until_one_fits() {
        let place = PostgresPlace {
            host: "db".to_owned(),
            port: 5432,
            user: "ada".to_owned(),
            database: "states".to_owned(),
            schema: "s".to_owned(),
            transport: Transport::Plain,
            passfile: None,
        };
        let find = |text: &str| {
            in_passfile(&SecretString::from(text), &place).map(|password| password.expose().to_owned())
        };
        assert_eq!(find("# x\nother:5432:states:ada:no\ndb:5432:states:ada:yes\n"), Some("yes".to_owned()));
        assert_eq!(find("*:*:*:*:a:b\\:c\\\\d"), Some("a:b:c\\d".to_owned()));
        assert_eq!(find("db:5433:states:ada:no\ndb:5432:states:ada"), None);
    }
}
