//! Which record belongs to which declaration, and which of them the plan is about.

use std::collections::HashMap;

use super::{Options, PlanInput, Reach, input::Draft};
use crate::{
    config::{Config, Finding},
    name::InstanceRef,
    nearest::{listed, nearest},
    state::record::InstanceRecord,
};

/// No record.
const NONE: u32 = u32::MAX;

/// Positions of declarations and records, tied together.
pub(super) struct Survey<'a> {
    pub(super) config: &'a Config,
    pub(super) records: &'a [InstanceRecord],
    /// For each declaration, its record; `NONE` when there is none.
    record_of: Vec<u32>,
    /// The records of what is not declared.
    pub(super) undeclared: Vec<usize>,
    undeclared_by_reference: HashMap<&'a str, usize>,
    /// For each declaration, whether the plan is about it; everything when empty.
    selected: Vec<bool>,
    targets: Vec<&'a str>,
}

impl<'a> Survey<'a> {
    pub(super) fn new(input: &'a PlanInput<'a>, draft: &mut Draft) -> Self {
        let (config, records) = (input.config, input.records);
        let (mut record_of, mut undeclared) = (vec![NONE; config.instances.len()], Vec::new());
        for (at, record) in records.iter().enumerate() {
            match config.instances.get_index_of(record.reference.as_str()) {
                Some(position) => record_of[position] = at as u32,
                None => undeclared.push(at),
            }
        }
        let undeclared_by_reference =
            undeclared.iter().map(|at| (records[*at].reference.as_str(), *at)).collect();
        let targets = input.options.targets.iter().map(InstanceRef::as_str).collect();
        let mut survey = Self {
            config,
            records,
            record_of,
            undeclared,
            undeclared_by_reference,
            selected: Vec::new(),
            targets,
        };
        survey.select(&input.options, draft);
        survey
    }

    /// The targets and whom they reach.
    fn select(&mut self, options: &Options, draft: &mut Draft) {
        if options.targets.is_empty() {
            return;
        }
        self.selected = vec![false; self.config.instances.len()];
        for target in &options.targets {
            let Some(position) = self.position(target.as_str()) else {
                if self.recorded(target.as_str()).is_none() {
                    draft.findings.push(self.unknown(target));
                }
                continue;
            };
            self.selected[position] = true;
            let reached = match options.reach {
                Reach::Needs => self.config.graph.ancestors(position as u32),
                Reach::Users => self.config.graph.descendants(position as u32),
            };
            for other in reached {
                self.selected[other as usize] = true;
            }
        }
    }

    fn unknown(&self, target: &InstanceRef) -> Finding {
        let declared = self.config.instances.keys().map(InstanceRef::as_str);
        let known: Vec<&str> =
            declared.chain(self.undeclared.iter().map(|at| self.reference(*at).as_str())).collect();
        let help = match nearest(target.as_str(), known.iter().copied()) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("known instances: {}", listed(known)),
        };
        Finding::new(format!("there is no instance '{target}' to target")).help(help)
    }

    fn reference(&self, record: usize) -> &'a InstanceRef {
        &self.records[record].reference
    }

    /// Where an instance is declared.
    pub(super) fn position(&self, reference: &str) -> Option<usize> {
        self.config.instances.get_index_of(reference)
    }

    /// The record of a declaration.
    pub(super) fn record(&self, position: usize) -> Option<&'a InstanceRecord> {
        self.records.get(*self.record_of.get(position)? as usize)
    }

    /// Where an instance is recorded.
    pub(super) fn recorded(&self, reference: &str) -> Option<usize> {
        match self.position(reference) {
            Some(position) => self.record_of.get(position).filter(|at| **at != NONE).map(|at| *at as usize),
            None => self.undeclared_by_reference.get(reference).copied(),
        }
    }

    /// Whether the plan is about a declaration.
    pub(super) fn is_selected(&self, position: usize) -> bool {
        self.selected.get(position).is_none_or(|selected| *selected)
    }

    /// Whether the plan is about what is not declared any more.
    pub(super) fn is_targeted(&self, reference: &str) -> bool {
        self.targets.is_empty() || self.targets.contains(&reference)
    }

    /// Whether there is anything that the plan is not about.
    pub(super) fn is_partial(&self) -> bool {
        !self.targets.is_empty()
    }
}
