//! Service bindings: bind, rotate, fetch, unbind (App. A.6, A.7).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Accepted, BindingId, Context, Credentials, Parameters, PlanId, ServiceId, Timestamp};

/// The body of a bind request, and of a rotation, which names a predecessor and may leave out the rest (B-ROT-06).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BindRequest {
    /// The instance's offering; required unless rotating (B-BIND-12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<ServiceId>,
    /// The instance's plan; required unless rotating.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<PlanId>,
    /// What the platform says about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Deprecated in favour of `bind_resource.app_guid`; read both (B-BIND-14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_guid: Option<String>,
    /// What is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind_resource: Option<BindResource>,
    /// What the user asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// The binding that this one replaces (B-ROT-02).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor_binding_id: Option<BindingId>,
}

impl BindRequest {
    /// The application to bind, from either of its two places.
    #[must_use]
    pub fn application(&self) -> Option<&str> {
        let nested = self.bind_resource.as_ref().and_then(|resource| resource.app_guid.as_deref());
        nested.or(self.app_guid.as_deref()).filter(|guid| !guid.is_empty())
    }
}

/// What is bound (S#bind-resource-object); unknown properties are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BindResource {
    /// An application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_guid: Option<String>,
    /// A route, for route services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Anything else a platform sends.
    #[serde(flatten)]
    pub properties: Map<String, Value>,
}

/// How long a binding lives (B-BRO-02 to 04).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BindingMetadata {
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When a successor should exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_before: Option<Timestamp>,
}

/// How a volume may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountMode {
    /// Read only.
    #[serde(rename = "r")]
    Read,
    /// Read and write.
    #[serde(rename = "rw")]
    ReadWrite,
}

/// The kind of a device; the specification knows one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceType {
    /// A distributed file system that all instances of an application share.
    Shared,
}

/// What is mounted (B-BRO-06). `mount_config` may hold secrets: `Debug` leaves it out.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Names the volume.
    pub volume_id: String,
    /// For the driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_config: Option<Map<String, Value>>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("volume_id", &self.volume_id).finish_non_exhaustive()
    }
}

/// A volume to mount (B-BRO-05).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeMount {
    /// The volume driver.
    pub driver: String,
    /// Where in the container.
    pub container_dir: String,
    /// How.
    pub mode: MountMode,
    /// The kind of device.
    pub device_type: DeviceType,
    /// The device.
    pub device: Device,
}

/// The protocol of an endpoint; absent means TCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointProtocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// Both.
    All,
}

/// Where an application connects to (B-BRO-07).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// A name or one address.
    pub host: String,
    /// Ports or ranges, as texts: `"443"`, `"9000-9010"`; not empty.
    pub ports: Vec<String>,
    /// TCP unless said otherwise.
    #[serde(default)]
    pub protocol: EndpointProtocol,
}

/// The body of a finished bind. Every part may be a secret or lead to one, so `Debug` prints no value.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BindingBody {
    /// How long it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BindingMetadata>,
    /// What the application needs (B-BIND-25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Where logs go (B-BIND-06).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syslog_drain_url: Option<String>,
    /// Where requests for the route go (B-BIND-07).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_service_url: Option<String>,
    /// What is mounted (B-BIND-10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_mounts: Option<Vec<VolumeMount>>,
    /// All endpoints the application connects to (B-BRO-08).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<Endpoint>>,
}

impl std::fmt::Debug for BindingBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BindingBody")
            .field("metadata", &self.metadata)
            .field("credentials", &self.credentials)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

/// Every successful answer to a bind or rotation request.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// 201: this request created it.
    Created(BindingBody),
    /// 200: it was already there with the same parameters.
    Unchanged(BindingBody),
    /// 202: being created; no binding data yet (B-BIND-20).
    Accepted(Accepted),
}

/// The answer to fetching a binding: the binding and its parameters (B-FBN-03).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FetchedBinding {
    /// The binding.
    #[serde(flatten)]
    pub binding: BindingBody,
    /// Its parameters, secrets left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
}

/// The query of an unbind request; both ids are required (B-UNB-04).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnbindQuery {
    /// The instance's offering.
    pub service_id: ServiceId,
    /// The instance's plan.
    pub plan_id: PlanId,
}

/// Every answer to an unbind request that ends in "it is not there".
#[derive(Debug, Clone, PartialEq)]
pub enum Unbound {
    /// 200: this request deleted it.
    Deleted,
    /// 202: being deleted.
    Accepted(Accepted),
    /// 410: it does not exist.
    Gone,
}
