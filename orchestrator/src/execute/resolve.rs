//! What is asked of a broker: references replaced by outputs that are recorded by now, checked, sealed.

use serde_json::{Map, Value};
use sutler_catalog::Input;
use sutler_secrets::{Digest, SecretJson};
use sutler_spec::Context;

use super::error::StepError;
use super::step::Step;
use crate::config::Declaration;
use crate::digest::{Inputs, Subject};
use crate::reference::{self, Unresolved, Why, written::VARIABLE};
use crate::state::record::{Asked, InstanceRecord};

/// What is asked for, opened and sealed.
#[derive(Debug)]
pub(super) struct Request {
    /// As it is recorded.
    pub(super) asked: Asked,
    /// The parameters, resolved.
    pub(super) parameters: SecretJson,
}

impl Step {
    /// The digest of what the declaration asks for now.
    pub(super) fn wanted(&self, record: Option<&InstanceRecord>) -> Result<Digest, StepError> {
        let declaration = self.declaration()?;
        let digest = self.inputs((declaration, record), |inputs, subject, outputs| {
            inputs.digest(subject, &declaration.parameters, &outputs)
        });
        digest.ok_or_else(|| self.unknown_output(declaration))
    }

    /// What the declaration asks for now, ready to be recorded and sent.
    pub(super) fn request(&self, record: Option<&InstanceRecord>) -> Result<Request, StepError> {
        let declaration = self.declaration()?;
        let parameters = SecretJson::from(self.resolved(declaration)?);
        let digests = self.inputs((declaration, record), |inputs, subject, outputs| {
            let whole = inputs.digest(subject, &declaration.parameters, &outputs)?;
            Some((whole, inputs.parameters(&declaration.parameters, &outputs)?))
        });
        let (inputs, parameter_digests) = digests.ok_or_else(|| self.unknown_output(declaration))?;
        let vault = &self.shared.context.vault;
        let asked = Asked {
            service_plan: self.planned.target.service_plan.clone(),
            inputs,
            parameter_digests,
            parameters: vault.seal_parameters(&self.planned.reference, parameters.expose()),
            maintenance_version: self.maintenance_version(record),
        };
        Ok(Request { asked, parameters })
    }

    /// Which maintenance version is asked for: the one that the target plan offers, or the one that an instance has
    /// which stays on its plan. Only an upgrade changes that.
    fn maintenance_version(&self, record: Option<&InstanceRecord>) -> Option<String> {
        let target = &self.planned.target;
        match record.filter(|record| record.service_plan.id == target.service_plan.id) {
            Some(record) => record.asked.maintenance_version.clone(),
            None => {
                let index = &self.shared.context.brokers.get(&target.broker)?.index;
                let plan = index.plan_by_id(&target.service.id, &target.service_plan.id)?;
                plan.maintenance_version().map(str::to_owned)
            }
        }
    }

    /// Checks parameters against the target plan's schema, where it has one.
    pub(super) fn validate(&self, parameters: &Value, input: Input) -> Result<(), StepError> {
        let target = &self.planned.target;
        let broker = self.shared.context.brokers.get(&target.broker);
        let broker = broker.ok_or_else(|| StepError::UnknownBroker(target.broker.clone()))?;
        if broker.index.plan_by_id(&target.service.id, &target.service_plan.id).is_none() {
            let (service, plan) = (target.service.name.clone(), target.service_plan.name.clone());
            return Err(StepError::NotOffered { broker: target.broker.clone(), service, plan });
        }
        let validator = broker.index.validator(&target.service_plan.id, input);
        let problems = validator.map(|validator| validator.validate(parameters)).unwrap_or_default();
        if problems.is_empty() { Ok(()) } else { Err(StepError::Parameters(problems)) }
    }

    /// What we say about ourselves.
    pub(super) fn context(&self, name: &str) -> Context {
        let vault = &self.shared.context.vault;
        let pairs = [
            ("instance_name", name.to_owned()),
            ("stack", vault.stack().to_string()),
            ("ref", self.planned.reference.to_string()),
        ];
        let properties = pairs.map(|(key, value)| (key.to_owned(), Value::from(value)));
        Context { platform: "sutler".to_owned(), properties: Map::from_iter(properties) }
    }

    /// The same for an update. Where something was changed at the vendor, a broker of ours is to look, although what is asked
    /// for is what it remembers; others do not know the word.
    pub(super) fn context_of_update(&self, record: &InstanceRecord, name: &str) -> Context {
        let mut context = self.context(name);
        if !record.drift.is_empty() {
            context.properties.insert(Context::REPAIR.to_owned(), Value::Bool(true));
        }
        context
    }

    fn resolved(&self, declaration: &Declaration) -> Result<Value, StepError> {
        let vault = &self.shared.context.vault;
        let broken = std::cell::Cell::new(None);
        let secrets = &self.shared.context.config.secrets;
        let lookup = |target: &crate::name::InstanceRef, key: &str| {
            if target.as_str() == VARIABLE {
                return Some(Value::from(secrets.get(key)?.ok()?.expose().as_str()));
            }
            let output = self.shared.of(target.as_str(), |record| record.outputs.get(key).cloned())?;
            match vault.open_output(target, key, &output) {
                Ok(value) => Some(value.into_inner()),
                Err(error) => {
                    broken.set(Some(error));
                    None
                }
            }
        };
        let resolved = reference::resolve(&declaration.parameters, lookup);
        match broken.take() {
            Some(error) => Err(error.into()),
            None => resolved.map_err(StepError::Unresolved),
        }
    }

    /// What it is to be called: as declared, unless it exists under another name and its service takes no new one.
    pub(super) fn name<'n>(
        &'n self,
        declaration: &'n Declaration,
        record: Option<&'n InstanceRecord>,
    ) -> &'n str {
        let target = &self.planned.target;
        let broker = self.shared.context.brokers.get(&target.broker);
        let offering = broker.and_then(|broker| broker.index.offering_by_id(&target.service.id));
        let fixed = offering.is_some_and(|offering| !offering.allow_context_updates);
        record.filter(|_| fixed).map_or(&declaration.name, |record| &record.name)
    }

    fn inputs<T>(
        &self,
        (declaration, record): (&Declaration, Option<&InstanceRecord>),
        digest: impl FnOnce(&mut Inputs<'_>, Subject<'_>, &dyn Fn(&str, &str) -> Option<Digest>) -> Option<T>,
    ) -> Option<T> {
        let (secrets, ring) = (&self.shared.context.config.secrets, self.shared.context.vault.ring());
        let outputs = |target: &str, key: &str| {
            if target == VARIABLE {
                return secrets.digest(key, ring);
            }
            self.shared.of(target, |record| record.outputs.get(key).map(|output| output.digest))
        };
        let target = &self.planned.target;
        let subject = Subject {
            service: &target.service.id,
            service_plan: &target.service_plan.id,
            name: self.name(declaration, record),
        };
        digest(&mut Inputs::new(self.shared.context.vault.ring()), subject, &outputs)
    }

    /// The error that says which reference it was.
    fn unknown_output(&self, declaration: &Declaration) -> StepError {
        match self.resolved(declaration) {
            Err(error) => error,
            Ok(_) => {
                let (target, key) = (self.planned.reference.to_string(), "?".to_owned());
                StepError::Unresolved(Unresolved {
                    pointer: String::new(),
                    why: Why::Missing { target, key },
                })
            }
        }
    }

    /// Recorded parameters, opened: what an unresolved request repeats.
    pub(super) fn recorded(&self, record: &InstanceRecord, asked: &Asked) -> Result<SecretJson, StepError> {
        Ok(self.shared.context.vault.open_parameters(&record.reference, &asked.parameters)?)
    }
}

/// Parameters as they are sent: an object, or nothing.
pub(super) fn as_object(parameters: Value) -> Option<sutler_spec::Parameters> {
    match parameters {
        Value::Object(members) if !members.is_empty() => Some(sutler_spec::Parameters::new(members)),
        _ => None,
    }
}
