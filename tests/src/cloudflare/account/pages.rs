//! Pages projects, and how the validation of their domains is to end.

use std::collections::BTreeMap;
use std::time::Instant;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::domains::Domain;
use super::snapshot::ProjectState;
use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, PageRule, Refusal};
use crate::cloudflare::ledger::{Effect, Kind};

const PAGES: PageRule =
    PageRule { default: 20, least: 1, most: 100, counts_pages: true, bad_request: 8_000_000 };
const LONGEST_NAME: usize = 58;

/// How the validation of a domain ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The end.
    pub ending: Ending,
    /// What the vendor says about a failure.
    #[serde(default)]
    pub error_message: Option<String>,
    /// Whether a retry starts over and then ends active.
    #[serde(default)]
    pub recovers: bool,
    /// How the certificate is validated.
    #[serde(default)]
    pub method: ValidationMethod,
}

impl Outcome {
    /// An end without a message, from which a retry does not recover.
    pub fn new(ending: Ending) -> Self {
        Self { ending, error_message: None, recovers: false, method: ValidationMethod::Http }
    }

    /// A retry starts over and then ends active.
    #[must_use]
    pub fn recovering(self) -> Self {
        Self { recovers: true, ..self }
    }
}

/// Where a domain ends up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It serves.
    Active,
    /// A zone hold or a policy is in the way.
    Blocked,
    /// The validation failed.
    Error,
    /// It is no longer pointed at the project.
    Deactivated,
    /// It stays pending.
    Stuck,
    /// A status nobody has heard of. The contract does not judge it.
    Other(String),
}

/// How a certificate is validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidationMethod {
    /// A file on the host.
    #[default]
    Http,
    /// A DNS record, shown in the answer.
    Txt,
}

/// All projects, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pages {
    projects: IndexMap<String, Project>,
    outcomes: BTreeMap<String, Outcome>,
}

/// One project.
#[derive(Debug)]
pub(super) struct Project {
    id: String,
    name: String,
    production_branch: String,
    created_on: String,
    born: Instant,
    pub(super) domains: IndexMap<String, Domain>,
}

impl Pages {
    pub(super) fn end_validation(&mut self, hostname: &str, outcome: Outcome) {
        let hostname = hostname.to_ascii_lowercase();
        for project in self.projects.values_mut() {
            if let Some(domain) = project.domains.get_mut(&hostname) {
                domain.outcome = outcome.clone();
            }
        }
        self.outcomes.insert(hostname, outcome);
    }

    /// How a new domain of this name is to end.
    pub(super) fn outcome(&self, hostname: &str) -> Outcome {
        self.outcomes.get(hostname).cloned().unwrap_or_else(|| Outcome::new(Ending::Active))
    }

    /// Whether any project has this domain.
    pub(super) fn has_domain(&self, hostname: &str) -> bool {
        self.projects.values().any(|project| project.domains.contains_key(hostname))
    }

    /// The project of a call.
    pub(super) fn get(&mut self, call: &Call) -> Result<&mut Project, Refusal> {
        self.projects.get_mut(call.parameter("project_name")).ok_or_else(missing)
    }

    pub(super) fn states(&self, pace: super::Pace) -> Vec<ProjectState> {
        let state = |project: &Project| ProjectState {
            name: project.name.clone(),
            subdomain: project.subdomain(),
            domains: project.domains.values().map(|domain| domain.state(pace)).collect(),
        };
        self.projects.values().map(state).collect()
    }
}

impl Project {
    fn subdomain(&self) -> String {
        format!("{}.pages.dev", self.name)
    }

    fn shown(&self) -> Value {
        let own = self.subdomain();
        let domains: Vec<&String> = std::iter::once(&own).chain(self.domains.keys()).collect();
        json!({
            "id": self.id,
            "name": self.name,
            "subdomain": own,
            "domains": domains,
            "production_branch": self.production_branch,
            "created_on": self.created_on,
        })
    }
}

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let projects = account.pages.projects.values();
    let found = projects.filter(|project| account.lists(project.born)).map(Project::shown).collect();
    PAGES.cut(call, found)
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("name").filter(|name| is_name(name)).ok_or_else(|| bad("name"))?;
    let branch = call.text("production_branch").ok_or_else(|| bad("production_branch"))?;
    if account.pages.projects.contains_key(name) {
        return Err(Refusal::new(409, 8_000_002, "a project of this name exists"));
    }
    let project = Project {
        id: identity::uuid(),
        name: name.to_owned(),
        production_branch: branch.to_owned(),
        created_on: identity::now(),
        born: Instant::now(),
        domains: IndexMap::new(),
    };
    let answer = Answer::result(project.shown());
    let effect = Effect::created(Kind::PagesProject, &project.id, &project.name);
    account.pages.projects.insert(name.to_owned(), project);
    Ok(answer.with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(account.pages.get(call)?.shown()))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let project = account.pages.projects.shift_remove(call.parameter("project_name")).ok_or_else(missing)?;
    let mut answer = Answer::result(Value::Null);
    answer.effects.extend(project.domains.values().map(Domain::deleted));
    Ok(answer.with(Effect::deleted(Kind::PagesProject, &project.id, &project.name)))
}

fn is_name(name: &str) -> bool {
    let known = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(known)
}

fn missing() -> Refusal {
    Refusal::new(404, 8_000_007, "there is no such project")
}

/// The product's code for this is not known; the number is ours.
fn bad(name: &str) -> Refusal {
    Refusal::new(400, 8_000_000, format!("invalid value for {name}"))
}
