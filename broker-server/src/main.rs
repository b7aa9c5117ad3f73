//! `sutler-broker`: serves the offerings we ship.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
