//! The operations of the sweep: what is there before, what is asked for, what has to be true, what is cleaned up.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};

use super::{
    evidence::{Answer, Call, Violation},
    lane::Lane,
    platform::{Mode, Wish},
};
use crate::world::WorldError;

/// The offering of databases, and its plan.
const DATABASE: (&str, &str) =
    ("768afe86-2cae-470f-b250-af833fe776aa", "e3a772a3-b0ff-40f8-b335-819695929a2a");
/// The offering of tokens, and its plan.
const TOKEN: (&str, &str) = ("c3a4d491-a1bd-4be5-a5b2-b5f1472ac7b3", "fb15f378-e453-442e-a90c-22bf5935bc5a");

/// An operation on something of a certain kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// A database, with two migrations: unique names (class N).
    ProvisionDatabase,
    /// One more migration.
    UpdateDatabase,
    /// A database with a binding.
    DeprovisionDatabase,
    /// A token: shown once (class X).
    BindToken,
    /// A token that exists.
    UnbindToken,
    /// A policy with a token.
    UpdateToken,
    /// A policy with a token that nobody unbound.
    DeprovisionToken,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ProvisionDatabase,
        Self::BindToken,
        Self::UnbindToken,
        Self::UpdateDatabase,
        Self::DeprovisionDatabase,
        Self::UpdateToken,
        Self::DeprovisionToken,
    ];

    /// A plan that kills the broker in the middle of the first call that changes something.
    #[must_use]
    pub fn interrupted(self) -> &'static str {
        "B10=kill@2"
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ProvisionDatabase => "provision-database",
            Self::UpdateDatabase => "update-database",
            Self::DeprovisionDatabase => "deprovision-database",
            Self::BindToken => "bind-token",
            Self::UnbindToken => "unbind-token",
            Self::UpdateToken => "update-token",
            Self::DeprovisionToken => "deprovision-token",
        })
    }
}

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

    fn offering(&self) -> (&'static str, &'static str) {
        match self.scenario {
            Scenario::ProvisionDatabase | Scenario::UpdateDatabase | Scenario::DeprovisionDatabase => {
                DATABASE
            }
            _ => TOKEN,
        }
    }

    fn request(&self, call: Call, parameters: &Value) -> Wish {
        let body = if parameters.is_null() { json!({}) } else { json!({ "parameters": parameters }) };
        let binding = matches!(call, Call::Bind | Call::Unbind).then(|| self.binding.clone());
        let name = format!("{call:?} {parameters}");
        Wish { call, instance: self.instance.clone(), binding, offering: self.offering(), body, name }
    }

    fn provision(&self) -> Wish {
        if self.offering() == DATABASE {
            self.request(Call::Provision, &json!({ "migrations": migrations(2) }))
        } else {
            self.request(
                Call::Provision,
                &json!({ "resources": { "account": true }, "permissions": ["D1 Read"] }),
            )
        }
    }

    /// What is asked for before the faults.
    #[must_use]
    pub fn before(&self) -> Vec<Wish> {
        let bind = self.request(Call::Bind, &Value::Null);
        match self.scenario {
            Scenario::ProvisionDatabase => vec![],
            Scenario::UpdateDatabase | Scenario::BindToken => vec![self.provision()],
            _ => vec![self.provision(), bind],
        }
    }

    /// What is asked for under faults.
    #[must_use]
    pub fn wish(&self) -> Wish {
        match self.scenario {
            Scenario::ProvisionDatabase => self.provision(),
            Scenario::UpdateDatabase => self
                .request(Call::Update, &json!({ "migrations": migrations(3), "read_replication": "auto" })),
            Scenario::UpdateToken => self.request(Call::Update, &json!({ "permissions": ["D1 Write"] })),
            Scenario::DeprovisionDatabase | Scenario::DeprovisionToken => {
                self.request(Call::Deprovision, &Value::Null)
            }
            Scenario::BindToken => self.request(Call::Bind, &Value::Null),
            Scenario::UnbindToken => self.request(Call::Unbind, &Value::Null),
        }
    }

    /// What is asked for when all is over: nothing is left then.
    #[must_use]
    pub fn after(&self) -> Vec<Wish> {
        let unbind = self.request(Call::Unbind, &Value::Null);
        let deprovision = self.request(Call::Deprovision, &Value::Null);
        match self.scenario {
            Scenario::DeprovisionDatabase | Scenario::DeprovisionToken => vec![],
            Scenario::BindToken => vec![unbind, deprovision],
            _ => vec![deprovision],
        }
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
            other.body["parameters"]["ttl_hours"] = json!(7);
            if self.offering() == DATABASE {
                other.body["parameters"] = json!({ "primary_location_hint": "apac" });
            }
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

fn migrations(count: usize) -> Value {
    let one = |number| json!({ "name": format!("{number:04}.sql"), "sql": format!("CREATE TABLE t{number} (id INTEGER)") });
    Value::Array((1..=count).map(one).collect())
}
