//! `cargo demo`: builds the whole workspace, then becomes the demo.
//!
//! A package of its own, with no dependency: cargo chooses the features of libraries for what is built together, and
//! building the demo's package by itself first would build half of them twice.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Command::new(cargo)
        .current_dir(&workspace)
        .args(["build", "--locked", "--workspace", "--bins"])
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return ExitCode::FAILURE;
    }
    // This program lies where cargo has just put the others.
    let story = std::env::current_exe().map(|here| here.with_file_name("sutler-demo"));
    let Ok(story) = story else { return ExitCode::FAILURE };
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--");
    let error = Command::new(&story).args(arguments).exec();
    let mut out = std::io::stderr();
    // Where standard error is closed there is nobody to tell.
    let _closed =
        std::io::Write::write_fmt(&mut out, format_args!("cannot start {}: {error}\n", story.display()));
    ExitCode::FAILURE
}
