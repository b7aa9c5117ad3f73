//! `cloudflare-r2`: buckets. Cloudflare takes all but name, place and storage class only once they exist.
//!
//! ```text
//! adjust: storage class, rules for browsers, rules for age, r2.dev, host names; then waits for the host names. Each part
//!         is read by a call of its own, and read on once it is as wanted
//! clear:  detaches the host names, deletes the objects if that was asked for
//! ```

mod calls;
mod clearing;
mod discovery;
mod domains;
mod found;
mod keys;
mod rules;
mod s3;
mod signature;
#[cfg(test)]
mod tests;
mod wishes;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::{
        d1::Jurisdiction,
        r2::{self, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{Api, CallError, Client, Product},
    minting::{self, Minter},
    object::{Clearing, Kind, Known, Next, Object, differs},
};
use crate::providers::{
    BEGIN, Bearers, BindingFacts, CreatedBinding, Discovery, FieldDrift, Listing, MarkedObject, Marker,
    Progress, ProviderError, RecoveryClass, Step, StepName, mark_of_name,
};
pub(super) use calls::PROBE;
use calls::{Bucket, Buckets};
use domains::Memory;
use found::{Change, Found, Part};
use keys::Key;
pub(super) use s3::CALLS;
use wishes::Wanted;

/// Provides `cloudflare-r2`.
pub type R2 = Object<AllBuckets>;

impl R2 {
    /// Buckets in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(AllBuckets { api: client.of(&calls::R2), minter: Minter::new(client) })
    }
}

/// All buckets of the account.
#[derive(Debug)]
pub struct AllBuckets {
    api: Api,
    minter: Minter,
}

impl AllBuckets {
    fn of(&self, jurisdiction: Option<Jurisdiction>) -> Buckets<'_> {
        Buckets { api: &self.api, jurisdiction }
    }

    fn buckets(&self, wanted: &Wanted) -> Buckets<'_> {
        self.of(wanted.parameters.jurisdiction)
    }

    /// Looks at some parts of a bucket.
    async fn looked(buckets: &Buckets<'_>, name: &str, parts: &[Part]) -> Result<Found, CallError> {
        let mut found = Found::nothing_of(name);
        for part in parts {
            found.look_at(*part, buckets).await?;
        }
        Ok(found)
    }

    /// Where the S3 interface of a jurisdiction is.
    fn endpoint(&self, jurisdiction: Option<Jurisdiction>) -> String {
        self.client().s3_endpoint(calls::word(jurisdiction))
    }

    /// Every bucket, jurisdiction by jurisdiction. One that the account does not have has no buckets.
    async fn everywhere(&self) -> Result<Vec<(Option<Jurisdiction>, Bucket)>, CallError> {
        let mut all = Vec::new();
        for jurisdiction in JURISDICTIONS {
            let found = match self.of(jurisdiction).all().await {
                Err(CallError::Refused { .. }) if jurisdiction.is_some() => Vec::new(),
                found => found?,
            };
            all.extend(found.into_iter().map(|bucket| (jurisdiction, bucket)));
        }
        Ok(all)
    }
}

/// All jurisdictions there are.
const JURISDICTIONS: [Option<Jurisdiction>; 4] =
    [None, Some(Jurisdiction::Eu), Some(Jurisdiction::Us), Some(Jurisdiction::Fedramp)];

#[async_trait]
impl Kind for AllBuckets {
    type Client = Client;
    type Wanted = Wanted;
    type Found = Found;
    type Change = Change;
    type Memory = Memory;

    const NOUN: &'static str = "bucket";
    const PRODUCT: &'static Product = &calls::R2;
    const ALSO: &'static [&'static Product] = &[&minting::MINTING];
    const CLEARED: bool = true;

    fn offering() -> Offering {
        r2::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    fn of_plan(wanted: Wanted, plan: &PlanId) -> Wanted {
        wanted.of_plan(plan)
    }

    /// A bucket has no id but its name.
    fn is_id(id: &str) -> bool {
        let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = id.as_bytes();
        (3..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| is_end(*byte) || *byte == b'-')
            && bytes.first().is_some_and(|byte| is_end(*byte))
            && bytes.last().is_some_and(|byte| is_end(*byte))
    }

    fn name_of(found: &Found) -> &str {
        &found.name
    }

    /// The host names that are asked for are ours, from before they are attached.
    fn memory(_name: &str, wanted: &Wanted) -> Memory {
        Memory::of(&wanted.parameters.custom_domains)
    }

    async fn find(&self, name: &str, wanted: &Wanted) -> Result<Vec<String>, CallError> {
        match self.buckets(wanted).read(name).await {
            Ok(bucket) => Ok(vec![bucket.name]),
            Err(CallError::Missing { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, name: &str, wanted: &Wanted) -> Result<String, CallError> {
        let mut body = json!({ "name": name, "storageClass": wanted.storage });
        if let Some(hint) = wanted.parameters.location_hint {
            body["locationHint"] = json!(hint);
        }
        Ok(self.buckets(wanted).create(body).await?.name)
    }

    async fn read(&self, id: &str, wanted: &Wanted) -> Result<Found, CallError> {
        Self::looked(&self.buckets(wanted), id, &Part::ALL).await
    }

    /// Reads on from where something was missing, until something is missing.
    async fn read_for_next(&self, id: &str, memory: &Memory, wanted: &Wanted) -> Result<Found, CallError> {
        let (buckets, mut found) = (self.buckets(wanted), Found::nothing_of(id));
        for part in Part::ALL.into_iter().filter(|part| *part >= memory.part) {
            found.look_at(part, &buckets).await?;
            if found.next(memory, wanted) != Next::Done {
                return Ok(found);
            }
        }
        for part in Part::TOLD {
            found.look_at(part, &buckets).await?;
        }
        Ok(found)
    }

    async fn read_itself(&self, id: &str, wanted: &Wanted) -> Result<Found, CallError> {
        Self::looked(&self.buckets(wanted), id, &[Part::Itself]).await
    }

    async fn change(&self, id: &str, change: &Change, wanted: &Wanted) -> Result<(), CallError> {
        let buckets = self.buckets(wanted);
        match change {
            Change::Storage(class) => buckets.set_storage_class(id, *class).await,
            Change::Cors(rules) => buckets.set_cors(id, rules.clone()).await,
            Change::Lifecycle(rules) => buckets.set_lifecycle(id, rules).await,
            Change::R2Dev(enabled) => buckets.set_managed(id, *enabled).await,
            Change::Attach(domain) => buckets.attach(id, domain).await,
            Change::SetDomain(domain) => buckets.set_domain(id, domain).await,
            Change::Detach(domain) => buckets.detach(id, domain).await,
        }
    }

    async fn delete(&self, id: &str, wanted: &Wanted) -> Result<(), CallError> {
        self.buckets(wanted).delete(id).await
    }

    fn next(known: &Known<Memory>, found: &Found, wanted: &Wanted) -> Next<Change, Memory> {
        found.next(&known.memory, wanted)
    }

    /// Longer and longer, up to a minute at the usual pace.
    fn patience(memory: &Memory) -> u32 {
        (1 + memory.looks / 4).min(12)
    }

    /// Another piece of work waits for itself.
    fn afresh(memory: &Memory) -> Memory {
        memory.rested()
    }

    fn doing(change: &Change) -> String {
        match change {
            Change::Storage(_) => "change the plan of the bucket".to_owned(),
            Change::Cors(_) => "set cors of the bucket".to_owned(),
            Change::Lifecycle(_) => "set lifecycle of the bucket".to_owned(),
            Change::R2Dev(true) => "open the address of the bucket below r2.dev".to_owned(),
            Change::R2Dev(false) => "close the address of the bucket below r2.dev".to_owned(),
            Change::Attach(domain) => format!("attach {} to the bucket", domain.domain),
            Change::SetDomain(domain) => format!("change the settings of {}", domain.domain),
            Change::Detach(domain) => format!("detach {domain} from the bucket"),
        }
    }

    async fn hindrance(
        &self,
        known: &Known<Memory>,
        found: &Found,
        wanted: &Wanted,
    ) -> Result<Option<String>, CallError> {
        let is_ours = |domain: &str| known.memory.has(domain);
        clearing::hindrance(&self.buckets(wanted), &found.name, (&wanted.parameters, is_ours)).await
    }

    async fn clear(
        &self,
        id: &str,
        wanted: &Wanted,
        so_far: (Vec<String>, u32),
    ) -> Result<Clearing, CallError> {
        clearing::clear(&self.buckets(wanted), id, &wanted.parameters, so_far).await
    }

    fn attributes(&self, known: &Known<Memory>, found: &Found, wanted: &Wanted) -> Map<String, Value> {
        let jurisdiction = wanted.parameters.jurisdiction;
        let mut attributes = Map::from_iter([
            (output::BUCKET.to_owned(), json!(known.name)),
            (output::ENDPOINT.to_owned(), json!(self.endpoint(jurisdiction))),
        ]);
        if let Some(jurisdiction) = jurisdiction {
            attributes.insert(output::JURISDICTION.to_owned(), json!(jurisdiction));
        }
        if let Some(location) = found.bucket.as_ref().and_then(|bucket| bucket.location.as_ref()) {
            // Cloudflare writes it now so, now so
            attributes.insert(output::LOCATION.to_owned(), json!(location.to_lowercase()));
        }
        if let Some(managed) = found.managed.as_ref().filter(|managed| managed.enabled) {
            attributes.insert(output::R2_DEV_DOMAIN.to_owned(), json!(managed.domain));
        }
        attributes
    }

    fn drift(known: &Known<Memory>, found: &Found, wanted: &Wanted) -> Vec<FieldDrift> {
        let name = differs(output::BUCKET, json!(known.name), json!(found.name));
        name.into_iter().chain(found.differences(wanted)).collect()
    }

    fn dashboard(&self, id: Option<&str>, marker: &Marker) -> String {
        let list = format!("https://dash.cloudflare.com/{}/r2", self.client().account());
        id.map_or_else(
            || format!("{list}/overview#{}", marker.hex(24)),
            |id| format!("{list}/default/buckets/{id}"),
        )
    }

    async fn marked(&self) -> Result<Listing, CallError> {
        let buckets = self.everywhere().await?.into_iter().filter_map(|(jurisdiction, bucket)| {
            let mark = mark_of_name(&bucket.name)?.to_owned();
            let id = format!("{}/{}", calls::word(jurisdiction), bucket.name);
            Some(MarkedObject { id, name: bucket.name, mark })
        });
        let objects = buckets.chain(self.minter.marked(keys::WORD).await?).collect();
        Ok(Listing::Objects { bearers: Bearers::InstancesAndBindings, objects })
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    fn problems(wanted: &Wanted) -> Vec<String> {
        wishes::problems(&wanted.parameters)
    }

    fn binding_recovery(step: &StepName) -> RecoveryClass {
        Minter::recovery(step)
    }

    async fn bind(
        &self,
        step: &Step<'_>,
        binding: &BindingFacts,
        (known, wanted): (&Known<Memory>, &Wanted),
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let (bucket, jurisdiction) = (known.id::<Self>()?, wanted.parameters.jurisdiction);
        if step.name() == BEGIN {
            let found = self.buckets(wanted).read(bucket).await;
            found.map_err(|error| error.while_trying_to("look at the bucket"))?;
        }
        let (client, endpoint) = (self.client(), self.endpoint(jurisdiction));
        let key = Key { client, bucket, jurisdiction, endpoint, wanted: binding.parameters()? };
        self.minter.bind(step, &key).await
    }

    async fn unbind(&self, step: &Step<'_>, binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        self.minter.unbind(step, binding).await
    }
}
