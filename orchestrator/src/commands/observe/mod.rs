//! What is live: every recorded instance is asked for at its broker, many at once. Changes nothing.
//!
//! ```text
//! pull · check ──▶ observe ──▶ asking     until the broker tells, within a time
//!                     ├──────▶ fields     field by field, what the broker tells against what is recorded
//!                     └──────▶ verdict    what an answer means, and which exit code that is
//! ```

mod asking;
mod fields;
mod shown;
#[cfg(test)]
mod tests;
mod verdict;

use futures_util::{StreamExt, future::join_all, stream};
use indexmap::IndexMap;
use sutler_broker_client::FetchQuery;
use sutler_spec::{InstanceBody, PlanId, ServiceOffering};

pub use asking::{Patience, Wait};
pub use fields::{Field, Standing};
pub use verdict::Verdict;
pub(super) use verdict::exit;

use self::asking::{Asking, Told};
use self::shown::Shown;
use self::verdict::judge;
use crate::brokers::{BrokerErrors, BrokerSet, ConnectedBroker};
use crate::config::Config;
use crate::name::BrokerName;
use crate::state::Vault;
use crate::state::record::InstanceRecord;
use crate::state::status::Status;

/// How many instances of one broker are asked about at once.
const AT_ONCE: usize = 16;

/// What was found of one instance.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Its record, as it was when it was asked about.
    pub record: InstanceRecord,
    /// What it comes to.
    pub verdict: Verdict,
    /// Why, in words; never a secret. Empty for what is live.
    pub detail: String,
    /// Field by field; empty unless the broker told anything.
    pub fields: Vec<Field>,
    /// What the instance yields by itself now.
    pub(super) body: Option<InstanceBody>,
    /// The plan that it is on now, where its broker tells.
    pub(super) plan: Option<PlanId>,
}

impl Observed {
    fn unseen(record: &InstanceRecord, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self {
            record: record.clone(),
            verdict,
            detail: detail.into(),
            fields: Vec::new(),
            body: None,
            plan: None,
        }
    }
}

/// Whom to ask, and what to compare answers with.
#[derive(Debug)]
pub(super) struct Witness<'w> {
    pub(super) config: &'w Config,
    pub(super) vault: &'w Vault,
    /// Those that can be asked.
    pub(super) brokers: &'w BrokerSet,
    /// Why the others cannot.
    pub(super) trouble: &'w BrokerErrors,
    /// How long those are waited for that want to be asked later.
    pub(super) patience: &'w Patience,
}

impl Witness<'_> {
    /// Asks about each, in this order; a broker's own limit holds.
    pub(super) async fn observe<'r>(
        &self,
        records: impl Iterator<Item = &'r InstanceRecord>,
    ) -> Vec<Observed> {
        let deadline = self.patience.deadline();
        let mut groups: IndexMap<&BrokerName, Vec<(usize, &InstanceRecord)>> = IndexMap::new();
        for (at, record) in records.enumerate() {
            groups.entry(&record.broker).or_default().push((at, record));
        }
        // Each broker by itself: one that is waited for keeps nobody from the others.
        let groups = groups.into_iter().map(|(broker, records)| async move {
            let asking = Asking::new(self.patience, broker, deadline);
            let looks = records.into_iter().map(|(at, record)| {
                let look = self.look_at(&asking, record);
                async move { (at, look.await) }
            });
            stream::iter(looks).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await
        });
        let mut observed: Vec<_> = join_all(groups).await.into_iter().flatten().collect();
        observed.sort_unstable_by_key(|(at, _)| *at);
        observed.into_iter().map(|(_, observed)| observed).collect()
    }

    async fn look_at(&self, asking: &Asking<'_>, record: &InstanceRecord) -> Observed {
        if record.status != Status::Ready {
            let detail = "it has an unfinished change; `sutler apply` goes on with it";
            return Observed::unseen(record, Verdict::Unknown, detail);
        }
        let Some(broker) = self.brokers.get(&record.broker) else {
            return Observed::unseen(record, Verdict::Unknown, self.why_not(&record.broker));
        };
        let Some(offering) = broker.index.offering_by_id(&record.service.id) else {
            let detail =
                format!("broker '{}' does not offer {} any more", record.broker, record.service.name);
            return Observed::unseen(record, Verdict::Unknown, detail);
        };
        if !offering.instances_retrievable {
            let detail = format!("{} does not let its instances be read", record.service.name);
            return Observed::unseen(record, Verdict::NotObservable, detail);
        }
        self.ask(asking, (broker, offering), record).await
    }

    async fn ask(
        &self,
        asking: &Asking<'_>,
        (broker, offering): (&ConnectedBroker, &ServiceOffering),
        record: &InstanceRecord,
    ) -> Observed {
        let query = FetchQuery {
            service_id: Some(record.service.id.clone()),
            plan_id: Some(record.service_plan.id.clone()),
        };
        let answer = asking.about(broker, || broker.client.fetch_instance(&record.instance_id, &query)).await;
        let fetched = match answer {
            Told::Answer(fetched) => fetched,
            Told::Nothing(error, more) => {
                let (verdict, detail) = judge(Some(&error), &[]);
                return Observed::unseen(record, verdict, format!("{detail}{more}"));
            }
        };
        let asked = match self.vault.open_parameters(&record.reference, &record.asked.parameters) {
            Ok(asked) => asked,
            Err(error) => {
                let detail = format!("what was asked for cannot be opened: {error}");
                return Observed::unseen(record, Verdict::Unknown, detail);
            }
        };
        let shown = Shown::new(self.config, broker, (offering, record));
        let fields = fields::compare((record, &asked), &fetched, (self.vault.ring(), &shown));
        let (verdict, detail) = judge(None, &fields);
        let plan = fetched.plan_id.clone();
        Observed { record: record.clone(), verdict, detail, fields, body: Some(fields::body(fetched)), plan }
    }

    /// Why a broker cannot be asked.
    fn why_not(&self, broker: &BrokerName) -> String {
        let told = self.trouble.0.iter().find(|error| &error.broker == broker);
        told.map_or_else(
            || format!("broker '{broker}' is not configured any more"),
            |error| format!("its broker cannot be asked: {}", error.why),
        )
    }
}
