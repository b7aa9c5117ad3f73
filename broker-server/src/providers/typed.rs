//! What was asked for and what was recorded, as the author's own types; and answers made from them.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sutler_spec::{BindingBody, Credentials, Parameters};

use super::{
    BEGIN, BindingFacts, Change, Checkpoint, CreatedBinding, InstanceFacts, Progress, ProviderError,
    ProvisionedInstance, Record, Refusal, Repeatability, Sent, Step, Usability,
};

/// The parameters as a type. The engine has checked them against the schema of the plan; whatever still fails is
/// refused by name, and no value is shown.
///
/// # Errors
/// A refusal that names the parameter.
pub fn parameters<T: DeserializeOwned>(parameters: &Parameters) -> Result<T, ProviderError> {
    let object = Value::Object(parameters.expose().clone());
    serde_path_to_error::deserialize(object).map_err(|error| {
        let place = error.path().to_string();
        ProviderError::refused(
            Refusal::Unsupported,
            format!("the parameter {place} has a form that is not known"),
        )
    })
}

impl InstanceFacts {
    /// The parameters in force, as a type.
    ///
    /// # Errors
    /// As [`parameters`].
    pub fn parameters<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        parameters(&self.parameters)
    }

    /// What the last finished provision or update recorded. `None` before that.
    #[must_use]
    pub fn record<T: DeserializeOwned>(&self) -> Option<T> {
        self.record.as_ref().and_then(Record::read)
    }
}

impl Change {
    /// All parameters afterwards, as a type.
    ///
    /// # Errors
    /// As [`parameters`].
    pub fn parameters<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        parameters(&self.parameters)
    }
}

impl BindingFacts {
    /// The parameters of the bind request, as a type.
    ///
    /// # Errors
    /// As [`parameters`].
    pub fn parameters<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        parameters(&self.parameters)
    }

    /// What the finished bind recorded. `None` before that.
    #[must_use]
    pub fn record<T: DeserializeOwned>(&self) -> Option<T> {
        self.record.as_ref().and_then(Record::read)
    }
}

impl Record {
    /// A record of whatever can be written as JSON.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn of(data: &impl Serialize) -> Result<Self, ProviderError> {
        written(data).map(Self)
    }

    /// The record as a type; `None` when another version wrote it in another form.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.0).ok()
    }
}

impl Step<'_> {
    /// The name of the step.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.checkpoint.step
    }

    /// The parameters of the instance, as a type.
    ///
    /// # Errors
    /// As [`parameters`].
    pub fn parameters<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        self.instance.parameters()
    }

    /// The data of the checkpoint that led to this step.
    ///
    /// # Errors
    /// When another version of the broker wrote it in another form.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        self.checkpoint.data()
    }

    /// What unfinished work on the same instance or binding knew last: the engine hands it over with the first step of
    /// what follows, as [`BEGIN`] says. `None` when there was none, or it was of another form.
    #[must_use]
    pub fn left_over<T: DeserializeOwned>(&self) -> Option<T> {
        if self.checkpoint.step == BEGIN { T::deserialize(&self.checkpoint.data).ok() } else { None }
    }

    /// What is known of the instance, from finished work or else from unfinished. `None`: nothing was ever made.
    #[must_use]
    pub fn known<T: DeserializeOwned>(&self) -> Option<T> {
        self.instance.record().or_else(|| self.left_over())
    }

    /// The answer to a step of a name that this version does not know.
    #[must_use]
    pub fn unknown(&self) -> ProviderError {
        unknown(&self.checkpoint.step)
    }
}

impl Checkpoint {
    /// A checkpoint with whatever can be written as JSON.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn with(step: &str, data: &impl Serialize) -> Result<Self, ProviderError> {
        Ok(Self::at(step, written(data)?))
    }

    /// Its data.
    ///
    /// # Errors
    /// When another version of the broker wrote it in another form.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        T::deserialize(&self.data).map_err(|_| unknown(&self.step))
    }
}

impl<T> Progress<T> {
    /// Goes on at once with another step.
    ///
    /// # Errors
    /// When the data cannot be written as JSON.
    pub fn next(step: &str, data: &impl Serialize) -> Result<Self, ProviderError> {
        Checkpoint::with(step, data).map(Self::Next)
    }

    /// Goes on with a step after a while. The description is for end users.
    ///
    /// # Errors
    /// When the data cannot be written as JSON.
    pub fn pending(
        step: &str,
        data: &impl Serialize,
        after: Duration,
        description: impl Into<String>,
    ) -> Result<Self, ProviderError> {
        let checkpoint = Checkpoint::with(step, data)?;
        Ok(Self::Pending { checkpoint, after, description: description.into() })
    }
}

impl ProvisionedInstance {
    /// A finished instance with its record, without dashboard, labels and attributes.
    ///
    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn of(record: &impl Serialize) -> Result<Self, ProviderError> {
        let record = Record::of(record)?;
        Ok(Self { record, dashboard_url: None, labels: Map::new(), attributes: Map::new() })
    }

    /// Sets where a person manages it.
    #[must_use]
    pub fn dashboard_url(mut self, url: impl Into<String>) -> Self {
        self.dashboard_url = Some(url.into());
        self
    }

    /// Adds a fact for the platform. It is not secret.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.to_owned(), value.into());
        self
    }
}

impl CreatedBinding {
    /// A finished binding with its record, and credentials made from a type's fields; a secret one needs
    /// `#[serde(serialize_with = "sutler_secrets::exposed")]`.
    ///
    /// # Errors
    /// When either cannot be written as JSON, or the credentials are no object.
    pub fn of(record: &impl Serialize, credentials: &impl Serialize) -> Result<Self, ProviderError> {
        let Value::Object(credentials) = written(credentials)? else {
            return Err(unknown("with credentials that are no object"));
        };
        let credentials = Some(Credentials::new(credentials));
        Ok(Self { record: Record::of(record)?, body: BindingBody { credentials, ..BindingBody::default() } })
    }
}

impl ProviderError {
    /// Nobody knows; the engine tries again, later and later.
    #[must_use]
    pub fn unavailable(description: impl Into<String>, sent: Sent) -> Self {
        Self::Unavailable { description: description.into(), retry_after: None, sent }
    }

    /// Something was done, and it cannot go on. The instance is unusable; deleting it works.
    #[must_use]
    pub fn failed(description: impl Into<String>) -> Self {
        Self::Failed {
            description: description.into(),
            usable: Usability::Unusable,
            repeat: Repeatability::Pointless,
        }
    }
}

fn written(data: &impl Serialize) -> Result<Value, ProviderError> {
    serde_json::to_value(data).map_err(|_| unknown("with data that cannot be recorded"))
}

fn unknown(step: &str) -> ProviderError {
    ProviderError::failed(format!(
        "the recorded step {step} cannot be continued by this version of the broker"
    ))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use sutler_secrets::SecretString;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Wanted {
        size: u32,
        secret: SecretString,
    }

    fn read(value: Value) -> Result<Wanted, ProviderError> {
        parameters(&Parameters::new(value.as_object().unwrap().clone()))
    }

    #[test]
    fn a_parameter_that_is_not_understood_is_refused_by_name_and_its_value_is_not_shown() {
        let wanted = read(json!({ "size": 3, "secret": "hunter2" })).unwrap();
        assert_eq!((wanted.size, wanted.secret.expose().as_str()), (3, "hunter2"));
        for (bad, name) in [
            (json!({ "size": "hunter2", "secret": "hunter2" }), "size"),
            (json!({ "size": 3, "secret": { "hunter2": 1 } }), "secret"),
        ] {
            let error = read(bad).unwrap_err();
            assert!(matches!(error, ProviderError::Refused { .. }));
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(name) && !shown.contains("hunter"), "{shown}");
        }
    }

    #[test]
    fn credentials_are_made_from_the_fields_of_a_type() {
        #[derive(Serialize)]
        struct Access {
            url: &'static str,
            #[serde(serialize_with = "sutler_secrets::exposed")]
            key: SecretString,
        }
        let made = CreatedBinding::of(&(), &Access { url: "u", key: "k".into() }).unwrap();
        let credentials = made.body.credentials.unwrap();
        assert_eq!(Value::Object(credentials.expose().clone()), json!({ "url": "u", "key": "k" }));
        assert!(CreatedBinding::of(&(), &"no object").is_err());
    }

    #[test]
    fn data_of_another_version_ends_the_work_and_is_not_misread() {
        let checkpoint = Checkpoint::with("create", &json!({ "size": "three" })).unwrap();
        assert_eq!(checkpoint.data::<Value>().unwrap(), json!({ "size": "three" }));
        let error = checkpoint.data::<Wanted>().unwrap_err();
        assert!(matches!(error, ProviderError::Failed { .. }), "{error:?}");
    }
}
