//! The servers that the unit tests use too.

#[path = "../../src/state/postgres/tests/cluster.rs"]
#[expect(dead_code, reason = "the unit tests use more of it")]
pub(crate) mod cluster;
#[path = "../../src/state/s3/tests/server.rs"]
pub(crate) mod server;

use std::sync::Arc;

use cluster::Cluster;
use server::Server;
use tempfile::TempDir;

/// Where the state of a project is to be.
pub(crate) struct Place {
    /// For `state:` in the configuration.
    pub(crate) url: String,
    _cluster: Option<Arc<Cluster>>,
    _server: Option<Arc<Server>>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self { url: "sqlite:.sutler/state.db".to_owned(), _cluster: None, _server: None }
    }

    pub(crate) fn postgres(folder: &TempDir) -> Self {
        let cluster = Cluster::shared();
        let place = cluster.fresh();
        let passfile = folder.path().join("passfile");
        std::fs::write(&passfile, "127.0.0.1:*:*:ada:hunter2\n").unwrap();
        let url = format!(
            "postgres://ada@127.0.0.1:{}/postgres?schema={}&passfile={}",
            place.port,
            place.schema,
            passfile.display()
        );
        Self { url, _cluster: Some(cluster), _server: None }
    }

    pub(crate) async fn bucket() -> Self {
        let server = Server::shared().await;
        let place = server.fresh();
        let url = format!("s3://states/{}?endpoint=http://127.0.0.1:{}", place.prefix, server.port);
        Self { url, _cluster: None, _server: Some(server) }
    }
}
