//! Records for table tests.

use serde_json::Map;
use sutler_secrets::Digest;
use sutler_spec::{BindingId, InstanceId, OperationState, Parameters, PlanId, ServiceId};

use crate::{
    binding::{Binding, BindingState},
    instance::{Instance, InstanceState},
    operation::{OperationId, OperationStatus, Work},
};

/// The digest of what is there.
pub(super) fn same() -> Digest {
    Digest::from_bytes([1; 32])
}

/// The digest of something else.
pub(super) fn other() -> Digest {
    Digest::from_bytes([2; 32])
}

/// An instance in this state, asked for with [`same`].
pub(super) fn instance(state: InstanceState) -> Instance {
    Instance {
        id: InstanceId::new("i").unwrap(),
        service: ServiceId::new("service").unwrap(),
        plan: PlanId::new("plan").unwrap(),
        organization: "organization".to_owned(),
        space: "space".to_owned(),
        context: None,
        parameters: Parameters::default(),
        digest: same(),
        maintenance_version: None,
        state,
        state_before: None,
        record: None,
        unfinished: None,
        dashboard_url: None,
        labels: Map::new(),
        attributes: Map::new(),
        revision: 1,
    }
}

/// A binding in this state, asked for with [`same`].
pub(super) fn binding(state: BindingState) -> Binding {
    Binding {
        instance: InstanceId::new("i").unwrap(),
        id: BindingId::new("b").unwrap(),
        state,
        digest: same(),
        application: None,
        predecessor: None,
        parameters: Parameters::default(),
        record: None,
        unfinished: None,
        body: None,
    }
}

/// What is in progress: such work, waiting or under way. Bind and unbind are of the binding of [`binding`].
pub(super) fn active(work: Work, is_parked: bool) -> OperationStatus {
    let bound = matches!(work, Work::Bind | Work::Unbind);
    OperationStatus {
        id: OperationId::from("operation"),
        binding: bound.then(|| BindingId::new("b").unwrap()),
        work,
        state: OperationState::InProgress,
        description: None,
        instance_usable: None,
        update_repeatable: None,
        digest: same(),
        is_parked,
        due_in: 0,
    }
}
