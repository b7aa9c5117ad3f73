//! `cargo demo`: the main job on this machine. The vendors' fakes and brokers on loopback, and the real `sutler`.

mod story;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use sutler_tests::world::{EXAMPLES, World, WorldError, WorldOptions};

/// Provision an example against brokers on loopback: plan, apply, status, apply again, change, check, teardown. Needs no
/// account; leaves nothing behind.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", version)]
struct Arguments {
    /// A folder of docs/examples; the small shop, if left out. `hyperdrive` needs the package `postgresql`, `domain` the
    /// packages `bind9` and `pebble`.
    #[arg(value_parser = EXAMPLES)]
    example: Option<String>,
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
    let world = match &arguments.example {
        None => World::shop(options).await?,
        Some(example) => World::example(example, options).await?,
    };
    match &arguments.example {
        None => story::tell(&world).await?,
        Some(example) => story::tell_example(&world, example).await?,
    }
    if arguments.keep {
        story::hand_over(world);
        return Ok(());
    }
    story::end(&world).await?;
    drop(world);
    story::what_next();
    Ok(())
}
