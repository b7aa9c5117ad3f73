//! One run of an operation: the requests of it, in their order.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::{
    Scenario, Thing, Verb,
    things::{Form, SCRIPT, host_of, secrets_of, tables, values},
};
use crate::{
    cloudflare::Snapshot,
    faultkit::{
        evidence::{Answer, Call, Violation},
        lane::Lane,
        platform::{Mode, Wish},
    },
    world::WorldError,
};

/// One run of a scenario, with ids of its own.
#[derive(Debug, Clone)]
pub struct Story {
    scenario: Scenario,
    instance: String,
    binding: String,
}

impl Story {
    /// A story that nobody told before.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { scenario, instance: format!("i-{number}"), binding: format!("b-{number}") }
    }

    /// Its instance.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    fn request(&self, call: Call, parameters: &Value) -> Wish {
        let body = if parameters.is_null() { json!({}) } else { json!({ "parameters": parameters }) };
        let binding = matches!(call, Call::Bind | Call::Unbind).then(|| self.binding.clone());
        let offering = self.scenario.thing.offering();
        let name = format!("{call:?} {parameters}");
        Wish { call, instance: self.instance.clone(), binding, offering, body, name }
    }

    /// The binding that takes the place of the first one.
    fn rotate(&self) -> Wish {
        let mut wish = self.successor(Call::Bind);
        wish.body = json!({ "predecessor_binding_id": self.binding });
        wish
    }

    fn successor(&self, call: Call) -> Wish {
        let mut wish = self.request(call, &Value::Null);
        wish.binding = Some(format!("{}-next", self.binding));
        wish
    }

    fn provision(&self) -> Wish {
        self.request(Call::Provision, &self.scenario.thing.parameters(&self.instance, Form::First))
    }

    /// What is asked for before the faults.
    #[must_use]
    pub fn before(&self) -> Vec<Wish> {
        let bind = self.request(Call::Bind, &Value::Null);
        let is_bound = match self.scenario.verb {
            Verb::Provision => return vec![],
            Verb::Bind => false,
            // tokens that exist get the new policy, too
            Verb::Update => self.scenario.thing == Thing::Token,
            Verb::Deprovision => self.scenario.thing.is_bindable(),
            Verb::Unbind | Verb::Rotate => true,
        };
        if is_bound { vec![self.provision(), bind] } else { vec![self.provision()] }
    }

    /// What is asked for under faults.
    #[must_use]
    pub fn wish(&self) -> Wish {
        match self.scenario.verb {
            Verb::Provision => self.provision(),
            Verb::Update => self.request(Call::Update, &self.scenario.thing.change(&self.instance)),
            Verb::Deprovision => self.request(Call::Deprovision, &Value::Null),
            Verb::Bind => self.request(Call::Bind, &Value::Null),
            Verb::Unbind => self.request(Call::Unbind, &Value::Null),
            Verb::Rotate => self.rotate(),
        }
    }

    /// What is asked for when all is over: nothing is left then.
    #[must_use]
    pub fn after(&self) -> Vec<Wish> {
        let unbind = self.request(Call::Unbind, &Value::Null);
        let deprovision = self.request(Call::Deprovision, &Value::Null);
        match self.scenario.verb {
            Verb::Deprovision => vec![],
            Verb::Bind => vec![unbind, deprovision],
            Verb::Rotate => vec![unbind, self.successor(Call::Unbind), deprovision],
            _ => vec![deprovision],
        }
    }

    /// I-01 once it is quiet: the vendor has what was asked for last, and nothing of what was asked for before.
    #[must_use]
    pub fn unlike(&self, vendor: &Snapshot) -> Vec<Violation> {
        let form = match self.scenario.verb {
            Verb::Deprovision => return vec![],
            Verb::Update => Form::Second,
            _ => Form::First,
        };
        let (found, wanted) = match self.scenario.thing {
            Thing::Database => {
                let ours = vendor.databases.iter().filter(|one| one.name.starts_with("osb-"));
                let names = ours.flat_map(|one| one.tables.keys()).filter(|name| name.starts_with('t'));
                (json!(names.collect::<Vec<_>>()), json!(tables(form)))
            }
            Thing::Secrets => {
                let scripts = vendor.scripts.iter().filter(|script| script.name == SCRIPT);
                let ours = scripts
                    .flat_map(|script| &script.secrets)
                    .filter(|(name, _)| name.starts_with(&secrets_of(&self.instance)));
                (
                    json!(ours.collect::<std::collections::BTreeMap<_, _>>()),
                    json!(values(&self.instance, form)),
                )
            }
            Thing::Domain => {
                let domains = vendor.projects.iter().flat_map(|project| &project.domains);
                let ours = domains.filter(|domain| domain.name == host_of(&self.instance));
                (json!(ours.map(|domain| &domain.status).collect::<Vec<_>>()), json!(["active"]))
            }
            Thing::Token | Thing::Probe => return vec![],
        };
        if found == wanted {
            return vec![];
        }
        vec![Violation::new("I-01", format!("{}: the vendor has {found} instead of {wanted}", self.instance))]
    }

    /// Asks once more for the same (I-11), and for what cannot be (I-13, I-11).
    ///
    /// # Errors
    /// When the broker does not live.
    pub async fn look_again(&self, lane: &mut Lane, mode: Mode) -> Result<(), WorldError> {
        lane.stay_alive().await?;
        let wish = self.wish();
        let expected = if matches!(wish.call, Call::Deprovision | Call::Unbind) { 410 } else { 200 };
        self.expect(lane, (&wish, mode), &[expected], "I-11").await;
        let mut impossible = self.request(Call::Provision, &json!({ "no_such_parameter": 1 }));
        impossible.name = "refused".to_owned();
        impossible.instance.push_str("-never");
        self.expect(lane, (&impossible, mode), &[400], "I-13").await;
        if !matches!(wish.call, Call::Deprovision) {
            let mut other = self.provision();
            other.body["context"] = json!({ "platform": "elsewhere" });
            other.body["parameters"] = self.scenario.thing.parameters(&self.instance, Form::Other);
            other.name = "refused: other attributes".to_owned();
            self.expect(lane, (&other, mode), &[409], "I-11").await;
        }
        Ok(())
    }

    async fn expect(
        &self,
        lane: &mut Lane,
        (wish, mode): (&Wish, Mode),
        expected: &[u16],
        invariant: &'static str,
    ) {
        let answer = lane.platform.ask(wish, mode).await;
        let is_expected = answer.status().is_some_and(|status| expected.contains(&status));
        // an update may be taken on again: the same change is then the same end
        let is_update = wish.call == Call::Update && answer.status() == Some(202);
        if !is_expected && !is_update {
            let told = match &answer {
                Answer::Lost => "no answer".to_owned(),
                Answer::Came { status, body } => format!("{status} {body}"),
            };
            let what = format!("{}: expected {expected:?}, got {told}", wish.name);
            lane.found.push(Violation::new(invariant, what));
        }
    }
}
