//! What a sweep found, for people and for programs.

use std::fmt;

use serde::Serialize;
use sutler_spec::{BindingId, InstanceId};

use crate::{providers::MarkedObject, store::Subject};

/// What a sweep found, service by service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// The services that are configured.
    pub services: Vec<ServiceSweep>,
}

impl SweepReport {
    /// How many things do not fit together.
    #[must_use]
    pub fn findings(&self) -> usize {
        self.services.iter().map(|service| service.findings.len()).sum()
    }

    /// Whether every vendor could be asked about everything.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.services.iter().all(|service| service.problems.is_empty())
    }
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceSweep {
    /// Its name in the catalog.
    pub service: String,
    /// How it was looked at.
    pub compared: Compared,
    /// What does not fit together.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub problems: Vec<String>,
}

/// How vendor and store were compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Compared {
    /// By the marks in the vendor's lists.
    ByMark {
        /// Objects that carry a mark of our form.
        objects: usize,
        /// Instances or bindings that may have one.
        expected: usize,
    },
    /// Each instance by what is recorded of it. Orphans and twins cannot be seen so.
    OneByOne {
        /// Why.
        reason: String,
        /// Instances that were asked for.
        asked: usize,
    },
    /// Not at all: see the problems.
    Not,
}

/// Something that does not fit together. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// At the vendor, with our mark, and unknown to the store.
    Orphan {
        /// The object.
        #[serde(flatten)]
        object: VendorObject,
        /// The instance that it belonged to. Without one, this store never had it: it is another installation's, or
        /// that of a store that was lost.
        instance: Option<InstanceId>,
    },
    /// Several objects of one instance or binding.
    Twin {
        /// Whose.
        #[serde(flatten)]
        owner: Owner,
        /// Them.
        objects: Vec<VendorObject>,
    },
    /// Ready in the store, gone at the vendor.
    Missing {
        /// What.
        #[serde(flatten)]
        owner: Owner,
    },
}

/// An object at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VendorObject {
    /// The vendor's id.
    pub id: String,
    /// The vendor's name.
    pub name: String,
}

impl From<MarkedObject> for VendorObject {
    fn from(object: MarkedObject) -> Self {
        Self { id: object.id, name: object.name }
    }
}

/// Whose object it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// The instance.
    pub instance: InstanceId,
    /// Its binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingId>,
}

impl From<Subject> for Owner {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Instance(instance) => Self { instance, binding: None },
            Subject::Binding(instance, binding) => Self { instance, binding: Some(binding) },
        }
    }
}

impl fmt::Display for VendorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // what a vendor calls its objects goes to a terminal: nothing of it is obeyed
        write!(f, "{} ({})", self.name.escape_debug(), self.id.escape_debug())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instance = self.instance.as_str().escape_debug();
        match &self.binding {
            Some(binding) => {
                write!(f, "binding {} of instance {instance}", binding.as_str().escape_debug())
            }
            None => write!(f, "instance {instance}"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orphan { object, instance: Some(instance) } => {
                write!(f, "orphan: {object}, left behind by instance {}", instance.as_str().escape_debug())
            }
            Self::Orphan { object, instance: None } => {
                write!(
                    f,
                    "orphan: {object}, of no instance this store ever had; perhaps of another installation"
                )
            }
            Self::Twin { owner, objects } => {
                let objects: Vec<String> = objects.iter().map(ToString::to_string).collect();
                write!(f, "twin: {owner} has {}", objects.join(" and "))
            }
            Self::Missing { owner } => write!(f, "missing: {owner} is ready here and gone at the vendor"),
        }
    }
}

impl fmt::Display for ServiceSweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.compared {
            Compared::ByMark { objects, expected } => {
                write!(f, "{}: {objects} at the vendor with a mark, {expected} in the store", self.service)?
            }
            Compared::OneByOne { reason, asked } => {
                write!(f, "{}: {asked} asked for one by one, since {reason}", self.service)?;
            }
            Compared::Not => write!(f, "{}: not compared", self.service)?,
        }
        for finding in &self.findings {
            write!(f, "\n  {finding}")?;
        }
        for problem in &self.problems {
            write!(f, "\n  problem: {problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SweepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for service in &self.services {
            writeln!(f, "{service}")?;
        }
        match (self.findings(), self.is_complete()) {
            (0, true) => write!(f, "Vendor and store agree."),
            (0, false) => write!(f, "Nothing was found, but not everything could be looked at."),
            (1, _) => write!(f, "1 finding. Nothing was changed."),
            (count, _) => write!(f, "{count} findings. Nothing was changed."),
        }
    }
}
