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
    // Exactly as the story itself does it afterwards: without the examples cargo chooses fewer features, and with what this
    // cargo has told of this package some build scripts run again. Either way half of everything would be built twice.
    let mut build = Command::new(cargo);
    build.current_dir(&workspace).args(["build", "--locked", "--workspace", "--bins", "--examples"]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_a_package(&name.to_string_lossy())) {
        build.env_remove(name);
    }
    let built = build.status();
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

/// Whether a variable tells of the package that is being run.
fn is_of_a_package(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR", "OUT_DIR"].contains(&name)
}
