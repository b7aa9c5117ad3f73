//! `sutler-probe`: an offering without a vendor, with a plan for every behaviour a platform can meet.
//!
//! What a platform must be able to do (`requires`) is said by offerings, so those three plans have offerings of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sutler_spec::{PlanId, Requirement};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

/// Keys of outputs.
pub mod output {
    /// Attributes: the behaviour of the plan.
    pub const BEHAVIOUR: &str = "behaviour";
    /// Attributes: how many updates were done.
    pub const UPDATES: &str = "updates";
    /// Credentials: another one for each binding.
    pub const USERNAME: &str = "username";
    /// Credentials: another one for each binding.
    pub const PASSWORD: &str = "password";
}

/// Parameters of all plans, to provision and to update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Any text.
    #[schemars(length(max = 1000))]
    pub note: Option<String>,
    /// Any text; never shown again.
    #[schemars(length(max = 1000), extend("writeOnly" = true))]
    pub secret: Option<String>,
}

/// Parameters of `fails-update`: how its updates end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailingUpdate {
    /// Any text.
    #[schemars(length(max = 1000))]
    pub note: Option<String>,
    /// Whether the instance can be used after the failure; `true` if left out.
    pub instance_usable: Option<bool>,
    /// Whether the same update may succeed later; `true` if left out.
    pub update_repeatable: Option<bool>,
    /// Does not fail.
    pub succeed: Option<bool>,
}

/// Parameters of a bind request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BindParameters {
    /// Any text.
    #[schemars(length(max = 1000))]
    pub note: Option<String>,
}

/// Parameters of a bind request of `expiring`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiringBind {
    /// Any text.
    #[schemars(length(max = 1000))]
    pub note: Option<String>,
    /// After how many seconds the binding expires; an hour if left out. It is to be renewed in the last quarter.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub lifetime_seconds: Option<u32>,
}

/// One of the offerings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Home {
    Main,
    LogDrain,
    Route,
    Volume,
}

impl Home {
    /// All of them, in the order of the catalog.
    pub const ALL: [Self; 4] = [Self::Main, Self::LogDrain, Self::Route, Self::Volume];

    /// The id of the offering.
    #[must_use]
    pub fn id(self) -> Guid {
        match self {
            Self::Main => Guid::new("8f6b3c1e-5b7a-4c0d-9e21-70726f626500"),
            Self::LogDrain => Guid::new("8f6b3c1e-5b7a-4c0d-9e21-70726f6265f1"),
            Self::Route => Guid::new("8f6b3c1e-5b7a-4c0d-9e21-70726f6265f2"),
            Self::Volume => Guid::new("8f6b3c1e-5b7a-4c0d-9e21-70726f6265f3"),
        }
    }

    /// The name of the offering.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "sutler-probe",
            Self::LogDrain => "sutler-probe-log-drain",
            Self::Route => "sutler-probe-route",
            Self::Volume => "sutler-probe-volume",
        }
    }

    fn requirement(self) -> Option<Requirement> {
        match self {
            Self::Main => None,
            Self::LogDrain => Some(Requirement::SyslogDrain),
            Self::Route => Some(Requirement::RouteForwarding),
            Self::Volume => Some(Requirement::VolumeMount),
        }
    }

    /// The offering, complete.
    #[must_use]
    pub fn offering(self) -> Offering {
        self.offering_of(MAINTENANCE_VERSION)
    }

    /// The offering with that version for [`Behaviour::Maintenance`].
    #[must_use]
    pub fn offering_of(self, maintenance_version: &str) -> Offering {
        let description = "Behaves as its plans say, without any vendor: for trying platforms and tools";
        let offering = Offering::new(self.id(), self.name(), description)
            .display_name("Sutler probe")
            .provider_display_name("Sutler")
            .long_description(
                "Keeps nothing and reaches nothing. Each plan shows one behaviour that a platform must cope with; \
                 metadata.sutler.probe of the plan names it.",
            )
            .tags(&["probe", "test"])
            .metadata("shareable", true)
            .bindable(true)
            .instances_retrievable(true)
            .bindings_retrievable(true)
            .allow_context_updates(true)
            .output(output::BEHAVIOUR, "What the plan is for", Sensitivity::Public)
            .output(output::UPDATES, "How many updates were done", Sensitivity::Public)
            .output(output::USERNAME, "Another one for each binding", Sensitivity::Public)
            .output(output::PASSWORD, "Another one for each binding", Sensitivity::Secret);
        let offering = self.requirement().into_iter().fold(offering, Offering::requires);
        let plans = Behaviour::ALL.into_iter().filter(|behaviour| behaviour.home() == self);
        plans.map(|behaviour| behaviour.plan(maintenance_version)).fold(offering, Offering::with_plan)
    }
}

/// All offerings of the probe, in the order of the catalog.
#[must_use]
pub fn offerings() -> Vec<Offering> {
    Home::ALL.map(Home::offering).into()
}

/// Names each behaviour, its plan's last digits and what it is.
macro_rules! behaviours {
    ($($name:ident $word:literal $digits:literal $description:literal;)*) => {
        /// What a plan does; its name is the plan's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Behaviour {
            $(#[doc = $description] $name,)*
        }

        impl Behaviour {
            /// All of them, in the order of the catalog.
            pub const ALL: [Self; [$($digits),*].len()] = [$(Self::$name),*];

            /// The word in `metadata.sutler.probe`, and the name of the plan.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The id of the plan.
            #[must_use]
            pub fn id(self) -> Guid {
                match self { $(Self::$name => Guid::new(concat!("8f6b3c1e-5b7a-4c0d-9e21-70726f6265", $digits)),)* }
            }

            fn description(self) -> &'static str {
                match self { $(Self::$name => $description,)* }
            }
        }
    };
}

behaviours! {
    Instant "instant" "01" "Everything is done at once";
    Slow "slow" "02" "Provision, update and deprovision are asynchronous; bind and unbind are not";
    AsyncOnly "async-only" "03" "Nothing is synchronous";
    SlowUpdate "slow-update" "04" "Only updates are asynchronous";
    AsyncBinding "async-binding" "05" "Only bind and unbind are asynchronous";
    FailsProvision "fails-provision" "06" "Provision is refused before anything is made";
    FailsProvisionLate "fails-provision-late" "07" "Provision is asynchronous and fails after something was made";
    FailsUpdate "fails-update" "08" "Updates are asynchronous and fail; parameters say what is left";
    FailsDeprovisionOnce "fails-deprovision-once" "09" "The first deprovision fails, the next succeeds";
    FailsBind "fails-bind" "0a" "Bind fails after something was made";
    NotBindable "not-bindable" "0b" "Instances cannot be bound";
    Rotatable "rotatable" "0c" "Bindings can be rotated";
    Expiring "expiring" "0d" "Bindings expire, and can be rotated";
    UpdateRefused "update-refused" "0e" "Updates are refused before anything is changed";
    RequiresApp "requires-app" "0f" "Only applications can be bound";
    Maintenance "maintenance" "10" "Has a maintenance version with build metadata";
    Schema "schema" "11" "Parameters have schemas; instances can change to schema-large";
    SchemaLarge "schema-large" "12" "Parameters have schemas; instances can change to schema";
    LogDrain "log-drain" "13" "Bindings yield a URL for logs";
    Route "route" "14" "Bindings yield a URL for requests";
    Volume "volume" "15" "Bindings yield a volume";
}

/// The version of [`Behaviour::Maintenance`], unless a broker is told another one.
pub const MAINTENANCE_VERSION: &str = "2.1.1+abcdef";

/// After how many seconds platforms give up on the asynchronous plans.
const PATIENCE: u64 = 3_600;

impl Behaviour {
    /// The behaviour of the plan with that id.
    #[must_use]
    pub fn of(plan: &PlanId) -> Option<Self> {
        Self::ALL.into_iter().find(|behaviour| behaviour.id().as_str() == plan.as_str())
    }

    /// The offering it belongs to.
    #[must_use]
    pub fn home(self) -> Home {
        match self {
            Self::LogDrain => Home::LogDrain,
            Self::Route => Home::Route,
            Self::Volume => Home::Volume,
            _ => Home::Main,
        }
    }

    fn plan(self, maintenance_version: &str) -> Plan {
        let plan = Plan::new(self.id(), self.name(), self.description())
            .metadata("sutler", json!({ "probe": self.name() }))
            .asynchronous(Asynchronous::Never)
            .maximum_polling_duration(PATIENCE);
        let plan = match self {
            Self::FailsUpdate => plan.provision::<FailingUpdate>().update::<FailingUpdate>(),
            _ => plan.provision::<Parameters>().update::<Parameters>(),
        };
        let plan = match self {
            Self::NotBindable => plan.bindable(false),
            Self::Expiring => plan.bind::<ExpiringBind>().binding_rotatable(true),
            _ => plan.bind::<BindParameters>(),
        };
        match self {
            Self::Slow => plan.asynchronous(Asynchronous::Always).asynchronous_bindings(Asynchronous::Never),
            Self::AsyncOnly => plan.asynchronous(Asynchronous::Always),
            Self::FailsProvisionLate => plan
                .asynchronous(Asynchronous::Always)
                .asynchronous_updates(Asynchronous::Never)
                .asynchronous_bindings(Asynchronous::Never),
            Self::SlowUpdate | Self::FailsUpdate => plan.asynchronous_updates(Asynchronous::Always),
            Self::AsyncBinding => plan.asynchronous_bindings(Asynchronous::Always),
            Self::Rotatable => plan.binding_rotatable(true),
            Self::RequiresApp => plan.requires_app(),
            Self::Maintenance => plan.maintenance_info(maintenance_version, "Nothing happens"),
            Self::Schema => plan.changes_to(&[Self::SchemaLarge.id()]),
            // a price that platforms can show, and nobody pays
            Self::SchemaLarge => plan.changes_to(&[Self::Schema.id()]).cost("usd", 0.0, "MONTHLY").free(true),
            _ => plan,
        }
    }
}
