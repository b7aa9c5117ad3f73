//! What a registrar can be asked. Everything that takes steps, and everything that could pay twice, is done for it.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sutler_catalog::{
    Offering,
    domain::{
        amount::Amount,
        registration::{DnsimpleParameters, Parameters},
    },
};

use super::policy::Policy;
use crate::providers::{Account, Need, ProviderError};

/// A registrar, or its sandbox.
///
/// # Contract
/// - `register` and `renew_itself` make one changing call each; all others only read.
/// - "None" is said only where the registrar says so authentically. Whatever else comes is an error.
/// - An error of `register` says whether the order may have arrived.
#[async_trait]
pub(in crate::providers) trait Registrar: Debug + Send + Sync + 'static {
    /// The parameters.
    type Wanted: Wanted;

    /// The offering with the plan of this registrar.
    fn offering(&self) -> Offering;
    /// What the calls count against.
    fn account(&self) -> &Account;
    /// The rights that it needs, and whether they are there.
    async fn needs(&self) -> Vec<Need>;
    /// How long a call may be under way; after twice as long none of ours arrives any more.
    fn call_timeout(&self) -> Duration;
    /// How often it is asked how far it is, at most.
    fn poll_interval(&self) -> Duration;
    /// Whether it takes no money, whatever it is asked.
    fn is_free(&self) -> bool {
        false
    }
    /// What may be bought here.
    fn policy(&self) -> &Policy;
    /// What no schema and no policy can say about the parameters.
    fn problems(&self, wanted: &Self::Wanted) -> Vec<String>;

    /// The registration of a domain in our account.
    async fn registration(&self, domain: &str) -> Result<Option<Registered>, ProviderError>;
    /// Whether the list of all registrations in our account has the domain.
    async fn is_listed(&self, domain: &str) -> Result<bool, ProviderError>;
    /// How far the newest order of a domain in our account is; `order` is the number that the registrar gave to ours.
    async fn workflow(&self, domain: &str, order: Option<&str>) -> Result<Option<Workflow>, ProviderError>;
    /// Whether the domain can be bought now, and for how much.
    async fn quote(&self, domain: &str) -> Result<Quote, ProviderError>;
    /// Orders it. This is the call that costs money.
    async fn register(&self, wanted: &Self::Wanted) -> Result<Placed, ProviderError>;
    /// The name servers that the registry names for a registered domain, where the registrar tells them.
    async fn name_servers(&self, _domain: &str) -> Result<Option<Vec<String>>, ProviderError> {
        Ok(None)
    }
    /// Turns automatic renewal on or off.
    async fn renew_itself(&self, domain: &str, on: bool) -> Result<(), ProviderError>;
    /// A page of all registrations, and where the next one begins.
    async fn page(&self, cursor: Option<&str>) -> Result<(Vec<Registered>, Option<String>), ProviderError>;

    /// Where a person manages the domain.
    fn dashboard(&self, domain: &str) -> String;
    /// The parameters that describe a registration, with which nothing can be bought.
    fn describing(&self, found: &Registered) -> Map<String, Value>;
}

/// What every order says, whoever it is given to.
pub(in crate::providers) trait Wanted:
    DeserializeOwned + Serialize + Send + Sync
{
    /// The domain.
    fn domain(&self) -> &str;
    /// For how long.
    fn years(&self) -> u8;
    /// Whether it renews itself.
    fn renews_itself(&self) -> bool;
    /// The most that all of it may cost, if the buyer has accepted that it costs.
    fn limit(&self) -> Option<Limit>;
    /// Whether the instance may be deleted.
    fn may_be_released(&self) -> bool;
}

/// The most that something may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::providers) struct Limit {
    pub(in crate::providers) amount: Amount,
    pub(in crate::providers) currency: String,
}

/// A registration as the registrar shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::providers) struct Registered {
    pub(in crate::providers) domain: String,
    /// Tells this registration from an earlier or later one of the same domain.
    pub(in crate::providers) identity: String,
    pub(in crate::providers) status: Status,
    pub(in crate::providers) expires_at: Option<String>,
    pub(in crate::providers) renews_itself: bool,
    pub(in crate::providers) private: Option<bool>,
    /// The number of the contact that registered it, where contacts have numbers.
    pub(in crate::providers) registrant: Option<u64>,
}

/// How a registration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::providers) enum Status {
    /// As it should be.
    Active,
    /// Ordered, and not yet there.
    Pending,
    /// Not renewed in time; it can still be.
    Expired,
    /// Taken out of the DNS by registrar or registry.
    Suspended,
    /// Lost, and to be had back for much money.
    Redemption,
    /// About to be free for anybody.
    Deleting,
    /// The registrar shows a word that we do not know.
    Unknown,
}

impl Status {
    /// Our word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
            Self::Redemption => "redemption",
            Self::Deleting => "deleting",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing will renew it any more.
    pub(super) fn is_past_renewal(self) -> bool {
        matches!(self, Self::Redemption | Self::Deleting)
    }
}

/// An order on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::providers) struct Workflow {
    /// Tells it from an earlier or later one of the same domain.
    pub(in crate::providers) key: String,
    pub(in crate::providers) state: State,
}

/// How far an order is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::providers) enum State {
    /// It has not begun.
    Waiting,
    /// It is being done.
    Working,
    /// A person has to do something first.
    ActionRequired,
    /// Somebody else has to.
    Blocked,
    /// It is done.
    Succeeded,
    /// It will not be done; the registrar's code, if it has the form of one.
    Failed(Option<String>),
    /// The registrar shows a word that we do not know.
    Unknown,
}

impl State {
    /// Whether nothing more comes of it.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed(_))
    }
}

/// An order that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::providers) struct Placed {
    /// The number the registrar gave to it, if it gives one.
    pub(in crate::providers) order: Option<String>,
    pub(in crate::providers) state: State,
}

/// What the registrar says before an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::providers) enum Quote {
    /// It can be bought.
    For(Price),
    /// It is somebody's.
    Taken,
    /// It costs more than usual names, which is not bought here.
    Premium,
    /// The registrar does not sell names of this extension, or not this way.
    NotSold,
    /// It cannot be bought, and why is not known to us.
    Unclear,
}

/// A price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::providers) struct Price {
    pub(in crate::providers) first_year: Amount,
    pub(in crate::providers) later_year: Amount,
    pub(in crate::providers) currency: String,
}

impl Wanted for Parameters {
    fn domain(&self) -> &str {
        &self.domain
    }

    fn years(&self) -> u8 {
        self.years
    }

    fn renews_itself(&self) -> bool {
        self.auto_renew
    }

    fn limit(&self) -> Option<Limit> {
        let limit = Limit { amount: self.max_registration_cost, currency: self.currency.clone() };
        self.accept_charges.then_some(limit)
    }

    fn may_be_released(&self) -> bool {
        self.release
    }
}

impl Wanted for DnsimpleParameters {
    fn domain(&self) -> &str {
        &self.domain
    }

    fn years(&self) -> u8 {
        1
    }

    fn renews_itself(&self) -> bool {
        self.auto_renew
    }

    fn limit(&self) -> Option<Limit> {
        let limit = Limit { amount: self.max_registration_cost, currency: self.currency.clone() };
        self.accept_charges.then_some(limit)
    }

    fn may_be_released(&self) -> bool {
        self.release
    }
}
