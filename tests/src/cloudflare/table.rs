//! Which calls the providers of Cloudflare say that they make.

use sutler_broker_server::providers::cloudflare;

use super::s3::S3_BASE_PATH;
use crate::vendor::table::Table;

impl Table {
    /// What our providers of Cloudflare say that they call.
    #[must_use]
    pub fn of_cloudflare() -> Self {
        let calls = cloudflare::calls().into_iter().map(|call| (call.method, call.template.to_owned()));
        let at_s3 = cloudflare::s3_calls().into_iter();
        let at_s3 = at_s3.map(|call| {
            (call.method, format!("{S3_BASE_PATH}/{{account}}/{{jurisdiction}}{}", call.template))
        });
        Self::only(calls.chain(at_s3))
    }
}
