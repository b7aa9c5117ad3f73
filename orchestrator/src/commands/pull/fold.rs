//! What state takes over of what was found. Decided here, written elsewhere.

use serde_json::{Map, Value};
use sutler_spec::PlanId;

use crate::commands::observe::{Observed, Standing, Verdict};
use crate::execute::outputs;
use crate::name::InstanceRef;
use crate::plan::Protection;
use crate::state::Vault;
use crate::state::record::{InstanceRecord, Named, OutputValue};
use sutler_catalog::Index;

/// What happens to a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fold {
    /// It is as it should be, or nothing is known.
    Nothing,
    /// It goes: what it stands for is gone.
    Forget,
    /// It stays although what it stands for is gone, for this reason.
    Keep(String),
    /// It takes over what was found.
    Take(Box<Taken>),
}

/// What a record takes over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taken {
    /// What the instance yields now, where that is not what is recorded.
    pub(super) outputs: Map<String, Value>,
    /// The plan that it is on, if it is another.
    pub(super) plan: Option<PlanId>,
    /// What differs at the vendor and is to be put right.
    pub(super) drift: Vec<String>,
}

/// What is known beside what was found of one instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// Whether it is protected, by state or configuration (I-05).
    pub(super) protected: bool,
    /// Whether protection holds, and doubt about a whole broker counts.
    pub(super) protection: Protection,
    /// How many instances its broker was asked about and says do not exist, when that is all of them.
    pub(super) all_missing: Option<usize>,
}

/// Decides.
pub(super) fn decide(observed: &Observed, circumstances: Circumstances) -> Fold {
    match observed.verdict {
        Verdict::NotObservable | Verdict::Unknown => Fold::Nothing,
        Verdict::Missing => gone(&observed.record, circumstances),
        Verdict::Live | Verdict::Drifted => take(observed),
    }
}

fn gone(record: &InstanceRecord, circumstances: Circumstances) -> Fold {
    let Circumstances { protected, protection, all_missing } = circumstances;
    if !record.left_over().is_empty() {
        let left = "what is left of earlier ones is still to be deleted; run `sutler apply` first";
        return Fold::Keep(left.to_owned());
    }
    if protection == Protection::Overridden {
        return Fold::Forget;
    }
    if protected {
        return Fold::Keep("it is protected; --force removes its record all the same".to_owned());
    }
    match all_missing {
        Some(count) if count > 1 => Fold::Keep(format!(
            "broker '{}' knows none of the {count} instances that it was asked about; if it is the one they were made \
             at, with the store it had then, --force removes their records",
            record.broker
        )),
        _ => Fold::Forget,
    }
}

fn take(observed: &Observed) -> Fold {
    let Some(body) = &observed.body else { return Fold::Nothing };
    let mut found = body.metadata.as_ref().map(|metadata| metadata.attributes.clone()).unwrap_or_default();
    if let Some(url) = &body.dashboard_url {
        found.insert("dashboard_url".to_owned(), Value::from(url.as_str()));
    }
    let mut taken = Taken { outputs: Map::new(), plan: None, drift: Vec::new() };
    for field in &observed.fields {
        let output = field.name.strip_prefix("outputs.").and_then(|key| found.get_key_value(key));
        match (&field.standing, output) {
            (Standing::Same | Standing::NotObservable, _) | (Standing::Unrecorded, None) => {}
            (Standing::Unrecorded, Some((key, value))) => {
                drop(taken.outputs.insert(key.clone(), value.clone()))
            }
            (Standing::Differs { .. }, _) if field.name == "plan" => taken.plan = observed.plan.clone(),
            (Standing::Differs { .. }, Some((key, value))) if !is_recorded(observed, key, value) => {
                taken.outputs.insert(key.clone(), value.clone());
            }
            (Standing::Differs { .. }, _) => taken.drift.push(field.name.clone()),
        }
    }
    let is_new = !taken.outputs.is_empty() || taken.plan.is_some() || taken.drift != observed.record.drift;
    if is_new { Fold::Take(Box::new(taken)) } else { Fold::Nothing }
}

/// Whether the attribute itself is as recorded, and only the vendor differs from it.
fn is_recorded(observed: &Observed, key: &str, value: &Value) -> bool {
    let output = observed.record.outputs.get(key);
    output.is_some_and(|output| matches!(&output.value, OutputValue::Public(recorded) if recorded == value))
}

impl Taken {
    /// The record with it.
    pub(super) fn into_record(
        self,
        record: &InstanceRecord,
        (vault, index): (&Vault, &Index),
    ) -> InstanceRecord {
        let mut record = record.clone();
        let offering = index.offering_by_id(&record.service.id);
        record.outputs.extend(outputs((vault, offering), &record.reference, self.outputs));
        if let Some(plan) = self.plan.and_then(|id| index.plan_by_id(&record.service.id, &id)) {
            record.service_plan = Named { id: plan.id.clone(), name: plan.name.clone() };
        }
        record.drift = self.drift;
        record
    }

    /// What it comes to, for the journal.
    pub(super) fn what(&self) -> String {
        let mut parts: Vec<String> = self.outputs.keys().map(|key| format!("outputs.{key}")).collect();
        parts.extend(self.plan.is_some().then(|| "plan".to_owned()));
        let mut told = Vec::new();
        if !parts.is_empty() {
            told.push(format!("{} taken over from its broker", parts.join(", ")));
        }
        if !self.drift.is_empty() {
            told.push(format!("{} found changed at the vendor", self.drift.join(", ")));
        }
        if told.is_empty() {
            told.push("what differed at the vendor is as it should be again".to_owned());
        }
        told.join("; ")
    }
}

/// For each instance, how many its broker says are missing, when that is all that it was asked about.
pub(super) fn all_missing(observed: &[Observed], of: &InstanceRef) -> Option<usize> {
    let one = observed.iter().find(|one| &one.record.reference == of)?;
    let mut count = 0;
    for other in observed.iter().filter(|other| other.record.broker == one.record.broker) {
        match other.verdict {
            Verdict::Missing => count += 1,
            Verdict::Live | Verdict::Drifted => return None,
            Verdict::NotObservable | Verdict::Unknown => {}
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sutler_spec::{InstanceBody, InstanceMetadata};

    use super::*;
    use crate::commands::observe::Field;
    use crate::state::record::{Few, OrphanRecord, Output};
    use crate::state::samples::{record, reference};

    fn observed(name: &str, verdict: Verdict) -> Observed {
        Observed {
            record: record(name),
            verdict,
            detail: String::new(),
            fields: Vec::new(),
            body: None,
            plan: None,
        }
    }

    const PLAIN: Circumstances =
        Circumstances { protected: false, protection: Protection::Respected, all_missing: None };

    #[test]
    fn a11_i_08_only_what_is_missing_is_forgotten() {
        for (verdict, fold) in [
            (Verdict::Missing, Fold::Forget),
            (Verdict::Unknown, Fold::Nothing),
            (Verdict::NotObservable, Fold::Nothing),
            (Verdict::Live, Fold::Nothing),
            (Verdict::Drifted, Fold::Nothing),
        ] {
            assert_eq!(decide(&observed("db", verdict), PLAIN), fold, "{verdict:?}");
        }
    }

    #[test]
    fn i_05_what_is_protected_is_forgotten_only_by_force() {
        let gone = observed("db", Verdict::Missing);
        let protected = Circumstances { protected: true, ..PLAIN };
        assert!(matches!(decide(&gone, protected), Fold::Keep(why) if why.contains("protected")));
        let forced = Circumstances { protection: Protection::Overridden, ..protected };
        assert_eq!(decide(&gone, forced), Fold::Forget);
    }

    #[test]
    fn what_is_still_to_be_deleted_is_not_forgotten_even_by_force() {
        let mut gone = observed("db", Verdict::Missing);
        let orphan: OrphanRecord = gone.record.as_orphan(None, "2026-12-01T00:00:00Z".to_owned());
        gone.record.orphans.push(orphan);
        let forced = Circumstances { protection: Protection::Overridden, ..PLAIN };
        assert!(matches!(decide(&gone, forced), Fold::Keep(why) if why.contains("sutler apply")));
    }

    #[test]
    fn a11_a_broker_that_knows_nothing_any_more_is_doubted() {
        let all = [
            observed("a", Verdict::Missing),
            observed("b", Verdict::Missing),
            observed("c", Verdict::Unknown),
        ];
        assert_eq!(all_missing(&all, &reference("a")), Some(2));
        let doubted = Circumstances { all_missing: Some(2), ..PLAIN };
        assert!(matches!(decide(&all[0], doubted), Fold::Keep(why) if why.contains("none of the 2")));
        assert_eq!(decide(&all[0], Circumstances { all_missing: Some(1), ..PLAIN }), Fold::Forget);
        let one_lives = [observed("a", Verdict::Missing), observed("b", Verdict::Live)];
        assert_eq!(all_missing(&one_lives, &reference("a")), None);
    }

    fn differs() -> Standing {
        Standing::Differs { recorded: None, found: None }
    }

    #[test]
    fn outputs_are_taken_over_and_what_only_the_vendor_has_otherwise_is_noted() {
        let ring = sutler_secrets::KeyRing::generate(jiff::Timestamp::UNIX_EPOCH);
        let output = |value: Value| Output {
            digest: ring.digest_json("output", &value),
            value: OutputValue::Public(value),
        };
        let mut drifted = observed("db", Verdict::Drifted);
        drifted.record.outputs =
            Few::from([("id".to_owned(), output(json!("1"))), ("name".to_owned(), output(json!("n")))]);
        let attributes = json!({ "id": "2", "name": "n", "new": true }).as_object().unwrap().clone();
        let metadata = Some(InstanceMetadata { attributes, ..InstanceMetadata::default() });
        drifted.body = Some(InstanceBody { dashboard_url: None, metadata });
        drifted.plan = Some(PlanId::new("plan-2").unwrap());
        drifted.fields = [
            ("plan", differs()),
            ("params.size", differs()),
            ("params.secret", Standing::NotObservable),
            ("outputs.id", differs()),
            ("outputs.name", differs()),
            ("outputs.token", Standing::NotObservable),
            ("outputs.new", Standing::Unrecorded),
        ]
        .map(|(name, standing)| Field { name: name.to_owned(), standing })
        .into();
        let Fold::Take(taken) = decide(&drifted, PLAIN) else { panic!("it takes nothing") };
        assert_eq!(Value::Object(taken.outputs.clone()), json!({ "id": "2", "new": true }));
        assert_eq!(taken.plan.as_ref().map(PlanId::as_str), Some("plan-2"));
        assert_eq!(taken.drift, ["params.size", "outputs.name"]);
        assert_eq!(
            taken.what(),
            "outputs.id, outputs.new, plan taken over from its broker; params.size, outputs.name found changed at the vendor"
        );
        // what was noted before and still is so, is no news
        drifted.record.drift = vec!["outputs.name".to_owned()];
        drifted.fields.retain(|field| field.name == "outputs.name");
        assert_eq!(decide(&drifted, PLAIN), Fold::Nothing);
        // and what is right again is
        drifted.fields.clear();
        assert!(matches!(decide(&drifted, PLAIN), Fold::Take(taken) if taken.drift.is_empty()));
    }
}
