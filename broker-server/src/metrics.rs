//! A few counters, readable as Prometheus text.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $field:ident: $name:literal),* $(,)?) => {
        /// Counts what the broker does, from the start of the process.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[doc = $doc])* pub $field: Counter,)*
        }

        impl Metrics {
            /// All counters in Prometheus' text format.
            #[must_use]
            pub fn to_prometheus(&self) -> String {
                let mut text = String::new();
                $(
                    text.push_str(concat!("# HELP sutler_broker_", $name, $($doc,)* "\n"));
                    text.push_str(concat!("# TYPE sutler_broker_", $name, " counter\n"));
                    text.push_str(concat!("sutler_broker_", $name, " "));
                    text.push_str(&self.$field.get().to_string());
                    text.push('\n');
                )*
                text
            }
        }
    };
}

counters! {
    /// Requests answered with success.
    requests_succeeded: "requests_succeeded_total",
    /// Requests answered with a 4xx.
    requests_refused: "requests_refused_total",
    /// Requests answered with a 5xx.
    requests_failed: "requests_failed_total",
    /// Requests that did not authenticate.
    requests_unauthenticated: "requests_unauthenticated_total",
    /// Operations accepted.
    operations_accepted: "operations_accepted_total",
    /// Operations that succeeded.
    operations_succeeded: "operations_succeeded_total",
    /// Operations that failed.
    operations_failed: "operations_failed_total",
    /// Operations that went on after a restart or a lapsed lease.
    operations_resumed: "operations_resumed_total",
    /// Calls of a provider.
    provider_calls: "provider_calls_total",
    /// Calls of a provider that gave no clear answer.
    provider_calls_unclear: "provider_calls_unclear_total",
}

/// One counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
