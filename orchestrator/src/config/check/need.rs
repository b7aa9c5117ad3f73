//! References: each refers to a declared instance other than itself, and they form no circle.

use indexmap::IndexMap;

use super::Gather;
use crate::{
    config::{
        Declaration, Links, SecretUse, SecretVariables,
        problem::{At, Finding, pointer},
    },
    graph::Graph,
    name::InstanceRef,
    nearest::{listed, nearest},
    reference::{
        self, Form, Mention, Use,
        written::{VARIABLE, is_reserved},
    },
};

/// Fills in the uses of every declaration; who needs whom, unless they form a circle.
pub(super) fn connect(
    instances: &mut IndexMap<InstanceRef, Declaration>,
    secrets: &SecretVariables,
    gather: &mut Gather,
) -> Option<(Graph, Links)> {
    let mut targets = Vec::with_capacity(2 * instances.len());
    let mut ends = Vec::with_capacity(instances.len());
    for position in 0..instances.len() {
        let (mut uses, secret_uses) =
            Check { instances, secrets, position, targets: &mut targets, gather }.uses();
        uses.shrink_to_fit();
        ends.push(targets.len() as u32);
        let is_any = !uses.is_empty() || !secret_uses.is_empty();
        if let (true, Some((_, declaration))) = (is_any, instances.get_index_mut(position)) {
            declaration.uses = uses;
            declaration.secrets = secret_uses;
        }
    }
    let starts = std::iter::once(&0).chain(&ends);
    let edges = (0..).zip(starts.zip(&ends)).flat_map(|(position, (start, end))| {
        targets[*start as usize..*end as usize].iter().map(move |target| (position, *target))
    });
    let graph = Graph::new(instances.len(), edges);
    match graph.order() {
        Ok(order) => Some((graph, Links { ends, targets, order })),
        Err(loops) => {
            loops.iter().for_each(|found| gather.add(circle(found, instances)));
            None
        }
    }
}

struct Check<'c> {
    instances: &'c IndexMap<InstanceRef, Declaration>,
    secrets: &'c SecretVariables,
    position: usize,
    targets: &'c mut Vec<u32>,
    gather: &'c mut Gather,
}

impl Check<'_> {
    fn uses(&mut self) -> (Vec<Use>, Vec<SecretUse>) {
        let (mut uses, mut secrets) = (Vec::new(), Vec::new());
        let Some((reference, declaration)) = self.instances.get_index(self.position) else {
            return (uses, secrets);
        };
        reference::visit(&declaration.parameters, &mut |below, text| match reference::parse(text) {
            Err(flaw) => {
                let at = At::Value(pointer(&["instances", reference.as_str(), "params"]) + below);
                let finding = Finding::new(format!("{reference}: {flaw}")).at(at).help(flaw.help());
                self.gather.add(finding);
            }
            Ok(template) => {
                for (mention, form) in template.mentions() {
                    if is_reserved(mention.target) {
                        secrets.extend(self.secret(reference, mention, below));
                        continue;
                    }
                    let Some(target) = self.target(reference, mention.target, below) else { continue };
                    let (pointer, key) = (below.to_owned(), mention.key.to_owned());
                    uses.push(Use { pointer, target, key, form });
                }
            }
        });
        (uses, secrets)
    }

    /// What is no secret is in its place by now, or there is no such thing.
    fn secret(&mut self, reference: &InstanceRef, mention: Mention<'_>, below: &str) -> Option<SecretUse> {
        let Mention { target, key } = mention;
        if target == VARIABLE && self.secrets.get(key).is_some() {
            return Some(SecretUse { pointer: below.to_owned(), variable: key.to_owned() });
        }
        let at = pointer(&["instances", reference.as_str(), "params"]) + below;
        let (message, help) = if target == VARIABLE {
            let help = format!("declare it: variables: {{ {key}: {{ type: string }} }}");
            (format!("{reference} uses the variable '{key}', which is not declared"), help)
        } else {
            let message = format!("{reference}: 'each' means something only in an instance with for_each");
            (message, "add for_each: [a, b] to the instance".to_owned())
        };
        self.gather.add(Finding::new(message).at(At::Piece(at, format!("{target}.{key}"))).help(help));
        None
    }

    /// The instance of that name, unless there is none or it is the one that asks.
    fn target(&mut self, reference: &InstanceRef, name: &str, below: &str) -> Option<InstanceRef> {
        let found = self.instances.get_full(name);
        if let Some((at, known, _)) = found.filter(|(at, ..)| *at != self.position) {
            self.targets.push(at as u32);
            return Some(known.clone());
        }
        let at = At::Piece(pointer(&["instances", reference.as_str(), "params"]) + below, name.to_owned());
        let finding = if found.is_some() {
            Finding::new(format!("{reference} refers to itself"))
                .help("an instance cannot use its own outputs; write the value, or refer to another instance")
        } else {
            let known = || {
                self.instances.keys().map(InstanceRef::as_str).filter(|known| *known != reference.as_str())
            };
            let help = match nearest(name, known().filter(|_| self.gather.is_detailed())) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("declared instances: {}", listed(known())),
            };
            Finding::new(format!("{reference} refers to '{name}', which is not declared")).help(help)
        };
        self.gather.add(finding.at(at));
        None
    }
}

/// The whole circle, each step at its place.
fn circle(positions: &[u32], instances: &IndexMap<InstanceRef, Declaration>) -> Finding {
    let declaration =
        |position: u32| instances.get_index(position as usize).map(|(_, declaration)| declaration);
    let names = || positions.iter().filter_map(|position| Some(declaration(*position)?.reference.as_str()));
    let mut shown: Vec<&str> = names().take(20).collect();
    if positions.len() > shown.len() {
        shown.push("…");
    }
    shown.extend(names().next());
    let message = format!("these instances need each other: {}", shown.join(" → "));
    let mut finding = Finding::new(message).help("let one of them take the value from somewhere else");
    for (from, to) in names().zip(names().cycle().skip(1)).take(20) {
        let Some(user) =
            instances.get(from).and_then(|user| user.uses.iter().find(|used| used.target.as_str() == to))
        else {
            continue;
        };
        let piece = match user.form {
            Form::Whole => format!("@{to}."),
            Form::Embedded => format!("${{{to}."),
        };
        let at = At::Piece(pointer(&["instances", from, "params"]) + &user.pointer, piece + &user.key);
        let label = format!("{from} needs {to}");
        finding = if finding.at.is_none() { finding.at(at).label(label) } else { finding.related(at, label) };
    }
    finding
}
