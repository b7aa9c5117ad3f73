//! `derive` on the command line.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::verbs::printed;
use crate::commands::{self, Failure};
use crate::config::named;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(crate) struct Derive {
    /// An OpenAPI document with x-sutler-provision: a map from refs to instances, each as in a configuration.
    #[arg(value_name = "FILE")]
    document: PathBuf,
    /// Write them to a file that the configuration includes, instead of printing them.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn derive(arguments: &Derive, output: Output) -> Result<Exit, Failure> {
    let derived = commands::derive(&arguments.document, arguments.out.as_deref())?;
    if output.is_json() {
        printed(output.document("derived", json!({ "instances": derived.instances })))?;
    } else if derived.out.is_none() {
        printed(output.print(&derived.text))?;
    }
    if let Some(path) = &derived.out {
        let shown = path.display();
        output.say(&format!("Wrote {} to {shown}. Next: include: [{shown}]", named(&derived.instances)));
    }
    Ok(Exit::Done)
}
