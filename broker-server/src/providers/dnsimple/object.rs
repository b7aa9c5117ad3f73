//! Objects at DNSimple: what the steps of every sort of object need to know of this vendor.

use std::time::Duration;

use async_trait::async_trait;

use super::client::{CallError, Client, Table};
use crate::providers::{
    Account, Need, ProviderError,
    object::{Failure, Way},
};

#[async_trait]
impl Way for Client {
    type Error = CallError;
    type Table = Table;

    const VENDOR: &'static str = "DNSimple";

    fn budgeted(&self) -> &Account {
        self.budgeted()
    }

    fn poll_interval(&self) -> Duration {
        self.poll_interval()
    }

    fn call_timeout(&self) -> Duration {
        self.call_timeout()
    }

    async fn needs(&self, _tables: &[&'static Table]) -> Vec<Need> {
        self.needs()
    }
}

impl Failure for CallError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    fn is_taken(&self) -> bool {
        matches!(self, Self::Exists)
    }

    fn is_gone(&self) -> bool {
        matches!(self, Self::Missing)
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
