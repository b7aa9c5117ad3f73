//! What the zone's name server says of the broker's key.

use super::{Server, server::There};
use crate::providers::{
    Credential, Need, ProviderError, Right, Standing,
    dns::{Prerequisite, RecordType, Update},
};

impl Server {
    /// Whether the name server answers a signed question for the zone: then key and clocks are right.
    pub async fn credential(&self) -> Credential {
        let zone = self.zone();
        let standing = match self.there(zone, RecordType::SOA).await {
            Ok(There::Records(found)) if !found.is_empty() => Standing::Accepted {
                expires_on: None,
                note: Some(format!("the name server answers signed questions for the zone {zone}")),
            },
            Ok(There::Records(_) | There::Alias | There::Elsewhere) => Standing::Refused(format!(
                "the name server does not answer for the zone {zone}; correct zone or server"
            )),
            Err(ProviderError::Refused { description, .. } | ProviderError::Failed { description, .. }) => {
                Standing::Refused(description)
            }
            Err(ProviderError::Unavailable { description, .. }) => Standing::NotKnown(description),
        };
        Credential { name: "rfc2136: secret".to_owned(), standing }
    }

    /// Whether the key may change the zone: a change that changes nothing is refused to a key that may not. Where the
    /// server decides name by name, that is seen when it is done.
    pub(super) async fn needs(&self) -> Vec<Need> {
        let zone = self.zone();
        let nothing = Update::of(zone).if_holds(Prerequisite::Present(zone.clone(), RecordType::SOA));
        let right = match self.change(&nothing).await {
            Ok(_) => Right::Given,
            Err(ProviderError::Refused { .. }) => Right::Lacking,
            Err(
                ProviderError::Unavailable { description, .. } | ProviderError::Failed { description, .. },
            ) => Right::NotKnown(description),
        };
        vec![Need { permissions: "update of the zone", of: Some("rfc2136"), right }]
    }
}
