//! Setting what is wanted, in one call, over nothing that is not ours.

use sutler_catalog::cloudflare::secrets::Parameters;

use super::{
    super::{
        client::CallError,
        recorded::{self, next, unknown_step},
    },
    LISTING, Secrets, WRITE, attributes, refused,
    set::{Difference, Known},
};
use crate::providers::{Attempt, Progress, ProviderError, ProvisionedInstance, Refusal, Step};

impl Secrets {
    /// Compares what is wanted with what is there. `certain` as in [`Difference::between`].
    pub(super) async fn compare(
        &self,
        before: Option<&Known>,
        after: Known,
        certain: bool,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let script = after.script.clone();
        let found = self.workers.names(&script).await.map_err(|error| refused(error, &script, LISTING))?;
        let found = found.into_iter().collect();
        let difference = Difference::between(before, after, &found, certain)
            .map_err(|foreign| ProviderError::refused(Refusal::Conflict, in_the_way(&script, &foreign)))?;
        if difference.is_empty() { done(&difference.after) } else { next(WRITE, &difference) }
    }

    /// Writes the difference. It may be written again: the names were free, or ours, when the work began.
    pub(super) async fn write(
        &self,
        step: &Step<'_>,
        wanted: &Parameters,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let difference: Difference = recorded::data(step.checkpoint)?;
        let mut changes: Vec<(&str, Option<&str>)> = Vec::new();
        for name in &difference.put {
            let text = wanted.secrets.get(name).ok_or_else(|| unknown_step(WRITE))?;
            changes.push((name, Some(text.expose())));
        }
        changes.extend(difference.remove.iter().map(|name| (name.as_str(), None)));
        let script = &difference.after.script;
        match self.workers.change(script, changes).await {
            Ok(()) => done(&difference.after),
            // nothing was written, ever: what the Worker gets later is not ours
            Err(error @ CallError::Refused { .. })
                if step.instance.record.is_none() && step.attempt == Attempt::First =>
            {
                Err(error.while_trying_to(WRITING))
            }
            Err(error) => Err(refused(error, script, WRITING)),
        }
    }
}

/// What users are told about writing.
const WRITING: &str = "change the secrets of the Worker";

fn done(known: &Known) -> Result<Progress<ProvisionedInstance>, ProviderError> {
    Ok(Progress::Done(ProvisionedInstance {
        record: recorded::record(known)?,
        dashboard_url: None,
        labels: serde_json::Map::new(),
        attributes: attributes(known),
    }))
}

fn in_the_way(script: &str, names: &[String]) -> String {
    format!(
        "secrets: the Worker {script} has {} already, not from this instance; what is there is left alone. Remove it \
         from the Worker or choose other names",
        names.join(", ")
    )
}
