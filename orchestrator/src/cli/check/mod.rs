//! `check`: what disagrees, for people, programs, test reports and pull requests.

mod github;
mod junit;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::asking::Asking;
use super::output::Output;
use super::text::one_line;
use super::verbs::printed;
use crate::commands::{self, Checked, Compared, Extent, Failure, Finding, Matter, Project};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Compare configuration and state only; ask the brokers for nothing but their catalogs.
    #[arg(long)]
    pub(crate) offline: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub(crate) format: CheckFormat,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// How a check is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    Text,
    /// One versioned document; so does --json.
    Json,
    /// A JUnit report: a test case for each instance.
    Junit,
    /// Annotations of a GitHub workflow, each at its declaration.
    Github,
}

/// Runs the check and prints it. GitHub wants paths as seen from the workspace it names.
pub(super) async fn check(
    project: &Project,
    (arguments, workspace): (&Check, Option<String>),
    output: Output,
) -> Result<Exit, Failure> {
    let extent = if arguments.offline { Extent::Offline } else { Extent::Live };
    let patience = arguments.asking.patience(project, output)?;
    let checked = commands::check(project, (extent, &patience)).await?;
    let exit = checked.exit();
    let printable = match arguments.format {
        CheckFormat::Text if !output.is_json() => text(&checked, output),
        CheckFormat::Junit => junit::report(&checked),
        CheckFormat::Github => {
            let here = std::env::current_dir().unwrap_or_default();
            let workspace = workspace.map_or_else(|| here.clone(), PathBuf::from);
            let seen = |path: &Path| from(&workspace, &here.join(path));
            github::annotations(&checked, &project.config.source.path, seen)
        }
        CheckFormat::Text | CheckFormat::Json => {
            printed(output.document("check", document(&checked)))?;
            return Ok(exit);
        }
    };
    printed(output.print(&printable))?;
    Ok(exit)
}

/// A path as seen from a folder; as it is when it is not below it.
fn from(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

fn document(checked: &Checked) -> Value {
    let finding = |compared: &Compared, Finding { matter, detail }: &Finding| {
        let place = compared.place.as_ref();
        json!({
            "ref": compared.reference, "what": matter.word(), "detail": detail,
            "file": place.map(|place| place.path.display().to_string()),
            "line": place.map(|place| place.line), "column": place.map(|place| place.column),
        })
    };
    let findings: Vec<Value> = checked
        .instances
        .iter()
        .flat_map(|compared| compared.findings.iter().map(move |one| finding(compared, one)))
        .collect();
    let not_observable: Vec<&str> = checked
        .instances
        .iter()
        .filter(|compared| compared.not_observable.is_some())
        .map(|compared| compared.reference.as_str())
        .collect();
    json!({
        "agrees": checked.exit() == Exit::Done, "agreeing": checked.agreeing(), "findings": findings,
        "not_observable": not_observable,
    })
}

fn text(checked: &Checked, output: Output) -> String {
    let paint = output.paint();
    let mut lines = String::new();
    for compared in &checked.instances {
        let reference = &compared.reference;
        for Finding { matter, detail } in &compared.findings {
            let mark = if *matter == Matter::Unknown { paint.caution("?") } else { paint.bad("✗") };
            lines.push_str(&format!("  {mark} {reference}  {}: {}\n", matter.word(), one_line(detail)));
        }
        if let Some(why) = &compared.not_observable {
            lines.push_str(&format!("  {} {reference}  not observable: {}\n", paint.dim("·"), one_line(why)));
        }
    }
    lines.push_str(&match checked.exit() {
        Exit::Done => format!(
            "{} {} instances are as declared, recorded and live.\n",
            paint.good("✓"),
            checked.agreeing()
        ),
        Exit::Pending => {
            "Configuration, state and what is live differ; `sutler plan` says what apply would do, `sutler pull` what is live.\n"
                .to_owned()
        }
        _ => "Not everything could be asked; what is unknown is not counted as missing.\n".to_owned(),
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_the_workspace_when_it_is_below_it() {
        assert_eq!(from(Path::new("/w"), Path::new("/w/deploy/sutler.yaml")), "deploy/sutler.yaml");
        assert_eq!(from(Path::new("/w"), Path::new("/elsewhere/sutler.yaml")), "/elsewhere/sutler.yaml");
    }
}
