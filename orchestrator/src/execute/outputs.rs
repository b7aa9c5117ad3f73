//! What instances and bindings yield, as state keeps it: in clear only what the catalog declares public (S-41).

use serde_json::{Map, Value};
use sutler_catalog::declared_outputs;
use sutler_spec::{BindingBody, InstanceBody, ServiceOffering};

use super::error::StepError;
use super::step::Step;
use crate::name::InstanceRef;
use crate::state::record::{Few, InstanceRecord, Output};
use crate::state::{Secrecy, Vault};

/// The attribute in which brokers of ours list what differs at the vendor from what was asked for.
pub(crate) const DRIFT: &str = "x-sutler-drift";

/// The most that credentials may take (S-57).
const LARGEST: usize = 256 << 10;

impl Step {
    /// Takes over what an instance yields by itself.
    pub(super) fn take_instance(
        &self,
        record: &mut InstanceRecord,
        body: InstanceBody,
    ) -> Result<(), StepError> {
        let mut attributes = body.metadata.map(|metadata| metadata.attributes).unwrap_or_default();
        // What differs at the vendor is news, and nothing that an instance yields.
        attributes.remove(DRIFT);
        let credentials = record.binding.iter().flat_map(|binding| &binding.credentials);
        let bound: Vec<String> = credentials.cloned().collect();
        let mut outputs: Map<String, Value> = attributes;
        if let Some(url) = body.dashboard_url {
            outputs.insert("dashboard_url".to_owned(), Value::from(url));
        }
        outputs.retain(|key, _| !bound.contains(key));
        let outputs = self.outputs(record, outputs)?;
        record.outputs.extend(outputs);
        Ok(())
    }

    /// Takes over what a binding yields, in place of what it yielded before.
    pub(super) fn take_binding(
        &self,
        record: &mut InstanceRecord,
        body: &BindingBody,
    ) -> Result<(), StepError> {
        let credentials = body.credentials.as_ref().map(|credentials| credentials.expose().clone());
        let credentials = credentials.unwrap_or_default();
        let bytes = serde_json::to_vec(&credentials).map(|text| text.len()).unwrap_or(usize::MAX);
        if bytes > LARGEST {
            return Err(StepError::TooLarge { bytes, limit: LARGEST });
        }
        let outputs = self.outputs(record, credentials)?;
        drop_credentials(record);
        let keys = outputs.keys().map(str::to_owned).collect();
        record.outputs.extend(outputs);
        if let Some(binding) = &mut record.binding {
            binding.credentials = keys;
            let metadata = body.metadata.as_ref().and_then(|metadata| serde_json::to_value(metadata).ok());
            binding.metadata = match metadata {
                Some(Value::Object(members)) => members,
                _ => Map::new(),
            };
        }
        Ok(())
    }

    fn outputs(&self, record: &InstanceRecord, values: Map<String, Value>) -> Result<Few<Output>, StepError> {
        let offering = self.offered(record)?.map(|(offering, _)| offering);
        Ok(outputs((&self.shared.context.vault, offering), &record.reference, values))
    }
}

/// Values as state keeps them: sealed, unless the catalog declares them public.
pub(crate) fn outputs(
    (vault, offering): (&Vault, Option<&ServiceOffering>),
    reference: &InstanceRef,
    values: Map<String, Value>,
) -> Few<Output> {
    let declared = offering.and_then(declared_outputs).unwrap_or_default();
    let seal = |(key, value): (String, Value)| {
        let public = declared.iter().any(|output| output.name == key && !output.is_secret());
        let secrecy = if public { Secrecy::Public } else { Secrecy::Secret };
        let digest = vault.ring().digest_json("output", &value);
        let output = vault.output((reference, &key), (value, digest), secrecy);
        (key, output)
    };
    values.into_iter().map(seal).collect()
}

/// Drops what a binding yielded.
pub(super) fn drop_credentials(record: &mut InstanceRecord) {
    if let Some(binding) = &mut record.binding {
        for key in std::mem::take(&mut binding.credentials) {
            record.outputs.remove(&key);
        }
    }
}
