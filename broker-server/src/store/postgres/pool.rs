//! Connections: how they are made, protected and set up.

use std::{path::Path, sync::Arc, time::Duration};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    config::{PostgresAddress, Transport},
    store::{Cause, StoreError},
};

/// How long a statement may take, and how long it may wait for a lock.
const STATEMENT_SECONDS: u64 = 10;
const LOCK_SECONDS: u64 = 5;
/// A process that was paused inside a transaction loses it, and its locks, after this long.
const IDLE_SECONDS: u64 = 5;
/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection may be dead before the system notices, ours and the server's. The server's own two hours would
/// keep the locks of a process whose machine is gone: in the middle of a statement it waits without a limit.
const SILENCE: Duration = Duration::from_secs(10);
/// How often a connection that is silent is asked for a sign of life.
const PROBES: u32 = 3;
/// How long a request waits for a connection that is free.
const FREE: Duration = Duration::from_secs(10);

/// A pool for this database; nothing is connected yet.
pub(super) fn pool(address: &PostgresAddress) -> Result<Pool, StoreError> {
    let open = |source: Cause| StoreError::Open { store: address.to_string(), source };
    let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match &address.transport {
        Transport::Plain => Manager::from_config(client(address, SslMode::Disable), NoTls, settings),
        Transport::Tls { ca } => {
            let tls = MakeRustlsConnect::new(tls(ca.as_deref()).map_err(open)?);
            Manager::from_config(client(address, SslMode::Require), tls, settings)
        }
    };
    let set_up = Arc::<str>::from(set_up(&address.schema));
    Pool::builder(manager)
        .max_size(address.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(FREE))
        .create_timeout(Some(CONNECT * 2))
        .post_create(Hook::async_fn(move |client, _| {
            let set_up = set_up.clone();
            Box::pin(async move { client.batch_execute(&set_up).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|error| open(error.into()))
}

fn client(address: &PostgresAddress, mode: SslMode) -> Config {
    let mut config = Config::new();
    config
        .host(&address.host)
        .port(address.port)
        .user(&address.user)
        .dbname(&address.database)
        .application_name("sutler-broker")
        .ssl_mode(mode)
        .connect_timeout(CONNECT)
        .keepalives_idle(SILENCE)
        .keepalives_interval(SILENCE / 5)
        .keepalives_retries(PROBES)
        .tcp_user_timeout(SILENCE);
    if let Some(password) = &address.password {
        config.password(password.expose());
    }
    config
}

/// What every connection starts with. The schema's name is checked where it comes from (S-22). A server that does not
/// wait for its disk is asked to, for us.
fn set_up(schema: &str) -> String {
    format!(
        "SET search_path = \"{schema}\"; SET statement_timeout = '{STATEMENT_SECONDS}s';
         SET lock_timeout = '{LOCK_SECONDS}s'; SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s';
         SET tcp_keepalives_idle = {idle}; SET tcp_keepalives_interval = {interval}; SET tcp_keepalives_count = {PROBES};
         SET default_transaction_isolation = 'read committed'; SET timezone = 'UTC';
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';",
        idle = SILENCE.as_secs(),
        interval = (SILENCE / 5).as_secs(),
    )
}

/// Certificate and host name are verified, always (S-09).
fn tls(ca: Option<&Path>) -> Result<ClientConfig, Cause> {
    let mut roots = RootCertStore::empty();
    match ca {
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
        return Err("there is no certificate authority to trust; name one with `ca`".into());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
