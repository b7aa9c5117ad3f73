//! Which calls the providers of Cloudflare say that they make.

use sutler_broker_server::providers::cloudflare;

use crate::vendor::table::Table;

impl Table {
    /// What our providers of Cloudflare say that they call.
    #[must_use]
    pub fn of_cloudflare() -> Self {
        Self::only(cloudflare::calls().into_iter().map(|call| (call.method, call.template)))
    }
}
