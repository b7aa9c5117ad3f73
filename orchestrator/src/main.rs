//! `sutler`: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    sutler::cli::main().into()
}
