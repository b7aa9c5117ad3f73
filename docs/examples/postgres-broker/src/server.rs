//! PostgreSQL: one connection for each piece of work, and what its answers mean.

use std::{net::IpAddr, time::Duration};

use sutler_broker_server::providers::{ProviderError, Refusal, Sent};
use sutler_secrets::SecretString;
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

const PATIENCE: Duration = Duration::from_secs(10);
const ROOT: &str = "postgres";

/// How statements end that meet the same ones of an earlier attempt, which the server is still at although nobody waits for
/// its answer. Nothing was done by the later ones; once the earlier ones are through, the next attempt finds their work.
const CROSSED: [SqlState; 4] = [
    SqlState::UNIQUE_VIOLATION,
    SqlState::DUPLICATE_OBJECT,
    SqlState::DUPLICATE_DATABASE,
    // "tuple concurrently updated" has no code of its own
    SqlState::INTERNAL_ERROR,
];

/// Where the server is, for us and for others.
#[derive(Debug)]
pub struct Server {
    /// Its address for the broker: on this machine, since nothing is encrypted on the way.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// A role that may make databases and roles.
    pub user: String,
    /// That role's password.
    pub password: SecretString,
    /// What it is called by those who use the databases.
    pub public_host: String,
}

/// The server cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A variable is missing.
    #[error("the variable {0} is not set")]
    Missing(&'static str),
    /// A variable has a value that cannot be.
    #[error("the variable {0} has a value that cannot be used")]
    Value(&'static str),
    /// Passwords would travel in clear.
    #[error("POSTGRES_ADDRESS is not on this machine: run the broker beside the server")]
    Exposed,
}

impl Server {
    /// As the environment says: `POSTGRES_ADDRESS`, `POSTGRES_PORT`, `POSTGRES_USER`, `POSTGRES_PASSWORD` and
    /// `POSTGRES_PUBLIC_HOST`.
    ///
    /// # Errors
    /// When something is missing or cannot be used.
    pub fn from_environment() -> Result<Self, ServerError> {
        let read = |name: &'static str| std::env::var(name).map_err(|_| ServerError::Missing(name));
        let address = read("POSTGRES_ADDRESS").unwrap_or_else(|_| "127.0.0.1".to_owned());
        let port = read("POSTGRES_PORT").unwrap_or_else(|_| "5432".to_owned());
        let address: IpAddr = address.parse().map_err(|_| ServerError::Value("POSTGRES_ADDRESS"))?;
        if !address.is_loopback() {
            return Err(ServerError::Exposed);
        }
        Ok(Self {
            address,
            port: port.parse().map_err(|_| ServerError::Value("POSTGRES_PORT"))?,
            user: read("POSTGRES_USER")?,
            password: read("POSTGRES_PASSWORD")?.into(),
            public_host: read("POSTGRES_PUBLIC_HOST")?,
        })
    }

    /// A connection to the database that is always there.
    pub(crate) async fn connect(&self) -> Result<Client, ProviderError> {
        self.connect_to(ROOT).await
    }

    /// A connection to a database. It ends with the client.
    pub(crate) async fn connect_to(&self, database: &str) -> Result<Client, ProviderError> {
        let mut config = Config::new();
        config.host(self.address.to_string()).port(self.port).user(&self.user).dbname(database);
        config.password(self.password.expose()).connect_timeout(PATIENCE);
        let (client, connection) = config.connect(NoTls).await.map_err(|error| meaning(&error, Sent::No))?;
        // it ends when the client is dropped; what went wrong with it is told by the call that needed it
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Runs statements that change something, all of them or none.
pub(crate) async fn change(client: &Client, statements: &str) -> Result<(), ProviderError> {
    match tokio::time::timeout(PATIENCE, client.batch_execute(statements)).await {
        Ok(done) => done.map_err(|error| meaning(&error, Sent::Perhaps)),
        Err(_) => Err(ProviderError::unavailable("PostgreSQL did not answer in time", Sent::Perhaps)),
    }
}

/// Whether a query finds anything for a name.
pub(crate) async fn finds(client: &Client, query: &str, name: &str) -> Result<bool, ProviderError> {
    let found = client.query_opt(query, &[&name]).await;
    Ok(found.map_err(|error| meaning(&error, Sent::No))?.is_some())
}

/// What an error means. PostgreSQL's own words are not handed on.
pub(crate) fn meaning(error: &tokio_postgres::Error, sent: Sent) -> ProviderError {
    let Some(code) = error.code() else {
        return ProviderError::unavailable("PostgreSQL gave no clear answer", sent);
    };
    let is_of_class = |class: &str| code.code().starts_with(class);
    if [SqlState::INVALID_PASSWORD, SqlState::INSUFFICIENT_PRIVILEGE].contains(code) || is_of_class("28") {
        let description =
            "PostgreSQL does not let the broker do it; its operator has to look after the broker's role";
        return ProviderError::refused(Refusal::Credentials, description);
    }
    // no connection, no room, no time: later perhaps
    let is_for_later = ["08", "40", "53", "55", "57"].iter().any(|class| is_of_class(class));
    if is_for_later || CROSSED.contains(code) {
        return ProviderError::unavailable(
            format!("PostgreSQL cannot do it now ({})", code.code()),
            Sent::No,
        );
    }
    ProviderError::failed(format!("PostgreSQL refused it ({})", code.code()))
}
