//! `serve`: the broker, until it is asked to end.

use std::path::Path;

use sutler_broker_server::{harden, telemetry, terminated};

use super::{CommandError, load, server};

pub(super) fn serve(path: &Path) -> Result<(), CommandError> {
    let filter = std::env::var("SUTLER_LOG").ok();
    // before any secret is read
    harden();
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
            () = handle.reload_on_change(path) => {}
        }
        Ok(handle.stop().await?)
    });
    telemetry.end();
    served
}
