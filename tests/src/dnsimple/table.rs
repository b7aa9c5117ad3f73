//! Which calls the providers of DNSimple say that they make.

use sutler_broker_server::providers::dnsimple;

use crate::vendor::table::Table;

impl Table {
    /// What our providers of DNSimple say that they call.
    #[must_use]
    pub fn of_dnsimple() -> Self {
        Self::only(dnsimple::calls().into_iter().map(|call| (call.method, call.template)))
    }
}
