//! What state remembers of one instance. Sensitive leaves are sealed; the rest can be read without a key.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sutler_secrets::{Digest, KeyRing, Sealed};
use sutler_spec::{BindingId, InstanceId, PlanId, ServiceId};

pub use super::few::Few;
use super::status::{BindingStatus, Status};
use crate::name::{BrokerName, InstanceRef, VariableName};
use crate::reference::output;

/// One instance, its binding, and what it needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceRecord {
    /// Its handle.
    pub reference: InstanceRef,
    /// The broker it lives at.
    pub broker: BrokerName,
    /// Its offering.
    pub service: Named<ServiceId>,
    /// Its plan.
    pub service_plan: Named<PlanId>,
    /// Minted by us, written down before the first byte went out.
    pub instance_id: InstanceId,
    /// What the vendor object is called.
    pub name: String,
    /// Where it stands.
    pub status: Status,
    /// Never deleted unless forced.
    pub protected: bool,
    /// Whose outputs it used: deletion runs the other way.
    pub needs: Vec<InstanceRef>,
    /// What was last asked for; in force unless `pending` is there or it was never ready.
    pub asked: Asked,
    /// A change that was asked for and has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Asked>,
    /// What it yields: credentials of its binding, attributes, `dashboard_url`.
    #[serde(default)]
    pub outputs: Few<Output>,
    /// Its binding, when one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingRecord>,
    /// Output key → variable, as last written to the sinks.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub variables: IndexMap<String, VariableName>,
    /// Digest over what was last written to the sinks for this instance; none when nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink_digest: Option<Digest>,
    /// What earlier attempts under this ref may have left at brokers, and is still to be deleted. Nothing waits for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<OrphanRecord>,
    /// The vendor's id of the object that it was made from, when it was adopted rather than made: part of the request that
    /// an unresolved creation repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<String>,
    /// Fields that were found to differ at the vendor and not put right since, such as `params.size`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<String>,
    /// The generation before it, as it was: in force until this one is ready, and again should this one never be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<InstanceRecord>>,
    /// What something newer has taken the place of: to be deleted once nobody uses it any more, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<Retired>,
    /// When it was first written down (RFC 3339).
    pub created_at: String,
}

/// What something newer has taken the place of. Unlike an orphan it was in use, and may still be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retired {
    /// What it is.
    #[serde(flatten)]
    pub what: OrphanRecord,
    /// It is kept until then (RFC 3339), for whoever still has it in hand; not at all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

impl Retired {
    /// Whether it may be deleted, as far as time goes.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|time| time <= now)
    }
}

/// What may exist at a broker and is of no use: to be deleted until the broker says that it is gone (P-ORP-02).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrphanRecord {
    /// Where it may be.
    pub broker: BrokerName,
    /// Its offering.
    pub service: Named<ServiceId>,
    /// Its plan.
    pub service_plan: Named<PlanId>,
    /// The instance, or the one that the binding is of.
    pub instance_id: InstanceId,
    /// The binding, when the instance itself is to stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_id: Option<BindingId>,
    /// Since when it is to be deleted (RFC 3339).
    pub since: String,
}

impl InstanceRecord {
    /// The same thing as an entry of the list of what is to be deleted: the instance, or one binding of it.
    #[must_use]
    pub fn as_orphan(&self, binding: Option<BindingId>, since: String) -> OrphanRecord {
        OrphanRecord {
            broker: self.broker.clone(),
            service: self.service.clone(),
            service_plan: self.service_plan.clone(),
            instance_id: self.instance_id.clone(),
            binding_id: binding,
            since,
        }
    }

    /// Its bindings: the one that it has, and the one that this one is to take the place of.
    pub fn bindings(&self) -> impl Iterator<Item = &BindingRecord> {
        let rotation = self.binding.iter().filter_map(|binding| binding.rotation.as_ref());
        self.binding.iter().chain(rotation.map(|rotation| &rotation.previous))
    }

    /// The parameters that were found to differ at the vendor.
    pub fn drifted_parameters(&self) -> impl Iterator<Item = &str> {
        self.drift.iter().filter_map(|field| field.strip_prefix("params."))
    }

    /// Everything older that it has taken the place of: what is retired, then the generation before it, the binding of
    /// that one first.
    #[must_use]
    pub fn earlier(&self, since: &str) -> Vec<Retired> {
        let mut earlier = self.retired.clone();
        if let Some(previous) = &self.previous {
            let parts = previous.bindings().map(|binding| Some(binding.binding_id.clone())).chain([None]);
            earlier.extend(
                parts.map(|part| Retired {
                    what: previous.as_orphan(part, since.to_owned()),
                    not_before: None,
                }),
            );
        }
        earlier
    }

    /// Everything beside itself that may exist because of it, and is to be deleted some day.
    #[must_use]
    pub fn left_over(&self) -> Vec<OrphanRecord> {
        let earlier = self.earlier("").into_iter().map(|retired| retired.what);
        self.orphans.iter().cloned().chain(earlier).collect()
    }

    /// What sinks hold when those at these places hold these variables of this instance:
    /// [`sink_digest`](Self::sink_digest) once they do. Nothing when it has no such output (yet).
    #[must_use]
    pub fn landing(
        &self,
        bind: &IndexMap<String, VariableName>,
        (ring, places): (&KeyRing, &str),
    ) -> Option<Digest> {
        let mut sorted: Vec<_> = bind.iter().collect();
        sorted.sort_unstable_by_key(|(_, variable)| variable.as_str());
        let mut digester = ring.digester("landing");
        digester.part(places.as_bytes());
        for (key, variable) in sorted {
            let (found, path) = output(key, |key| self.outputs.get(key))?;
            digester.part(variable.as_str().as_bytes());
            digester.part(found.digest.as_bytes());
            digester.part(path.as_bytes());
        }
        Some(digester.finish())
    }
}

/// An id and the name it went by when it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named<Id> {
    /// The id.
    pub id: Id,
    /// The name, for people.
    pub name: String,
}

/// What was asked of a broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The plan.
    pub service_plan: Named<PlanId>,
    /// Keyed digest of offering, plan, name and parameters, each reference standing for its output's digest.
    pub inputs: Digest,
    /// Keyed digest of each top-level parameter, to say which one changed without opening anything.
    pub parameter_digests: Few<Digest>,
    /// The parameters as sent: what an unresolved request repeats, letter by letter.
    pub parameters: Sealed,
    /// The maintenance version as sent, where the plan has one (P-PRV-04).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_version: Option<String>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Keyed digest of the value: consumers are compared by it, nothing is opened for a plan.
    pub digest: Digest,
    /// The value.
    #[serde(flatten)]
    pub value: OutputValue,
}

/// An output's value, in clear only when the catalog declares it public.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputValue {
    /// Declared public.
    Public(Value),
    /// Everything else.
    Secret(Sealed),
}

/// One binding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BindingRecord {
    /// Minted by us, written down before the first byte went out.
    pub binding_id: BindingId,
    /// Where it stands.
    pub status: BindingStatus,
    /// Which of the outputs are its credentials; the others are the instance's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<String>,
    /// `expires_at` and `renew_before`, as the broker told.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// The rotation that it is made for; nothing once it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Box<Rotation>>,
}

/// A binding in the place of another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    /// The one before it, as it was: in force until the new one is, and again should that never be.
    pub previous: BindingRecord,
    /// How the new one is asked for: what an unresolved request repeats, letter by letter.
    pub manner: Manner,
    /// So many seconds the one before it is kept once the new one is in force.
    pub grace: u64,
}

/// How a binding is asked for that takes the place of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// It names its predecessor, whose parameters and state it takes over (P-ROT-02).
    Successor,
    /// It is one more binding, beside the other one (P-ROT-01).
    Beside,
}

impl BindingRecord {
    /// The binding that is in force: itself, or the one before it while it is not made yet.
    #[must_use]
    pub fn in_force(&self) -> &Self {
        self.rotation.as_ref().map_or(self, |rotation| &rotation.previous)
    }
}
