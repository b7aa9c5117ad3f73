//! The catalog: offerings, plans, schemas (S#catalog-management, App. A.2).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{PlanId, ServiceId};

/// Reads null as if the field were not there: some brokers write their empty lists and maps that way.
fn null_as_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// `GET /v2/catalog`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// All offerings of the broker; may be empty (B-CAT-02).
    pub services: Vec<ServiceOffering>,
}

/// What a broker may ask of a platform beyond credentials (B-CSV-07).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Stream logs to the URL of the binding.
    SyslogDrain,
    /// Proxy requests through the URL of the binding.
    RouteForwarding,
    /// Mount the volumes of the binding.
    VolumeMount,
    /// A word this version does not know; kept as written.
    #[serde(untagged)]
    Other(String),
}

/// One service offering (B-CSV).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceOffering {
    /// Unique in the catalog, case-sensitive.
    pub name: String,
    /// Never changes; unique across brokers.
    pub id: ServiceId,
    /// For people; not empty.
    pub description: String,
    /// Words for finding it.
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What the platform must be able to do.
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Requirement>,
    /// Default for all plans; a plan's own value wins (P-CAT-08).
    pub bindable: bool,
    /// Fetching instances is supported for all plans.
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "std::ops::Not::not")]
    pub instances_retrievable: bool,
    /// Fetching bindings is supported for all plans.
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "std::ops::Not::not")]
    pub bindings_retrievable: bool,
    /// Updates of nothing but `context` are supported.
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "std::ops::Not::not")]
    pub allow_context_updates: bool,
    /// Anything for people and catalogs (B-PROF-02).
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Cloud Foundry's single sign-on for dashboards (B-PROF-11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard_client: Option<DashboardClient>,
    /// Default for all plans; the specification's spelling.
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "std::ops::Not::not")]
    pub plan_updateable: bool,
    /// At least one (B-CSV-05).
    pub plans: Vec<ServicePlan>,
}

impl ServiceOffering {
    /// Whether instances of the plan can be bound: the plan's word, else the offering's.
    #[must_use]
    pub fn is_bindable(&self, plan: &ServicePlan) -> bool {
        plan.bindable.unwrap_or(self.bindable)
    }

    /// Whether instances of the plan can change to another plan: the plan's word, else the offering's.
    #[must_use]
    pub fn is_plan_updateable(&self, plan: &ServicePlan) -> bool {
        plan.plan_updateable.unwrap_or(self.plan_updateable)
    }
}

/// Cloud Foundry's dashboard client. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardClient {
    /// The OAuth client id.
    pub id: String,
    /// The OAuth client secret.
    pub secret: String,
    /// Demanded by Cloud Foundry (quirk 16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

impl std::fmt::Debug for DashboardClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DashboardClient").field("id", &self.id).finish_non_exhaustive()
    }
}

/// One service plan (B-CPL).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServicePlan {
    /// Never changes; unique across brokers.
    pub id: PlanId,
    /// Unique within the offering, case-sensitive.
    pub name: String,
    /// For people; not empty.
    pub description: String,
    /// Anything for people and catalogs (B-PROF-03).
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Absent means free (B-CPL-05); write it always (quirk 13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<bool>,
    /// Overrides the offering's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bindable: Option<bool>,
    /// Bindings can be rotated with a predecessor (B-CPL-07).
    #[serde(default, deserialize_with = "null_as_absent", skip_serializing_if = "std::ops::Not::not")]
    pub binding_rotatable: bool,
    /// Overrides the offering's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_updateable: Option<bool>,
    /// What parameters the plan takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemas: Option<Schemas>,
    /// Seconds after which a platform gives up polling (B-POL-01).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_polling_duration: Option<u64>,
    /// The version of what the plan is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_info: Option<MaintenanceInfo>,
}

impl ServicePlan {
    /// Whether the plan costs nothing (absent means free).
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.free.unwrap_or(true)
    }

    /// The version of what the plan is made of, if it says.
    #[must_use]
    pub fn maintenance_version(&self) -> Option<&str> {
        self.maintenance_info.as_ref()?.version.as_deref()
    }

    /// The JSON Schema of provision parameters, if declared.
    #[must_use]
    pub fn provision_schema(&self) -> Option<&Value> {
        self.schemas.as_ref()?.service_instance.as_ref()?.create.as_ref()?.parameters.as_ref()
    }

    /// The JSON Schema of update parameters, if declared.
    #[must_use]
    pub fn update_schema(&self) -> Option<&Value> {
        self.schemas.as_ref()?.service_instance.as_ref()?.update.as_ref()?.parameters.as_ref()
    }

    /// The JSON Schema of bind parameters, if declared.
    #[must_use]
    pub fn bind_schema(&self) -> Option<&Value> {
        self.schemas.as_ref()?.service_binding.as_ref()?.create.as_ref()?.parameters.as_ref()
    }
}

/// The schemas of a plan (B-CSC-01).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schemas {
    /// For instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_instance: Option<ServiceInstanceSchema>,
    /// For bindings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_binding: Option<ServiceBindingSchema>,
}

/// The schemas of provision and update.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceInstanceSchema {
    /// For provision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<InputParametersSchema>,
    /// For update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<InputParametersSchema>,
}

/// The schema of bind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceBindingSchema {
    /// For bind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<InputParametersSchema>,
}

/// Holds one JSON Schema with `$schema`, no outside references, at most 64 kB (B-CSC-02 to 04).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InputParametersSchema {
    /// The schema of the `parameters` object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
}

/// The version of what a plan or an instance is made of (B-CMI).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceInfo {
    /// Semantic version 2.0; in requests compared as text. Absent counts as not given (App. F).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The impact of the maintenance, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_in_an_optional_field_means_that_it_is_not_there() {
        let read = |tags: &str| -> Catalog {
            serde_json::from_str(&format!(
                r#"{{"services":[{{"id":"s","name":"n","description":"d","bindable":true{tags},
                "plans":[{{"id":"p","name":"n","description":"d"{tags}}}]}}]}}"#
            ))
            .unwrap()
        };
        let nulls = r#","tags":null,"requires":null,"metadata":null,"plan_updateable":null,"instances_retrievable":null,
            "binding_rotatable":null,"schemas":null,"maintenance_info":null,"free":null"#;
        assert_eq!(read(nulls), read(""));
    }
}
