//! Asking a person, where there is one.

use std::io::{self, BufRead, Write};

use super::output::Output;
use crate::commands::Failure;

/// Asks for a yes. Without a terminal nobody can be asked, and only `--yes` will do.
pub(crate) fn approve(output: Output, yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !output.can_ask() {
        return Err(Failure::usage(
            "nobody can be asked here; look at the plan and run the command again with --yes",
        ));
    }
    let mut error = io::stderr();
    let mut answer = String::new();
    let asked = write!(error, "{question} [y/N] ").and_then(|()| error.flush());
    asked
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(|error| Failure::failed(error.to_string()))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::failed("not approved; nothing was changed")),
    }
}
