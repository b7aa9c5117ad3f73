//! `adopt`: shows what would be brought under management, asks, does it, and says what to write into the configuration.

use clap::Args;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};

use super::apply::{listen, say_what_came_of_it};
use super::args::Writing;
use super::ask;
use super::output::Output;
use super::text::{self, one_line};
use super::verbs::{patience, printed};
use crate::commands::{self, AdoptOptions, Adoptable, Approval, Failure, Project, ToDeclare};
use crate::execute::Stop;
use crate::exit::Exit;

const AFTER_HELP: &str = "\
Either declare it first, as it is, and name the object:
  sutler adopt db --object 3f2c9a4e-…
or say what it is, and write what is printed into the configuration:
  sutler adopt db --service edge/cloudflare-d1 --object 3f2c9a4e-…

The broker asks the vendor for exactly this object, refuses one that belongs to somebody or carries another mark, and changes
nothing at the vendor. From then on it is an instance like any other: changed, and deleted, as the configuration says.
Killed anywhere, it is finished by the same command.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Adopt {
    /// What it is called in the configuration.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// The vendor's id of the object, as `sutler discover` shows it.
    #[arg(long, value_name = "ID")]
    pub(crate) object: String,
    /// The service, as in a configuration; as declared when left out.
    #[arg(long, value_name = "BROKER/SERVICE")]
    pub(crate) service: Option<String>,
    /// The plan, where the service has several.
    #[arg(long)]
    pub(crate) plan: Option<String>,
    /// Its name; its ref when left out.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Parameters that describe it as it is, as a JSON object; as its broker describes it when left out.
    #[arg(long, value_name = "JSON")]
    pub(crate) params: Option<String>,
    #[command(flatten)]
    pub(crate) writing: Writing,
}

pub(super) async fn adopt(project: Project, arguments: &Adopt, output: Output) -> Result<Exit, Failure> {
    let options = AdoptOptions {
        reference: arguments.reference.clone(),
        object: arguments.object.clone(),
        service: arguments.service.clone(),
        plan: arguments.plan.clone(),
        name: arguments.name.clone(),
        parameters: arguments.params.as_deref().map(parameters).transpose()?,
        patience: patience(&arguments.writing.lock_timeout)?,
    };
    let adoptable = commands::adoptable(project, options).await?;
    let prepared = adoptable.prepare().await?;
    let (id, name) = (one_line(&adoptable.object.id), one_line(&adoptable.object.name));
    output.say(&format!("{name} ({id}) becomes '{}':", adoptable.reference));
    output.say(text::plan(&prepared.planned.plan, output.paint()).trim_end());
    ask::approve(output, arguments.writing.yes, "Adopt it?")?;
    let approval = if arguments.writing.yes { Approval::Given } else { Approval::ToThisPlan };
    let (events, _unheard) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(Stop::Never);
    let listener = tokio::spawn(listen(stop, output));
    let applied = prepared.carry_out(approval, events, stopped).await;
    listener.abort();
    let applied = applied?;
    say_what_came_of_it(&applied, output);
    finish(&adoptable, applied.exit(), output)
}

fn parameters(text: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(text).map_err(|_| Failure::usage("--params is no JSON object"))
}

fn finish(adoptable: &Adoptable, exit: Exit, output: Output) -> Result<Exit, Failure> {
    let reference = &adoptable.reference;
    if output.is_json() {
        let declaration = adoptable.to_declare.as_ref().map(|declare| {
            json!({
                "service": declare.service, "plan": declare.plan, "name": declare.name, "params": declare.parameters,
            })
        });
        let fields = json!({
            "exit_code": exit.code(), "ref": reference, "object": adoptable.object.id, "declaration": declaration,
        });
        printed(output.document("adopt", fields))?;
        return Ok(exit);
    }
    if let (Exit::Done, Some(declare)) = (exit, &adoptable.to_declare) {
        output.say("Write this into the configuration; `sutler plan` then finds nothing to do:");
        printed(output.print(&yaml(reference.as_str(), declare)))?;
    }
    Ok(exit)
}

/// The declaration as YAML. Texts and parameters are written as JSON, which YAML is a superset of.
fn yaml(reference: &str, declare: &ToDeclare) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let mut lines = format!(
        "instances:\n  {reference}:\n    service: {}\n    plan: {}\n    name: {}\n",
        quoted(&declare.service),
        quoted(&declare.plan),
        quoted(&declare.name)
    );
    if !declare.parameters.is_empty() {
        lines.push_str(&format!("    params: {}\n", Value::Object(declare.parameters.clone())));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_written_is_yaml_whatever_a_broker_tells() {
        let parameters = json!({ "hostname": "a: b # c\n- d" }).as_object().unwrap().clone();
        let declare = ToDeclare {
            service: "edge/thing".to_owned(),
            plan: "standard".to_owned(),
            name: "it's \"here\": yes".to_owned(),
            parameters,
        };
        let expected = "instances:\n  db:\n    service: \"edge/thing\"\n    plan: \"standard\"\n    name: \"it's \\\"here\\\": yes\"\n    params: {\"hostname\":\"a: b # c\\n- d\"}\n";
        assert_eq!(yaml("db", &declare), expected);
    }
}
