//! The Open Service Broker API 2.17 as types: what goes over the wire, and nothing that sends it.
//!
//! ```text
//! catalog ── instance ── binding        the messages, chapter by chapter of the specification
//!    └──────────┬───────────┘
//!  operation · context · credentials    parts they share
//!               │
//!   id · header · path · error          identifiers, headers, paths, error bodies
//! ```
//!
//! Broker and platform share [`Provisioned`], [`Bound`] and the other outcomes: the broker calls `status()` and
//! `body()`, the platform calls `decode(status, body)`, and a property test proves the two inverse.

mod binding;
mod body_error;
mod catalog;
mod context;
mod credentials;
mod error;
mod extension;
mod header;
mod id;
mod instance;
mod operation;
mod outcome;
mod path;
mod timestamp;

pub use binding::{
    BindRequest, BindResource, BindingBody, BindingMetadata, Bound, Device, DeviceType, Endpoint,
    EndpointProtocol, FetchedBinding, MountMode, UnbindQuery, Unbound, VolumeMount,
};
pub use body_error::BodyError;
pub use catalog::{
    Catalog, DashboardClient, InputParametersSchema, MaintenanceInfo, Requirement, Schemas,
    ServiceBindingSchema, ServiceInstanceSchema, ServiceOffering, ServicePlan,
};
pub use context::{Context, IdentityError, OriginatingIdentity, RequestIdentity};
pub use credentials::{Credentials, Parameters};
pub use error::{ErrorBody, ErrorCode, description};
pub use extension::{DISCOVER_PATH, DiscoveredObject, DiscoveredPage, ObjectOwner};
pub use header::{ApiVersion, VersionError, name as header_name};
pub use id::{BindingId, IdError, InstanceId, PlanId, ServiceId};
pub use instance::{
    DeprovisionQuery, Deprovisioned, FetchedInstance, InstanceBody, InstanceMetadata, PreviousValues,
    ProvisionRequest, Provisioned, UpdateRequest, Updated,
};
pub use operation::{Accepted, LastOperation, LastOperationQuery, Operation, OperationError, OperationState};
pub use outcome::{Asynchrony, DecodeError, Outcome};
pub use path::{PathError, binding_path, decode_segment, encode_segment, instance_path};
pub use timestamp::{Timestamp, TimestampError};
