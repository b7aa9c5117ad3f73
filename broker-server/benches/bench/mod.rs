//! What the benchmarks share: servers as processes, a closed-loop load, medians.

#![expect(dead_code, reason = "each benchmark uses its share")]

pub(crate) mod certificate;
pub(crate) mod load;
pub(crate) mod server;

use std::io::Write;
use std::process::ExitCode;

/// Whatever stops a benchmark.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// Ends a benchmark with the exit code that fits.
pub(crate) fn ended(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&format!("the benchmark failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A line for whoever ran it.
pub(crate) fn print(text: &str) {
    // A closed standard output leaves nobody to print for.
    let _closed = writeln!(std::io::stdout(), "{text}");
}

/// The number behind a flag such as `--pairs 12`.
pub(crate) fn number(flag: &str, default: usize) -> usize {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == flag);
    at.and_then(|at| arguments.get(at + 1)).and_then(|count| count.parse().ok()).unwrap_or(default)
}

/// Whether a flag such as `--tls` was given.
pub(crate) fn flag(flag: &str) -> bool {
    std::env::args().any(|argument| argument == flag)
}

/// The text behind a flag such as `--beside`.
pub(crate) fn text(flag: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != flag).nth(1)
}
