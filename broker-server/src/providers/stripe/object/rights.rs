//! Whether the broker's keys may do what a kind of object needs: asked by reading only.

use sutler_catalog::stripe::Mode;

use super::{
    super::client::{Api, Call, CallError, Endpoint},
    Kind, Object,
};
use crate::providers::{Need, Right};

impl<K: Kind> Object<K> {
    /// One answer for each mode that there is a key for.
    pub(super) async fn tried(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        for mode in self.client.modes() {
            let of = match mode {
                Mode::Test => "test mode",
                Mode::Live => "live mode",
            };
            let right = Self::right(&self.client.of(K::TRAITS.table, mode)).await;
            needs.push(Need { permissions: K::TRAITS.permissions, of: Some(of), right });
        }
        needs
    }

    /// Reads one of everything that the kind lists; the first answer that is no yes counts.
    async fn right(api: &Api) -> Right {
        let filter = K::TRAITS.filters.first().copied().unwrap_or_default();
        let family = K::FAMILY.map(|family| (family.list, NOTHING));
        let users = K::USERS.map(|users| (users.list, users.filter));
        for (list, filter) in [Some((K::TRAITS.list, filter)), family, users].into_iter().flatten() {
            match Self::look(api, list, filter).await {
                Right::Given => {}
                other => return other,
            }
        }
        Right::Given
    }

    async fn look(api: &Api, list: &'static Endpoint, filter: &[(&'static str, &'static str)]) -> Right {
        let call = filter
            .iter()
            .fold(Call::read(list, &[]).query("limit", 1), |call, (name, value)| call.query(name, value));
        match api.send(&call).await {
            Ok(_) => Right::Given,
            Err(CallError::Credentials(403)) => Right::Lacking,
            Err(error) => Right::NotKnown(error.describe("try it")),
        }
    }
}

const NOTHING: &[(&str, &str)] = &[];
