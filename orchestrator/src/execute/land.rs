//! Writing an instance's variables to the sinks: after state knows the values, and noted in state afterwards.

use indexmap::IndexMap;
use serde_json::Value;
use sutler_secrets::SecretString;

use super::create::take_declaration;
use super::error::StepError;
use super::step::Step;
use crate::faults;
use crate::name::VariableName;
use crate::reference::{member, output};
use crate::sink::Edits;
use crate::state::record::InstanceRecord;

impl Step {
    /// Writes what is to be written, removes what is gone, and records whatever changed about the record.
    pub(super) async fn land(&self, mut record: InstanceRecord) -> Result<(), StepError> {
        let declaration = self.declaration()?;
        take_declaration(&mut record, declaration);
        let bind = &declaration.bind;
        let landing = record.landing(bind, (self.shared.context.vault.ring(), &self.shared.places));
        if landing.is_none() || record.sink_digest != landing || record.variables != *bind {
            let edits = self.edits(&record, bind)?;
            if faults::mutant("sink_before_state") {
                let early = landing.filter(|_| !bind.is_empty());
                let record = InstanceRecord { sink_digest: early, variables: bind.clone(), ..record.clone() };
                self.shared.put(&record, "variables written").await?;
            }
            faults::pass("O11-before").await;
            self.shared.context.sinks.write(edits).await?;
            faults::pass("O11-after").await;
            record.variables.clone_from(bind);
            record.sink_digest = landing.filter(|_| !bind.is_empty());
        }
        if self.record().as_ref() == Some(&record) {
            return Ok(());
        }
        faults::pass("O12-before").await;
        self.shared.put(&record, if bind.is_empty() { "recorded" } else { "variables written" }).await?;
        faults::pass("O12-after").await;
        Ok(())
    }

    /// Removes what was written for a record that is going away.
    pub(super) async fn remove_variables(&self, record: &InstanceRecord) -> Result<(), StepError> {
        let remove = self.unclaimed(record.variables.values());
        Ok(self.shared.context.sinks.write(Edits { put: Vec::new(), remove }).await?)
    }

    fn edits(
        &self,
        record: &InstanceRecord,
        bind: &IndexMap<String, VariableName>,
    ) -> Result<Edits, StepError> {
        let put =
            bind.iter().map(|(key, variable)| Ok((variable.clone(), self.value(record, key, variable)?)));
        let put = put.collect::<Result<_, StepError>>()?;
        Ok(Edits { put, remove: self.unclaimed(record.variables.values()) })
    }

    /// Variables that no declaration binds: also not another one, to which a variable may have moved.
    fn unclaimed<'v>(&self, variables: impl Iterator<Item = &'v VariableName>) -> Vec<VariableName> {
        variables.filter(|variable| !self.shared.is_claimed(variable)).cloned().collect()
    }

    /// A text as it is, everything else as compact JSON.
    fn value(
        &self,
        record: &InstanceRecord,
        key: &str,
        variable: &VariableName,
    ) -> Result<SecretString, StepError> {
        let missing = || StepError::MissingOutput {
            key: key.to_owned(),
            variable: variable.clone(),
            has: record.outputs.keys().map(str::to_owned).collect(),
        };
        let known = |key: &str| record.outputs.get_key_value(key);
        let ((key, found), path) = output(key, known).ok_or_else(missing)?;
        let opened = self.shared.context.vault.open_output(&record.reference, key, found)?;
        match member(opened.expose(), path).ok_or_else(missing)? {
            Value::String(text) => Ok(SecretString::from(text.as_str())),
            other => Ok(SecretString::new(other.to_string())),
        }
    }
}
