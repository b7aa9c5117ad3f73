//! What vendors are asked, how they answer, and how much they may still be asked.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};

use super::families::{Families, Kind};

/// Seconds; up to the longest call that is waited for.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 30.0];
/// How many different steps are told apart; a provider that makes names up cannot flood the metrics.
const MOST_STEPS: usize = 500;

type ByStep = [(&'static str, Arc<str>); 2];
type ByAnswer = [(&'static str, Arc<str>); 3];
type ByAccount = [(&'static str, Arc<str>); 1];
type FloatGauge = Gauge<f64, AtomicU64>;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The step is done, or the next one begins.
    Done,
    /// The vendor is still at it.
    Pending,
    /// The vendor said no.
    Refused,
    /// The vendor's side failed for good.
    Failed,
    /// There was no clear answer.
    Unclear,
}

impl Answer {
    /// The word for metrics and traces.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Pending => "pending",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unclear => "unclear",
        }
    }
}

/// Whether a vendor account is asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// It is.
    Closed,
    /// One call finds out whether it can be again.
    HalfOpen,
    /// It is not.
    Open,
}

/// One call of a provider.
#[derive(Debug, Clone, Copy)]
pub struct VendorCall<'a> {
    /// The name of the offering.
    pub provider: &'a str,
    /// Work and step, such as `provision/create`; or `fetch`.
    pub step: &'a str,
    /// How it ended.
    pub answer: Answer,
    /// How long it took.
    pub took: Duration,
}

/// Counts calls of vendors.
pub struct Vendors {
    calls: Family<ByAnswer, Counter>,
    duration: Family<ByStep, Histogram>,
    budget: Family<ByAccount, FloatGauge>,
    circuit: Family<ByAccount, Gauge>,
    steps: Mutex<HashSet<Arc<str>>>,
}

impl Vendors {
    pub(super) fn register(families: &mut Families) -> Self {
        let vendors = Self {
            calls: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            budget: Family::default(),
            circuit: Family::default(),
            steps: Mutex::default(),
        };
        let Self { calls, duration, budget, circuit, .. } = &vendors;
        let help = "Calls of providers, by provider, step and outcome";
        families.add("vendor_calls", help, Kind::Counter, calls.clone());
        families.add(
            "vendor_call_duration",
            "How long calls of providers take",
            Kind::Histogram,
            duration.clone(),
        );
        let help = "Calls that may be made at once, by vendor account";
        families.add("rate_budget_calls", help, Kind::Gauge, budget.clone());
        let help = "Whether a vendor account is called: 0 closed (it is), 1 half open (one call tries), 2 open (it is not)";
        families.add("circuit_state", help, Kind::Gauge, circuit.clone());
        vendors
    }

    /// Counts a call.
    pub fn called(&self, call: VendorCall<'_>) {
        let (provider, step) = (Arc::<str>::from(call.provider), self.bounded(call.step));
        let answer = Arc::from(call.answer.as_str());
        let labels = [("provider", provider.clone()), ("step", step.clone()), ("outcome", answer)];
        self.calls.get_or_create(&labels).inc();
        let labels = [("provider", provider), ("step", step)];
        self.duration.get_or_create(&labels).observe(call.took.as_secs_f64());
    }

    /// How many calls of the account may be made at once. An account is named by its vendor's configuration, never by
    /// its number at the vendor.
    pub fn budget_left(&self, account: &str, calls: f64) {
        self.budget.get_or_create(&[("account", account.into())]).set(calls);
    }

    /// Whether the account is called.
    pub fn circuit(&self, account: &str, state: Circuit) {
        let state = match state {
            Circuit::Closed => 0,
            Circuit::HalfOpen => 1,
            Circuit::Open => 2,
        };
        self.circuit.get_or_create(&[("account", account.into())]).set(state);
    }

    fn bounded(&self, step: &str) -> Arc<str> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = steps.get(step) {
            return known.clone();
        }
        if steps.len() >= MOST_STEPS {
            return "other".into();
        }
        let new: Arc<str> = step.into();
        steps.insert(new.clone());
        new
    }
}
