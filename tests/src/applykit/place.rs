//! Where the state of a lane is kept, and what stands between it and `sutler`.

use std::{
    fmt,
    net::SocketAddr,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use sutler_broker_server::testing::{postgres::Cluster, proxy::Proxy as DatabaseProxy};

use super::bucket::{BUCKET, BucketServer};
use crate::{faultkit::Proxy, world::WorldError};

/// A kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// A file beside the configuration.
    Sqlite,
    /// A schema of its own on a server.
    Postgres,
    /// A prefix of its own in a bucket.
    Bucket,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Bucket];

    /// What it is called in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Bucket => "S3",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Bucket => "bucket",
        })
    }
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|backend| backend.to_string() == text);
        found.ok_or_else(|| format!("state is kept in sqlite, postgres or bucket, not in '{text}'"))
    }
}

/// The servers that lanes share.
#[derive(Debug, Clone, Default)]
pub struct Servers {
    database: Option<Arc<Cluster>>,
    bucket: Option<Arc<BucketServer>>,
}

impl Servers {
    /// Starts what these kinds of places need.
    ///
    /// # Errors
    /// When a server does not come up.
    pub async fn start(backends: &[Backend]) -> Result<Self, WorldError> {
        let mut servers = Self::default();
        if backends.contains(&Backend::Postgres) {
            let started = tokio::task::spawn_blocking(Cluster::start).await;
            let started = started.map_err(|error| WorldError::new("starting PostgreSQL", error))?;
            let cluster = started.map_err(|error| WorldError::new("starting PostgreSQL", error))?;
            servers.database = Some(Arc::new(cluster));
        }
        if backends.contains(&Backend::Bucket) {
            servers.bucket = Some(Arc::new(BucketServer::start().await?));
        }
        Ok(servers)
    }
}

/// A place that nobody has used.
pub(super) enum Place {
    /// A file.
    File,
    /// A schema, behind a proxy.
    Database {
        /// The server.
        cluster: Arc<Cluster>,
        /// What stands before it.
        proxy: DatabaseProxy,
        /// Which schema.
        schema: String,
    },
    /// A prefix, behind a proxy.
    Bucket {
        /// What stands before it.
        proxy: Proxy,
        /// Which prefix.
        prefix: String,
        /// It runs as long as a lane uses it.
        _server: Arc<BucketServer>,
    },
}

impl Place {
    pub(super) async fn new(backend: Backend, servers: &Servers) -> Result<Self, WorldError> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let missing = || WorldError::new("finding a place for state", "its server was not started");
        Ok(match backend {
            Backend::Sqlite => Self::File,
            Backend::Postgres => {
                let cluster = servers.database.clone().ok_or_else(missing)?;
                let proxy = DatabaseProxy::before(cluster.port()).await;
                let proxy = proxy.map_err(|error| WorldError::new("starting a proxy", error))?;
                Self::Database { cluster, proxy, schema: format!("sweep_{number}") }
            }
            Backend::Bucket => {
                let server = servers.bucket.clone().ok_or_else(missing)?;
                let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], server.port()))).await?;
                Self::Bucket { proxy, prefix: format!("sweep/{number}"), _server: server }
            }
        })
    }

    /// `state:` of the configuration.
    pub(super) fn url(&self) -> String {
        match self {
            Self::File => "sqlite:.sutler/state.db".to_owned(),
            Self::Database { proxy, schema, .. } => {
                format!("postgres://broker@127.0.0.1:{}/postgres?schema={schema}", proxy.port())
            }
            Self::Bucket { proxy, prefix, .. } => {
                format!("s3://{BUCKET}/{prefix}?endpoint=http://{}&region=us-east-1", proxy.address())
            }
        }
    }

    /// What `sutler` needs in its environment to get there.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let variables: &[(&str, &str)] = match self {
            Self::File => &[],
            Self::Database { cluster, .. } => &[("PGPASSWORD", cluster.password())],
            Self::Bucket { .. } => &[("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")],
        };
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}
