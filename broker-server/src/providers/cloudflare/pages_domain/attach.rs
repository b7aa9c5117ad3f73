//! Adding the domain once, and waiting until it serves.

use jiff::Timestamp;
use sutler_catalog::cloudflare::pages_domain::Parameters;

use super::{
    super::{
        client::CallError,
        recorded::{self, at, next},
    },
    ADD, LOOKING, POLL, PagesDomain, RETRY,
    domains::{Domain, NO_PROJECT},
    is_same,
    watch::{Known, Outlook, Watch},
};
use crate::providers::{
    Attempt, Progress, ProviderError, ProvisionedInstance, Refusal, Repeatability, Step, Usability,
};

impl PagesDomain {
    /// Nothing was added yet, unless earlier work left something: a domain that is there is foreign.
    pub(super) async fn begin(
        &self,
        step: &Step<'_>,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let Parameters { project, hostname } = recorded::wanted(&step.instance.parameters)?;
        let left_over: Option<Known> = recorded::left_over(step.checkpoint);
        let target = self.pages.subdomain(&project).await;
        let target = target.map_err(|error| refused(error, &project, "look at the Pages project"))?;
        match self.pages.read(&project, &hostname).await {
            Ok(found) => {
                let known = Known { project, hostname, domain_id: Some(found.id.clone()), target };
                match left_over {
                    Some(before) if is_same(&before, &found) => self.watch(known),
                    _ => Err(conflict(&known.hostname)),
                }
            }
            Err(CallError::Missing { .. }) => {
                next(ADD, &Known { project, hostname, domain_id: None, target })
            }
            Err(error) => Err(error.while_trying_to(LOOKING)),
        }
    }

    /// Adds it. If an attempt is in doubt, a domain that is there is what that attempt added.
    pub(super) async fn add(&self, step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known = recorded::data(step.checkpoint)?;
        match self.pages.add(&known.project, &known.hostname).await {
            Ok(added) => self.watch(Known { domain_id: Some(added.id), ..known }),
            Err(CallError::Exists { .. }) if step.attempt == Attempt::Again => {
                match self.pages.read(&known.project, &known.hostname).await {
                    Ok(found) => self.watch(Known { domain_id: Some(found.id), ..known }),
                    // it is there, but in another project
                    Err(CallError::Missing { .. }) => Err(conflict(&known.hostname)),
                    Err(error) => Err(error.while_trying_to(LOOKING)),
                }
            }
            Err(CallError::Exists { .. }) => Err(conflict(&known.hostname)),
            Err(error) => Err(refused(error, &known.project, "add the domain")),
        }
    }

    fn watch(&self, known: Known) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        Ok(Progress::Pending {
            description: format!("the certificate of {} is awaited", known.hostname),
            checkpoint: at(POLL, &Watch::begin(known, Timestamp::now()))?,
            after: self.pages.client().poll_interval(),
        })
    }

    /// Looks how far it is, and says what follows.
    pub(super) async fn poll(&self, step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let watch: Watch = recorded::data(step.checkpoint)?;
        let found = self.look(&watch.known).await?;
        self.judge(watch, &found)
    }

    /// Starts the validation again, if it is still the validation that failed.
    pub(super) async fn retry(
        &self,
        step: &Step<'_>,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let watch: Watch = recorded::data(step.checkpoint)?;
        let found = self.look(&watch.known).await?;
        if found.status != "error" {
            return self.judge(watch, &found);
        }
        let outcome = self.pages.retry(&watch.known.project, &watch.known.hostname).await;
        outcome.map_err(|error| error.while_completing("start the validation of the domain again"))?;
        Ok(Progress::Pending {
            description: format!("the validation of {} was started again", watch.known.hostname),
            checkpoint: at(POLL, &watch.retried())?,
            after: self.pages.client().poll_interval(),
        })
    }

    fn judge(&self, watch: Watch, found: &Domain) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known = watch.known.clone();
        match watch.judge(found, Timestamp::now(), self.pages.client().poll_interval()) {
            Outlook::Active => self.done(&known),
            Outlook::Wait(watch, after, description) => {
                Ok(Progress::Pending { checkpoint: at(POLL, &watch)?, after, description })
            }
            Outlook::Retry(watch, after, description) => {
                Ok(Progress::Pending { checkpoint: at(RETRY, &watch)?, after, description })
            }
            Outlook::Failed(description) => Err(failed(description)),
        }
    }

    /// The domain, which has to be the one that was added.
    async fn look(&self, known: &Known) -> Result<Domain, ProviderError> {
        let (project, hostname) = (&known.project, &known.hostname);
        match self.pages.read(project, hostname).await {
            Ok(found) if is_same(known, &found) => Ok(found),
            Ok(_) => Err(failed(format!("{hostname} was detached and added again by somebody else"))),
            Err(CallError::Missing { code: NO_PROJECT }) => {
                Err(failed(format!("the Pages project {project} is gone")))
            }
            Err(CallError::Missing { .. }) => {
                Err(failed(format!("{hostname} was detached by somebody else")))
            }
            Err(error) => Err(error.while_trying_to(LOOKING)),
        }
    }
}

fn conflict(hostname: &str) -> ProviderError {
    let description = format!(
        "hostname: {hostname} is attached to a Pages project already, not by this instance; it is left alone"
    );
    ProviderError::refused(Refusal::Conflict, description)
}

/// A call about the project did not succeed.
fn refused(error: CallError, project: &str, doing: &str) -> ProviderError {
    match error {
        CallError::Missing { .. } => {
            let description = format!("project: there is no Pages project named {project}; create it first");
            ProviderError::refused(Refusal::Unsupported, description)
        }
        error => error.while_trying_to(doing),
    }
}

/// The domain is there, or was, and will not serve.
fn failed(description: String) -> ProviderError {
    ProviderError::Failed { description, usable: Usability::Unusable, repeat: Repeatability::Pointless }
}
