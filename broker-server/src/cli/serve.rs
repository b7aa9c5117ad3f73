//! `serve`: the broker, until it is asked to end.

use std::path::Path;

use sutler_broker_server::{Config, ServerHandle, telemetry, terminated};
use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, load, server};

pub(super) fn serve(path: &Path) -> Result<(), CommandError> {
    let filter = std::env::var("SUTLER_LOG").ok();
    let config = load(path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(CommandError::Runtime)?;
    let telemetry = telemetry::start(filter.as_deref(), config.telemetry.as_ref(), runtime.handle())?;
    let server = server(config)?;
    let served = runtime.block_on(async {
        let handle = server.start().await?;
        tokio::select! {
            () = terminated() => {}
            () = reload_on_hangup(&handle, path) => {}
        }
        Ok(handle.stop().await?)
    });
    telemetry.end();
    served
}

/// Reads the credentials again on SIGHUP; never ready.
async fn reload_on_hangup(handle: &ServerHandle, path: &Path) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return std::future::pending().await };
    while hangup.recv().await.is_some() {
        let reloaded = Config::load(path)
            .map_err(CommandError::from)
            .and_then(|config| Ok(handle.replace_credentials(config.credentials)?));
        if let Err(error) = reloaded {
            tracing::error!(%error, "the credentials could not be read again; the present ones stay");
        }
    }
    std::future::pending().await
}
