//! `sutler-broker`: serves the offerings we ship.

mod cli;

use std::process::ExitCode;

/// Requests, their work and the store live on three kinds of threads and hand each other what they made: the allocator of
/// the C library spends a quarter of a provision on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
