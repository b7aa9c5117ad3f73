//! The facts about one declared instance, gathered from record, catalog and what happens to its producers.

use sutler_secrets::{Digest, KeyRing};

use super::{
    BindingWanted,
    decide::{Begun, Binding, Facts, InPlace, Standing},
    offer::Offer,
    parameters::{Difference, Updates, differences},
    survey::Survey,
};
use crate::{
    config::Declaration,
    digest::{Inputs, OutputDigests, Subject},
    name::InstanceRef,
    reference::{output, written::VARIABLE},
    state::{
        record::InstanceRecord,
        status::{BindingStatus, Status},
    },
};

/// What happens to the outputs of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// They stay.
    Settled,
    /// They may change.
    Touched,
    /// They are not known before it has been made.
    Renewed,
}

/// One declared instance, and everything it is compared with.
pub(super) struct Case<'c> {
    pub(super) survey: &'c Survey<'c>,
    pub(super) position: usize,
    pub(super) declaration: &'c Declaration,
    pub(super) offer: &'c Offer<'c>,
    pub(super) ring: &'c KeyRing,
    pub(super) record: Option<&'c InstanceRecord>,
    pub(super) wanted: BindingWanted,
    /// What happens to each declared instance, as far as decided.
    pub(super) effects: &'c [Effect],
    /// Where variables land.
    pub(super) places: &'c str,
    /// For each use, the position of the instance it refers to.
    pub(super) targets: &'c [u32],
}

impl OutputDigests for Case<'_> {
    fn output_digest(&self, target: &str, key: &str) -> Option<Digest> {
        if target == VARIABLE {
            return self.survey.config.secrets.digest(key, self.ring);
        }
        let used = self.declaration.uses.iter().position(|used| used.target.as_str() == target)?;
        let producer = *self.targets.get(used)? as usize;
        if self.effects.get(producer) == Some(&Effect::Renewed) {
            return None;
        }
        Some(self.survey.record(producer)?.outputs.get(key)?.digest)
    }
}

impl<'c> Case<'c> {
    /// Whether what a use refers to is known only once its instance has been made or changed.
    pub(super) fn is_unknown(&self, used: usize) -> bool {
        self.declaration.uses.get(used).is_none_or(|used| {
            output(&used.key, |key| self.output_digest(used.target.as_str(), key)).is_none()
        })
    }

    /// Gathers the facts, and the parameters that differ.
    pub(super) fn facts(&self, inputs: &mut Inputs<'_>) -> (Facts<'c>, Vec<Difference<'c>>) {
        let Some(record) = self.record else { return (blank(Standing::Absent), Vec::new()) };
        let name = self.name(record);
        let renamed = matches!(name, Some((_, InPlace::Possible)));
        let subject = Subject {
            service: &self.offer.offering.id,
            service_plan: &self.offer.service_plan.id,
            name: if renamed || name.is_none() { &self.declaration.name } else { &record.name },
        };
        let same = inputs.digest(subject, &self.declaration.parameters, self) == Some(record.asked.inputs);
        let standing = standing(record, same);
        if !matches!(standing, Standing::Ready | Standing::Changing) {
            return (Facts { moved: self.moved(record), ..blank(standing) }, Vec::new());
        }
        let different = match same && record.drift.is_empty() {
            true => Vec::new(),
            false => differences((self.declaration, record), self.offer, self, inputs),
        };
        let (drifted, changed): (Vec<_>, Vec<_>) = different.iter().partition(|one| one.drifted);
        let facts = Facts {
            standing,
            moved: self.moved(record),
            service_plan: self.service_plan(record),
            parameters: changed.iter().map(|one| (one.key, one.in_place)).collect(),
            drifted: drifted.iter().map(|one| one.key).collect(),
            name,
            binding: binding(record, self.wanted),
            written: self.written(record, inputs.ring()),
            touched: self
                .needs()
                .filter(|(_, effect)| *effect == Effect::Touched)
                .map(|(name, _)| name)
                .collect(),
            rigid: self.rigid(),
        };
        (facts, different)
    }

    /// The parameters that may change with a producer and that no update takes.
    fn rigid(&self) -> Vec<(&'c str, &'static str)> {
        let updates = Updates::of(self.offer);
        let touched = |at: usize| self.effects.get(self.targets[at] as usize) == Some(&Effect::Touched);
        let mut rigid: Vec<(&str, &str)> = Vec::new();
        for (_, used) in self.declaration.uses.iter().enumerate().filter(|(at, _)| touched(*at)) {
            let pointer = used.pointer.strip_prefix('/').unwrap_or(&used.pointer);
            let written = pointer.split('/').next().unwrap_or(pointer).replace("~1", "/").replace("~0", "~");
            let parameters = self.declaration.parameters.as_object();
            let Some((key, _)) = parameters.and_then(|all| all.get_key_value(&written)) else { continue };
            if let (InPlace::Not(why), false) =
                (updates.takes(key), rigid.iter().any(|(known, _)| known == key))
            {
                rigid.push((key, why));
            }
        }
        rigid
    }

    /// Whether a record of another ref is of the same offering and plan, and was asked for with the same parameters.
    pub(super) fn is_like(&self, record: &InstanceRecord, ring: &KeyRing) -> bool {
        let (service, service_plan) = (&self.offer.offering.id, &self.offer.service_plan.id);
        let alike = record.broker == *self.offer.broker
            && record.service.id == *service
            && record.service_plan.id == *service_plan;
        let subject = Subject { service, service_plan, name: &record.name };
        alike
            && Inputs::new(ring).digest(subject, &self.declaration.parameters, self)
                == Some(record.asked.inputs)
    }

    fn moved(&self, record: &InstanceRecord) -> Option<(String, String)> {
        let (broker, service) = (self.offer.broker, &self.offer.offering.id);
        (record.broker != *broker || record.service.id != *service).then(|| {
            let before = format!("{}/{}", record.broker, record.service.name);
            (before, format!("{broker}/{}", self.offer.offering.name))
        })
    }

    fn service_plan(&self, record: &'c InstanceRecord) -> Option<(&'c str, &'c str, InPlace)> {
        let (offering, plan) = (self.offer.offering, self.offer.service_plan);
        if record.service_plan.id == plan.id || record.service.id != offering.id {
            return None;
        }
        // What counts is what the plan says that the instance is on; it may be gone from the catalog.
        let current = self.offer.index.plan_by_id(&record.service.id, &record.service_plan.id);
        let updateable = current.map_or(offering.plan_updateable, |plan| offering.is_plan_updateable(plan));
        let in_place =
            if updateable { InPlace::Possible } else { InPlace::Not("the plan cannot be changed in place") };
        Some((&record.service_plan.name, &plan.name, in_place))
    }

    fn name(&self, record: &'c InstanceRecord) -> Option<(&'c str, InPlace)> {
        (record.name != self.declaration.name).then(|| {
            let in_place = match self.offer.offering.allow_context_updates {
                true => InPlace::Possible,
                false => InPlace::Not("the service does not take another name"),
            };
            (record.name.as_str(), in_place)
        })
    }

    fn written(&self, record: &InstanceRecord, ring: &KeyRing) -> Vec<&'static str> {
        let mut written = Vec::new();
        if record.protected != self.declaration.protected {
            written.push(if record.protected {
                "that it is not protected is"
            } else {
                "that it is protected is"
            });
        }
        let bind = &self.declaration.bind;
        let has_landed = || {
            record
                .landing(bind, (ring, self.places))
                .is_none_or(|landing| record.sink_digest == Some(landing))
        };
        if record.variables != *bind || !bind.is_empty() && !has_landed() {
            written.push("its variables are");
        }
        let mut needed = self.needs();
        let count = self.survey.config.graph.needs(self.position as u32).len();
        if record.needs.len() != count
            || !needed.all(|(name, _)| record.needs.iter().any(|need| need.as_str() == name))
        {
            written.push("what it needs is");
        }
        written
    }

    fn needs(&self) -> impl Iterator<Item = (&'c str, Effect)> {
        let (survey, effects) = (self.survey, self.effects);
        survey.config.graph.needs(self.position as u32).iter().filter_map(move |need| {
            let (name, _) = survey.config.instances.get_index(*need as usize)?;
            Some((InstanceRef::as_str(name), effects[*need as usize]))
        })
    }
}

fn blank(standing: Standing<'_>) -> Facts<'_> {
    Facts {
        standing,
        moved: None,
        service_plan: None,
        parameters: Vec::new(),
        drifted: Vec::new(),
        name: None,
        binding: Binding::Settled,
        written: Vec::new(),
        touched: Vec::new(),
        rigid: Vec::new(),
    }
}

fn standing(record: &InstanceRecord, same: bool) -> Standing<'_> {
    let id = &record.instance_id;
    match record.status {
        Status::Intended | Status::Provisioning { .. } => {
            Standing::Unfinished(id, if same { Begun::Alike } else { Begun::Otherwise })
        }
        Status::Doubtful => Standing::Doubtful(id),
        Status::DeletionIntended | Status::Deprovisioning { .. } => Standing::Leaving(id),
        Status::ChangeIntended | Status::Updating { .. } => Standing::Changing,
        Status::Ready => Standing::Ready,
    }
}

fn binding(record: &InstanceRecord, wanted: BindingWanted) -> Binding {
    match (wanted, record.binding.as_ref().map(|binding| &binding.status)) {
        (BindingWanted::Wanted, Some(BindingStatus::Bound)) | (BindingWanted::NotWanted, None) => {
            Binding::Settled
        }
        (BindingWanted::Wanted, None) => Binding::Missing,
        (BindingWanted::Wanted, Some(_)) => Binding::Unfinished,
        (BindingWanted::NotWanted, Some(_)) => Binding::Superfluous,
    }
}
