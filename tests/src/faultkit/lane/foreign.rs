//! Things of somebody else at a lane's vendor.

use serde_json::json;
use sutler_broker_server::providers::Marker;
use sutler_spec::InstanceId;

use super::{
    super::scenario::{PROJECT, SCRIPT, Thing, host_of, secrets_of},
    Lane,
};
use crate::{
    cloudflare::{Control, Snapshot},
    world::{ACCOUNT, WorldError},
};

impl Lane {
    /// Lets somebody else make a thing with the name that the one of this instance would get. Whether there are names
    /// that can be taken.
    ///
    /// # Errors
    /// When the store cannot be read, or the vendor refuses.
    pub async fn put_in_the_way(&mut self, thing: Thing, instance: &str) -> Result<bool, WorldError> {
        let (operation, place, body) = match thing {
            Thing::Database => {
                let installation = self.dump().await?.installation;
                let id =
                    InstanceId::new(instance).map_err(|error| WorldError::new("an instance id", error))?;
                let name = Marker::for_instance(&installation, &id).name(None, 64);
                ("d1.create", vec![], json!({ "name": name }))
            }
            Thing::Secrets => {
                ("secrets.put", vec![("script_name", SCRIPT)], secret(&format!("{}A", secrets_of(instance))))
            }
            Thing::Domain => {
                ("domains.create", vec![("project_name", PROJECT)], json!({ "name": host_of(instance) }))
            }
            Thing::Token | Thing::Probe => return Ok(false),
        };
        let made = self.vendor.somebody(operation, &place, body);
        made.map_err(|error| WorldError::new("making things of others", error))?;
        self.foreign = self.vendor.state();
        Ok(true)
    }
}

/// A database, a token, a secret and a domain of somebody else, which nobody may touch; and the Worker and the project
/// that ours are of.
pub(super) fn things(vendor: &Control) -> Result<Snapshot, WorldError> {
    let failed = |error| WorldError::new("making things of others", error);
    vendor.somebody("d1.create", &[], json!({ "name": "somebody-elses" })).map_err(failed)?;
    let policies = json!([{
        "effect": "allow",
        "resources": { format!("com.cloudflare.api.account.{ACCOUNT}"): "*" },
        "permission_groups": [{ "id": "09b2857d1c31407795e75e3fed8617a1" }],
    }]);
    let token = json!({ "name": "somebody-elses", "policies": policies });
    vendor.somebody("tokens.create", &[], token).map_err(failed)?;
    vendor.declare_script(SCRIPT);
    let script = [("script_name", SCRIPT)];
    vendor.somebody("secrets.put", &script, secret("SOMEBODY_ELSES")).map_err(failed)?;
    vendor.declare_project(PROJECT).map_err(failed)?;
    let project = [("project_name", PROJECT)];
    let domain = json!({ "name": "somebody-elses.example" });
    vendor.somebody("domains.create", &project, domain).map_err(failed)?;
    Ok(vendor.state())
}

fn secret(name: &str) -> serde_json::Value {
    json!({ "name": name, "text": "a-value-of-somebody-else", "type": "secret_text" })
}
