//! Which calls the providers of Stripe say that they make.

use sutler_broker_server::providers::stripe;

use crate::vendor::table::Table;

impl Table {
    /// What our providers of Stripe say that they call.
    #[must_use]
    pub fn of_stripe() -> Self {
        Self::only(stripe::calls().into_iter().map(|call| (call.method, call.template)))
    }
}
