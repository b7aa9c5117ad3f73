//! `cargo demo`: the main job on this machine. The vendor fake and two brokers on loopback, and the real `sutler`.

mod story;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use sutler_tests::world::{World, WorldError, WorldOptions};

/// Provision the shop example against two brokers on loopback: plan, apply, status, apply again, change, check,
/// teardown. Needs no account; leaves nothing behind.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", version)]
struct Arguments {
    /// Leave everything running and print how to use it by hand.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = tokio::select! {
        ended = run(&arguments) => ended,
        _ = tokio::signal::ctrl_c() => Err(WorldError::new("demo", "interrupted; everything it had started is stopped")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            story::say(&format!("\nThe demo failed while {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), WorldError> {
    let options = WorldOptions {
        pages_delay: Duration::from_millis(1500),
        log_level: "info",
        ..WorldOptions::default()
    };
    let world = World::shop(options).await?;
    story::tell(&world).await?;
    if arguments.keep {
        story::hand_over(world);
        return Ok(());
    }
    story::end(&world).await?;
    drop(world);
    story::what_next();
    Ok(())
}
