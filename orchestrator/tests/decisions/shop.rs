//! The shop that most plans are about, and plans as text.

use std::fmt::Write as _;

use sutler::config::{Config, Format, Source, parse};
use sutler::plan::{Action, Options, Plan, Protection, Undeclared};

pub(crate) fn config(text: &str) -> Config {
    let source = Source { path: "sutler.yaml".into(), text: text.into(), format: Format::Yaml };
    parse(&source).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) const HEAD: &str = "stack: shop\nbrokers: { edge: { url: 'http://127.0.0.1:1' }, other: { url: 'http://127.0.0.1:2' } }\n\
                    sinks: { env: { dotenv: .env } }\ninstances:\n";

/// An instance map over the standard head.
pub(crate) fn declare(instances: &str) -> Config {
    config(&format!("{HEAD}{instances}"))
}

pub(crate) const SHOP: &str = "  db: { service: d1, params: { hint: weur }, bind: { database_id: DB } }\n\
                    \x20 token: { service: token, params: { resources: { database: '@db.database_id' } } }\n\
                    \x20 worker: { service: secrets, params: { script: shop, secrets: { T: '@token.token', N: 'id=${db.database_id}' } } }\n";

/// A plan as text: one line per step, then changes and warnings.
pub(crate) fn shown(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let target = &step.target;
        let after: Vec<&str> = step.after.iter().map(|reference| reference.as_str()).collect();
        let (service, service_plan) = (&target.service.name, &target.service_plan.name);
        write!(text, "{:?} {} {}/{service}/{service_plan}", step.action, step.reference, target.broker)
            .unwrap();
        writeln!(text, " {:?} after [{}]", step.binding, after.join(" ")).unwrap();
        step.because.iter().for_each(|because| writeln!(text, "    because {because}").unwrap());
        for change in &step.changes {
            let value = change.shown.as_deref().unwrap_or("•••");
            writeln!(text, "    {:?} {} {value}", change.kind, change.field).unwrap();
        }
    }
    plan.warnings.iter().for_each(|warning| writeln!(text, "warning: {warning}").unwrap());
    text
}

pub(crate) fn actions(plan: &Plan) -> Vec<(&str, Action)> {
    plan.steps.iter().map(|step| (step.reference.as_str(), step.action)).collect()
}

pub(crate) fn action(plan: &Plan, name: &str) -> Action {
    plan.steps.iter().find(|step| step.reference.as_str() == name).expect(name).action
}

pub(crate) fn because(plan: &Plan, name: &str) -> String {
    plan.steps.iter().find(|step| step.reference.as_str() == name).expect(name).because.join("; ")
}

pub(crate) fn options(undeclared: Undeclared, protection: Protection) -> Options {
    Options { undeclared, protection, ..Options::default() }
}
