//! `acme-broker BROKER.YAML`: serves until SIGTERM.

use std::{path::PathBuf, time::Duration};

use acme_broker::{provider::Mailboxes, vendor::Acme};
use sutler_broker_server::{Config, Server, logging, terminated};

// ANCHOR: main
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: acme-broker BROKER.YAML")?;
    let url = std::env::var("ACME_URL")?;
    let token = std::env::var("ACME_TOKEN")?.into();
    logging::start(None)?;
    let acme = Acme::new(&url, token, Duration::from_secs(20))?;
    let server = Server::builder(Config::load(config)?).provider(Mailboxes { acme }).build()?;
    server.run(terminated()).await?;
    Ok(())
}
// ANCHOR_END: main
