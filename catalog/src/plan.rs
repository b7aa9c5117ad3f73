//! How a service plan is declared.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use sutler_spec::{
    InputParametersSchema, MaintenanceInfo, PlanId, Schemas, ServiceBindingSchema, ServiceInstanceSchema,
    ServicePlan,
};

use crate::{
    Guid,
    schema::{self, Nulls},
};

/// Whether work on instances of a plan outlives the request. Not on the wire: it tells a broker when `AsyncRequired`
/// applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Asynchronous {
    /// All work ends within the request.
    Never,
    /// Work ends within the request when it can, and goes on after it when the platform allows.
    #[default]
    Possible,
    /// No work ends within the request: a platform that does not accept incomplete answers is told `AsyncRequired`.
    Always,
}

/// A service plan: its wire form, and what only its broker needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    wire: ServicePlan,
    instances: Asynchronous,
    updates: Asynchronous,
    bindings: Asynchronous,
    application: Application,
    changes_to: Option<Vec<PlanId>>,
}

/// Whether a binding is always one of an application. Not on the wire: it tells a broker when `RequiresApp` applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Application {
    /// Keys without an application are made too.
    #[default]
    Optional,
    /// A bind request without an `app_guid` is told `RequiresApp` (B-BIND-15).
    Required,
}

impl Plan {
    /// A plan that is free (said explicitly, quirk 13) and takes its offering's word on everything else.
    #[must_use]
    pub fn new(id: Guid, name: &str, description: &str) -> Self {
        let wire = ServicePlan {
            id: id.into(),
            name: name.to_owned(),
            description: description.to_owned(),
            metadata: Map::new(),
            free: Some(true),
            bindable: None,
            binding_rotatable: false,
            plan_updateable: None,
            schemas: None,
            maximum_polling_duration: None,
            maintenance_info: None,
        };
        Self {
            wire,
            instances: Asynchronous::default(),
            updates: Asynchronous::default(),
            bindings: Asynchronous::default(),
            application: Application::default(),
            changes_to: None,
        }
    }

    /// What the catalog says.
    #[must_use]
    pub fn service_plan(&self) -> &ServicePlan {
        &self.wire
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &PlanId {
        &self.wire.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.wire.name
    }

    /// Whether creating and deleting its instances outlives the request.
    #[must_use]
    pub fn asynchrony(&self) -> Asynchronous {
        self.instances
    }

    /// Whether updating its instances outlives the request.
    #[must_use]
    pub fn update_asynchrony(&self) -> Asynchronous {
        self.updates
    }

    /// Whether creating and deleting bindings of its instances outlives the request.
    #[must_use]
    pub fn binding_asynchrony(&self) -> Asynchronous {
        self.bindings
    }

    /// Whether a binding needs an application.
    #[must_use]
    pub fn application(&self) -> Application {
        self.application
    }

    /// Whether its instances can change to that plan of the same offering, provided that they can change their plan.
    #[must_use]
    pub fn can_change_to(&self, plan: &PlanId) -> bool {
        self.changes_to.as_ref().is_none_or(|plans| plans.contains(plan))
    }

    /// Says whether any work outlives the request; [`Asynchronous::Possible`] if not called.
    #[must_use]
    pub fn asynchronous(mut self, asynchronous: Asynchronous) -> Self {
        (self.instances, self.updates, self.bindings) = (asynchronous, asynchronous, asynchronous);
        self
    }

    /// Says whether updates outlive the request. Call it after [`asynchronous`](Self::asynchronous).
    #[must_use]
    pub fn asynchronous_updates(mut self, asynchronous: Asynchronous) -> Self {
        self.updates = asynchronous;
        self
    }

    /// Says whether bind and unbind outlive the request. Call it after [`asynchronous`](Self::asynchronous); the
    /// offering must have its bindings retrievable unless it is [`Asynchronous::Never`] (B-LOB-06).
    #[must_use]
    pub fn asynchronous_bindings(mut self, asynchronous: Asynchronous) -> Self {
        self.bindings = asynchronous;
        self
    }

    /// Bindings are of applications only (B-BIND-15).
    #[must_use]
    pub fn requires_app(mut self) -> Self {
        self.application = Application::Required;
        self
    }

    /// Instances can change to these plans of the offering, and to no other (B-UPD-01, B-UPD-10).
    #[must_use]
    pub fn changes_to(mut self, plans: &[Guid]) -> Self {
        self.wire.plan_updateable = Some(true);
        self.changes_to = Some(plans.iter().copied().map(PlanId::from).collect());
        self
    }

    /// Any other metadata (B-PROF-03).
    #[must_use]
    pub fn metadata(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.wire.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// The name for people (`metadata.displayName`).
    #[must_use]
    pub fn display_name(mut self, text: &str) -> Self {
        self.wire.metadata.insert("displayName".to_owned(), Value::from(text));
        self
    }

    /// One more selling point (`metadata.bullets`).
    #[must_use]
    pub fn bullet(mut self, text: &str) -> Self {
        self.append("bullets", Value::from(text));
        self
    }

    /// One more price (`metadata.costs`, B-PROF-04): an amount in a currency per unit; the plan is no longer free.
    #[must_use]
    pub fn cost(mut self, currency: &str, amount: f64, unit: &str) -> Self {
        self.wire.free = Some(false);
        self.append("costs", json!({ "amount": { currency: amount }, "unit": unit }));
        self
    }

    /// Whether it costs nothing.
    #[must_use]
    pub fn free(mut self, free: bool) -> Self {
        self.wire.free = Some(free);
        self
    }

    /// Overrides the offering's word on whether instances can be bound.
    #[must_use]
    pub fn bindable(mut self, bindable: bool) -> Self {
        self.wire.bindable = Some(bindable);
        self
    }

    /// Overrides the offering's word on whether instances can change to another plan.
    #[must_use]
    pub fn plan_updateable(mut self, updateable: bool) -> Self {
        self.wire.plan_updateable = Some(updateable);
        self
    }

    /// Whether bindings can be rotated with a predecessor (B-CPL-07).
    #[must_use]
    pub fn binding_rotatable(mut self, rotatable: bool) -> Self {
        self.wire.binding_rotatable = rotatable;
        self
    }

    /// After how many seconds a platform stops polling (B-CPL-10).
    #[must_use]
    pub fn maximum_polling_duration(mut self, seconds: u64) -> Self {
        self.wire.maximum_polling_duration = Some(seconds);
        self
    }

    /// The semantic version of what instances are made of, and what changing to it means for users (B-CMI).
    #[must_use]
    pub fn maintenance_info(mut self, version: &str, description: &str) -> Self {
        let description = (!description.is_empty()).then(|| description.to_owned());
        self.wire.maintenance_info = Some(MaintenanceInfo { version: Some(version.to_owned()), description });
        self
    }

    /// The parameters, from one type: of a provision request, and of an update, where everything may be left out and
    /// optional ones may be `null`. A field with `#[schemars(extend("x-sutler-fixed" = true))]` cannot be updated.
    #[must_use]
    pub fn parameters<T: JsonSchema>(mut self) -> Self {
        let written = |schema| Some(InputParametersSchema { parameters: Some(schema) });
        self.instance_schemas().create = written(schema::of_creation::<T>());
        self.instance_schemas().update = written(schema::of_change::<T>());
        self
    }

    /// The parameters of a provision request. Optional ones are left out, never `null`.
    #[must_use]
    pub fn provision<T: JsonSchema>(mut self) -> Self {
        self.instance_schemas().create = input::<T>(Nulls::Refused);
        self
    }

    /// The parameters of an update request: those that can change. `null` returns an optional one to its default.
    #[must_use]
    pub fn update<T: JsonSchema>(mut self) -> Self {
        self.instance_schemas().update = input::<T>(Nulls::Accepted);
        self
    }

    /// The parameters of a bind request. Optional ones are left out, never `null`.
    #[must_use]
    pub fn bind<T: JsonSchema>(mut self) -> Self {
        let schemas = self.wire.schemas.get_or_insert_with(Schemas::default);
        schemas.service_binding = Some(ServiceBindingSchema { create: input::<T>(Nulls::Refused) });
        self
    }

    fn instance_schemas(&mut self) -> &mut ServiceInstanceSchema {
        self.wire
            .schemas
            .get_or_insert_with(Schemas::default)
            .service_instance
            .get_or_insert_with(ServiceInstanceSchema::default)
    }

    fn append(&mut self, key: &str, value: Value) {
        let list = self.wire.metadata.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(items) = list {
            items.push(value);
        }
    }
}

fn input<T: JsonSchema>(nulls: Nulls) -> Option<InputParametersSchema> {
    Some(InputParametersSchema { parameters: Some(schema::of::<T>(nulls)) })
}
