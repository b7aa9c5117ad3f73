//! What is wrong with a catalog, and where.

use std::fmt;

use sutler_spec::{ServiceOffering, ServicePlan};

use crate::Problem;

/// Whether a catalog can be used in spite of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Some platform stumbles over it, or advice is not followed; it can be used.
    Warning,
    /// It breaks a rule without which names, ids or parameters cannot be trusted; it is refused.
    Error,
}

/// One thing that is wrong with a catalog. All texts are safe to print, whoever wrote the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogProblem {
    /// Whether it can be used in spite of it.
    pub severity: Severity,
    /// The offering, by name and id; nothing for the catalog as a whole.
    pub service: Option<String>,
    /// The plan, by name and id; nothing for the offering as a whole.
    pub plan: Option<String>,
    /// The requirement that is not met, such as `B-CSV-01`, `S-54` or `quirk 16`.
    pub rule: &'static str,
    /// What is wrong, in words.
    pub message: String,
}

impl fmt::Display for CatalogProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.severity {
            Severity::Error => f.write_str("error: ")?,
            Severity::Warning => f.write_str("warning: ")?,
        }
        if let Some(service) = &self.service {
            write!(f, "offering {service}: ")?;
        }
        if let Some(plan) = &self.plan {
            write!(f, "plan {plan}: ")?;
        }
        write!(f, "{} ({})", self.message, self.rule)
    }
}

/// Gathers problems; a hostile catalog gets no more than a thousand of them listed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    problems: Vec<CatalogProblem>,
    omitted: usize,
    refused: bool,
}

/// Problems listed at most.
const LISTED: usize = 1_000;

/// Where a problem is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    pub(crate) service: Option<&'a ServiceOffering>,
    pub(crate) plan: Option<&'a ServicePlan>,
}

impl Report {
    pub(crate) fn error(&mut self, place: Place<'_>, rule: &'static str, message: impl Into<String>) {
        self.refused = true;
        self.add(Severity::Error, place, (rule, message.into()));
    }

    pub(crate) fn warning(&mut self, place: Place<'_>, rule: &'static str, message: impl Into<String>) {
        self.add(Severity::Warning, place, (rule, message.into()));
    }

    fn add(&mut self, severity: Severity, place: Place<'_>, (rule, message): (&'static str, String)) {
        if self.problems.len() >= LISTED {
            self.omitted += 1;
            return;
        }
        let named = |name: &str, id: &str| format!("'{}' ({})", printable_name(name), printable_name(id));
        self.problems.push(CatalogProblem {
            severity,
            service: place.service.map(|service| named(&service.name, service.id.as_str())),
            plan: place.plan.map(|plan| named(&plan.name, plan.id.as_str())),
            rule,
            message: Problem::printable(&message),
        });
    }

    /// Whether there is an error.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// All problems; errors first.
    pub(crate) fn into_problems(mut self) -> Vec<CatalogProblem> {
        if self.omitted > 0 {
            self.problems.push(CatalogProblem {
                severity: if self.refused { Severity::Error } else { Severity::Warning },
                service: None,
                plan: None,
                rule: "S-54",
                message: format!("and {} more problems", self.omitted),
            });
        }
        self.problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
        self.problems
    }
}

/// A name fit for a message: escaped, and not so long that it hides the rest.
pub(crate) fn printable_name(name: &str) -> String {
    let short: String = name.chars().take(80).collect();
    let cut = if short.len() < name.len() { "…" } else { "" };
    Problem::printable(&short) + cut
}
