//! `postgres-broker BROKER.YAML`: serves until SIGTERM.

use std::path::PathBuf;

use postgres_broker::{provider::Databases, server};
use sutler_broker_server::{Config, Server, logging, terminated};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: postgres-broker BROKER.YAML")?;
    logging::start(None)?;
    let server = server::Server::from_environment()?;
    let broker = Server::builder(Config::load(config)?).provider(Databases { server }).build()?;
    broker.run(terminated()).await?;
    Ok(())
}
