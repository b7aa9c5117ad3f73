//! Instances: names, services, variables. What refers to what comes later.

use indexmap::{IndexMap, map::Entry};
use serde_json::Value;

use super::{Gather, broker::Brokers, variable::is_hostile};
use crate::{
    config::{
        Declaration, Replacement,
        file::InstanceFile,
        problem::{At, Finding},
        strict::Entries,
    },
    name::{BrokerName, InstanceRef, VariableName},
    nearest::{listed, nearest},
    reference::{is_key, written::is_reserved},
};

/// Declares every instance whose ref is a ref, even when something else is wrong with it.
pub(super) fn declare(
    file: Entries<InstanceFile>,
    brokers: &Brokers,
    instances: &mut IndexMap<InstanceRef, Declaration>,
    gather: &mut Gather,
) {
    for (name, instance) in file.0 {
        let at = || At::key(&["instances", &name]);
        let Some(reference) = gather.name(InstanceRef::new(&name), at) else { continue };
        if is_reserved(&name) {
            let finding = Finding::new(format!("no instance can be called '{name}'")).at(at());
            let help =
                "var.NAME is a variable, each.key what an instance is repeated for; choose another ref";
            gather.add(finding.help(help));
        }
        match instances.entry(reference) {
            Entry::Occupied(_) => gather.duplicates = true,
            Entry::Vacant(entry) => {
                let declaration = Check { name: &name, brokers, gather }.declaration(entry.key(), instance);
                entry.insert(declaration);
            }
        }
    }
}

struct Check<'c> {
    name: &'c str,
    brokers: &'c Brokers,
    gather: &'c mut Gather,
}

impl Check<'_> {
    fn declaration(&mut self, reference: &InstanceRef, file: InstanceFile) -> Declaration {
        let (broker, service) = self.service(file.service);
        if file.plan.as_deref() == Some("") {
            self.refuse(&["plan"], "the plan's name is empty", "leave it out when there is one plan");
        }
        let name = match file.name {
            None => self.name.to_owned(),
            Some(name) => {
                if name.trim().is_empty() || name.len() > 255 || name.contains(char::is_control) {
                    let help = "use 1 to 255 printable characters";
                    self.refuse(&["name"], "the name is empty, too long or holds control characters", help);
                }
                name
            }
        };
        let replace = file.replace.and_then(|word| {
            let replacement = Replacement::parse(&word);
            if replacement.is_none() {
                let words = Replacement::WORDS.map(|(word, _)| word);
                let help = match nearest(&word, words) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("it is one of {}", listed(words)),
                };
                self.refuse(&["replace"], "this is no way to replace it", &help);
            }
            replacement
        });
        let bind = self.bind(file.bind.0);
        Declaration {
            reference: reference.clone(),
            broker,
            service,
            service_plan: file.plan,
            name,
            protected: file.protected.unwrap_or(false),
            replace,
            bind,
            parameters: Value::Object(file.params.0),
            uses: Vec::new(),
            secrets: Vec::new(),
        }
    }

    fn refuse(&mut self, field: &[&str], message: &str, help: &str) {
        let keys: Vec<&str> = ["instances", self.name].into_iter().chain(field.iter().copied()).collect();
        let message = format!("{}: {message}", self.name);
        self.gather.add(Finding::new(message).at(At::value(&keys)).help(help));
    }

    /// `service`, or `broker/service`.
    fn service(&mut self, written: String) -> (Option<BrokerName>, String) {
        let (broker, service) = match written.split_once('/') {
            None => (None, written.as_str()),
            Some((broker, service)) => (Some(broker), service),
        };
        if service.is_empty() || service.contains(|c: char| c.is_control() || c.is_whitespace()) {
            self.refuse(
                &["service"],
                "the service's name is empty or holds spaces",
                "sutler catalog lists what there is",
            );
        }
        let Some(broker) = broker else { return (None, written) };
        match self.brokers.get_key_value(broker) {
            Some((known, _)) => (Some(known.clone()), service.to_owned()),
            None => {
                let known = || self.brokers.keys().map(BrokerName::as_str);
                let help = match nearest(broker, known()) {
                    Some(near) => format!("did you mean '{near}/{service}'?"),
                    None => format!("declared brokers: {}", listed(known())),
                };
                self.refuse(&["service"], &format!("there is no broker '{broker}'"), &help);
                (None, written)
            }
        }
    }

    fn bind(&mut self, entries: Vec<(String, String)>) -> IndexMap<String, VariableName> {
        let mut bind = IndexMap::with_capacity(entries.len());
        for (key, variable) in entries {
            let path = ["instances", self.name, "bind", &key];
            if !is_key(&key) {
                let message = format!("{}: '{key}' cannot be the name of an output", self.name);
                let help = "use letters, digits, '-' and '_', with dots for a path into an output";
                self.gather.add(Finding::new(message).at(At::key(&path)).help(help));
            }
            let Some(checked) = self.gather.name(VariableName::new(&variable), || At::value(&path)) else {
                continue;
            };
            if is_hostile(&variable) {
                let message = format!("{}: {variable} changes how programs run; it is never set", self.name);
                let help = "choose another name for the variable";
                self.gather.add(Finding::new(message).at(At::value(&path)).help(help));
            }
            if bind.contains_key(&key) {
                self.gather.duplicates = true;
            }
            bind.insert(key, checked);
        }
        bind
    }
}
