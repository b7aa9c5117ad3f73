//! A broker for notes: every instance is a file in a folder, every binding the right to read it.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sutler_broker_server::{Config, Server, logging, providers::*, terminated};
use sutler_catalog::{
    Guid, Offering, Plan,
    schemars::{self, JsonSchema},
};

/// What a note is made from.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    /// What it says.
    text: String,
}

/// What a binding gives, and what is remembered of an instance.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Access {
    /// Where the note is.
    path: PathBuf,
}

pub(crate) struct Notes {
    pub(crate) folder: PathBuf,
}

impl Notes {
    /// The file of an instance. Its name holds the marker, so no other file is ever ours.
    fn path(&self, marker: &Marker) -> PathBuf {
        self.folder.join(format!("{}.note", marker.hex(32)))
    }

    fn write(&self, marker: &Marker, note: &Note) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let path = self.path(marker);
        std::fs::write(&path, &note.text).map_err(unavailable)?;
        Ok(Progress::Done(ProvisionedInstance::of(&Access { path })?.attribute("length", note.text.len())))
    }
}

#[async_trait::async_trait]
impl Provider for Notes {
    fn offering(&self) -> Offering {
        Offering::new(Guid::new("0f5d6a52-8a4f-4f0e-9c39-6f0f2a3b7c01"), "acme-notes", "Notes in a folder")
            .bindable(true)
            .instances_retrievable(true)
            .bindings_retrievable(true)
            .outputs_of::<Access>()
            .with_plan(
                Plan::new(Guid::new("0f5d6a52-8a4f-4f0e-9c39-6f0f2a3b7c02"), "standard", "One note")
                    .parameters::<Note>(),
            )
    }

    /// Writing a whole file and deleting one may be repeated as they are.
    fn recovery(&self, _work: Work, _step: &StepName) -> RecoveryClass {
        RecoveryClass::Repeatable
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        self.write(step.marker, &step.parameters()?)
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        self.write(step.marker, &change.parameters()?)
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match std::fs::remove_file(self.path(step.marker)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unavailable(error)),
            _ => Ok(Progress::Done(())),
        }
    }

    async fn bind(
        &self,
        step: Step<'_>,
        _: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let Some(access) = step.instance.record::<Access>() else {
            return Err(ProviderError::failed("the note was never written"));
        };
        Ok(Progress::Done(CreatedBinding::of(&(), &access)?))
    }

    async fn fetch(&self, _: &InstanceFacts, marker: &Marker) -> Result<Observation, ProviderError> {
        match std::fs::metadata(self.path(marker)) {
            Ok(file) => Ok(Observation::Found { attributes: length(file.len()), drift: Vec::new() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Observation::Gone),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// What is in the folder and has the form of our names.
    async fn marked(&self) -> Result<Listing, ProviderError> {
        let mut objects = Vec::new();
        for file in std::fs::read_dir(&self.folder).map_err(unavailable)? {
            let name = file.map_err(unavailable)?.file_name().to_string_lossy().into_owned();
            if let Some(mark) = name.strip_suffix(".note").filter(|mark| mark.len() == 32) {
                objects.push(MarkedObject { id: name.clone(), mark: mark.to_owned(), name });
            }
        }
        Ok(Listing::Objects { bearers: Bearers::Instances, objects })
    }
}

fn length(length: impl Into<Value>) -> Map<String, Value> {
    [("length".to_owned(), length.into())].into_iter().collect()
}

/// The disk gave no clear answer: the engine tries again.
fn unavailable(error: io::Error) -> ProviderError {
    ProviderError::unavailable(format!("the notes cannot be reached: {}", error.kind()), Sent::Perhaps)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(config), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: notes-broker BROKER.YAML FOLDER".into());
    };
    logging::start(None)?;
    let server = Server::builder(Config::load(config)?).provider(Notes { folder }).build()?;
    server.run(terminated()).await?;
    Ok(())
}
