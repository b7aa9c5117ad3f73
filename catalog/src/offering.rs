//! How an offering is declared, by us and by others.

use schemars::JsonSchema;
use serde_json::{Map, Value};
use sutler_spec::{PlanId, Requirement, ServiceId, ServiceOffering};

use crate::{
    Extension, Guid, Plan,
    output::{self, Output, Sensitivity},
};

/// A service offering: its wire form, and what only its broker needs to know.
///
/// ```
/// use serde::Deserialize;
/// use sutler_catalog::schemars::{self, JsonSchema};
/// use sutler_catalog::{Guid, Offering, Plan, Sensitivity};
///
/// /// What a clock needs to know.
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Parameters {
///     /// The time zone it shows.
///     zone: String,
/// }
///
/// let offering = Offering::new(Guid::new("3b0c8a54-1f7d-4a86-9a51-c1d0ff0e6a01"), "acme-clock", "A clock on the wall")
///     .bindable(true)
///     .output("key", "Winds it up", Sensitivity::Secret)
///     .with_plan(
///         Plan::new(Guid::new("3b0c8a54-1f7d-4a86-9a51-c1d0ff0e6a02"), "standard", "One clock")
///             .provision::<Parameters>(),
///     );
/// assert_eq!(offering.service().plans.len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Offering {
    service: ServiceOffering,
    plans: Vec<Plan>,
    outputs: Vec<Output>,
    exclusive: bool,
    extensions: Vec<Extension>,
}

impl Offering {
    /// An offering without plans, not bindable, of which nothing can be fetched. Whether it is complete is checked
    /// together with the whole catalog, by [`crate::Index::check`].
    #[must_use]
    pub fn new(id: Guid, name: &str, description: &str) -> Self {
        let service = ServiceOffering {
            name: name.to_owned(),
            id: id.into(),
            description: description.to_owned(),
            tags: Vec::new(),
            requires: Vec::new(),
            bindable: false,
            instances_retrievable: false,
            bindings_retrievable: false,
            allow_context_updates: false,
            metadata: Map::new(),
            dashboard_client: None,
            plan_updateable: false,
            plans: Vec::new(),
        };
        Self { service, plans: Vec::new(), outputs: Vec::new(), exclusive: false, extensions: Vec::new() }
            .with_outputs_written()
    }

    /// What the catalog says: complete, with all plans, schemas and declared outputs.
    #[must_use]
    pub fn service(&self) -> &ServiceOffering {
        &self.service
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &ServiceId {
        &self.service.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.service.name
    }

    /// The plan of that id.
    #[must_use]
    pub fn plan(&self, id: &PlanId) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id() == id)
    }

    /// All plans, in the order of the catalog.
    #[must_use]
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// What instances and bindings yield.
    #[must_use]
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// A page about it for people, in Markdown: plans, parameters with their limits, outputs.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        crate::markdown::page(self)
    }

    /// Adds a plan.
    #[must_use]
    pub fn with_plan(mut self, plan: Plan) -> Self {
        self.service.plans.push(plan.service_plan().clone());
        self.plans.push(plan);
        self
    }

    /// Declares a key of the credentials or attributes. What is not declared counts as secret (S-41).
    #[must_use]
    pub fn output(mut self, name: &str, description: &str, sensitivity: Sensitivity) -> Self {
        let (name, description) = (name.to_owned(), description.to_owned());
        self.outputs.push(Output { name, description, sensitivity });
        self.with_outputs_written()
    }

    /// Declares every field of a type that attributes or credentials are made from. A field that is a
    /// `sutler_secrets::Secret` is secret, any other is public; its doc comment is its description.
    #[must_use]
    pub fn outputs_of<T: JsonSchema>(mut self) -> Self {
        self.outputs.extend(output::of::<T>());
        self.with_outputs_written()
    }

    /// Whether instances can be bound; a plan may say otherwise.
    #[must_use]
    pub fn bindable(mut self, bindable: bool) -> Self {
        self.service.bindable = bindable;
        self
    }

    /// Whether instances can be fetched.
    #[must_use]
    pub fn instances_retrievable(mut self, retrievable: bool) -> Self {
        self.service.instances_retrievable = retrievable;
        self
    }

    /// Whether bindings can be fetched.
    #[must_use]
    pub fn bindings_retrievable(mut self, retrievable: bool) -> Self {
        self.service.bindings_retrievable = retrievable;
        self
    }

    /// Whether updates of nothing but the context are understood.
    #[must_use]
    pub fn allow_context_updates(mut self, allowed: bool) -> Self {
        self.service.allow_context_updates = allowed;
        self
    }

    /// Two instances with the same parameters cannot be there at once: whoever replaces one has to delete it first.
    #[must_use]
    pub fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self.with_outputs_written()
    }

    /// Whether instances can change their plan; a plan may say otherwise.
    #[must_use]
    pub fn plan_updateable(mut self, updateable: bool) -> Self {
        self.service.plan_updateable = updateable;
        self
    }

    /// Words for finding it.
    #[must_use]
    pub fn tags(mut self, tags: &[&str]) -> Self {
        self.service.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        self
    }

    /// What the platform must be able to do (B-CSV-07).
    #[must_use]
    pub fn requires(mut self, requirement: Requirement) -> Self {
        self.service.requires.push(requirement);
        self
    }

    /// The name for people.
    #[must_use]
    pub fn display_name(self, text: &str) -> Self {
        self.metadata("displayName", text)
    }

    /// All there is to say.
    #[must_use]
    pub fn long_description(self, text: &str) -> Self {
        self.metadata("longDescription", text)
    }

    /// Where the manual is.
    #[must_use]
    pub fn documentation_url(self, url: &str) -> Self {
        self.metadata("documentationUrl", url)
    }

    /// Where help is.
    #[must_use]
    pub fn support_url(self, url: &str) -> Self {
        self.metadata("supportUrl", url)
    }

    /// Where the picture is; a `data:` URL is allowed.
    #[must_use]
    pub fn image_url(self, url: &str) -> Self {
        self.metadata("imageUrl", url)
    }

    /// Who provides it.
    #[must_use]
    pub fn provider_display_name(self, text: &str) -> Self {
        self.metadata("providerDisplayName", text)
    }

    /// Any other metadata (B-PROF-02). The key `sutler` is ours and is not changed.
    #[must_use]
    pub fn metadata(mut self, key: &str, value: impl Into<Value>) -> Self {
        if key != output::METADATA_KEY {
            self.service.metadata.insert(key.to_owned(), value.into());
        }
        self
    }

    /// Our extensions that it has: none unless called. A broker says so of those that its operator allows.
    #[must_use]
    pub fn extensions(mut self, extensions: &[Extension]) -> Self {
        self.extensions = extensions.to_vec();
        self.with_outputs_written()
    }

    fn with_outputs_written(mut self) -> Self {
        let written = output::to_metadata(&self.outputs, self.exclusive, &self.extensions);
        self.service.metadata.insert(output::METADATA_KEY.to_owned(), written);
        self
    }
}
