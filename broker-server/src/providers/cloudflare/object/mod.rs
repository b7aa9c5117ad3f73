//! Objects at Cloudflare: what the steps of every sort of object need to know of this vendor.

mod discovery;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;

use super::client::{CallError, Client, Product};
pub(super) use crate::providers::object::{Clearing, Kind, Known, Names, Next, Object, differs, marked};
use crate::providers::{
    Account, Need, ProviderError,
    object::{Failure, Way},
};
pub(super) use discovery::{Findable, Whence, in_zone, thing, unlike};

#[async_trait]
impl Way for Client {
    type Error = CallError;
    type Table = Product;

    const VENDOR: &'static str = "Cloudflare";

    fn budgeted(&self) -> &Account {
        self.budgeted()
    }

    fn poll_interval(&self) -> Duration {
        self.poll_interval()
    }

    fn call_timeout(&self) -> Duration {
        self.call_timeout()
    }

    async fn needs(&self, tables: &[&'static Product]) -> Vec<Need> {
        self.needs(tables).await
    }
}

impl Failure for CallError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    fn is_taken(&self) -> bool {
        matches!(self, Self::Exists { .. })
    }

    fn is_gone(&self) -> bool {
        self.is_gone()
    }

    fn while_trying_to(self, doing: &str) -> ProviderError {
        self.while_trying_to(doing)
    }

    fn while_asking(self, doing: &str) -> ProviderError {
        self.while_asking(doing)
    }

    fn while_completing(self, doing: &str) -> ProviderError {
        self.while_completing(doing)
    }
}
