//! What an instance has in the zone: its records, and the mark beside them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sutler_catalog::domain::record::{RecordType as Word, Rfc2136Parameters};

use crate::providers::{
    Marker, ProviderError, Refusal,
    dns::{Data, DnsName, RecordType, rules},
};

/// The records of an instance, as they were last written or are to be. The provider's memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) name: DnsName,
    pub(super) r#type: Word,
    pub(super) ttl: u32,
    pub(super) values: Vec<String>,
    /// The digits of the mark.
    pub(super) mark: String,
}

impl Known {
    pub(super) fn wanted(wanted: &Rfc2136Parameters, marker: &Marker) -> Result<Self, ProviderError> {
        let name = wanted
            .name
            .parse()
            .map_err(|error| ProviderError::refused(Refusal::Unsupported, format!("name: {error}")))?;
        Ok(Self {
            name,
            r#type: wanted.r#type,
            ttl: wanted.ttl,
            values: wanted.values.clone(),
            mark: marker.hex(32),
        })
    }

    pub(super) fn record_type(&self) -> RecordType {
        rules::record_type(self.r#type)
    }

    /// What the records say, sorted.
    pub(super) fn data(&self) -> Result<Vec<Data>, ProviderError> {
        let of = self.record_type();
        let read = |value: &String| Data::parse(of, value);
        let data: Result<Vec<Data>, _> = self.values.iter().map(read).collect();
        let mut data =
            data.map_err(|error| ProviderError::refused(Refusal::Unsupported, format!("values: {error}")))?;
        data.sort();
        Ok(data)
    }

    /// Where the mark stands: below the name; beside it when the name is delegated, since nothing below it is in the zone
    /// then.
    pub(super) fn mark_name(&self) -> Result<DnsName, ProviderError> {
        let parent = if self.r#type == Word::Ns { self.name.parent() } else { None };
        let base = parent.as_ref().unwrap_or(&self.name);
        let label = format!("{}{}", rules::MARK_LABEL, self.mark.get(..24).unwrap_or(&self.mark));
        base.child(&label).map_err(|_| {
            ProviderError::refused(Refusal::Unsupported, "name: is too long for the broker's mark beside it")
        })
    }

    /// What the mark says before what the records were when they were written.
    fn heritage(&self) -> String {
        format!("heritage=osb,mark={},type={},set=", self.mark, self.record_type())
    }

    /// The mark beside these records. It tells them from what others make of them.
    pub(super) fn mark_data(&self, records: &[Data]) -> Result<Data, ProviderError> {
        let text = format!("{}{}", self.heritage(), digest(records));
        Data::text(&text).map_err(|_| ProviderError::failed("the mark cannot be written as a record"))
    }

    /// Whether this is the instance's mark, whatever the records were.
    pub(super) fn is_mark(&self, data: &Data) -> bool {
        data.as_text().is_some_and(|text| text.starts_with(self.heritage().as_bytes()))
    }
}

/// Equal for equal records, in whatever order they come.
fn digest(records: &[Data]) -> String {
    let mut lines: Vec<String> = records.iter().map(|data| format!("{data:?}")).collect();
    lines.sort();
    let mut hash = Sha256::new();
    for line in lines {
        hash.update((line.len() as u64).to_be_bytes());
        hash.update(line);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
