//! What tells one kind of object of Stripe's from another.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sutler_catalog::{Offering, stripe::Mode};
use sutler_spec::PlanId;

use super::{
    super::client::{Endpoint, Table},
    Act, Adoption, Family, Field, Known,
    discovery::at_places,
};
use crate::providers::{FieldDrift, Marker};

/// The key in the metadata of everything that we make.
pub(in super::super) const MARK: &str = "sutler_mark";

/// The key in the metadata of what was given up.
const RELEASED: &str = "sutler_released";

/// How many digits of the mark stand there.
const DIGITS: usize = 32;

/// What stands in the metadata of what belongs to an instance.
pub(in super::super) fn mark(marker: &Marker) -> String {
    marker.hex(DIGITS)
}

/// What makes a released object that of an instance.
pub(super) fn claim(marker: &Marker) -> Value {
    json!({ "active": true, "metadata": { MARK: mark(marker), RELEASED: "" } })
}

/// Whether an instance of ours gave it up.
pub(super) fn is_released(shown: &Value) -> bool {
    shown["metadata"][RELEASED] == "true" && shown["active"] == false
}

/// A kind of object: what it is made from and how it is told. An instance is one object of a kind.
pub(in super::super) trait Kind: Debug + Send + Sync + 'static {
    /// The parameters.
    type Wanted: DeserializeOwned + Send + Sync;

    /// What does not depend on an instance.
    const TRAITS: Traits;

    /// The offering, with the plans of these modes.
    fn offering(modes: &[Mode]) -> Offering;

    /// The mode of a plan.
    fn mode(plan: &PlanId) -> Option<Mode>;

    /// The fields of the object, without id and mark.
    fn fields(wanted: &Self::Wanted, naming: &Naming<'_>) -> Vec<Field>;

    /// What belongs to an object and lives and goes with it.
    const FAMILY: Option<Family> = None;

    /// Who uses an object that must not go then.
    const USERS: Option<Users> = None;

    /// The next change that makes the family what is asked for.
    fn next(_wanted: &Self::Wanted, _naming: &Naming<'_>, _shown: &Value, _family: &[Value]) -> Option<Act> {
        None
    }

    /// The next change before the object itself can go.
    fn last(_naming: &Naming<'_>, _shown: &Value, _family: &[Value]) -> Option<Act> {
        None
    }

    /// What differs in the family.
    fn family_drift(_wanted: &Self::Wanted, _naming: &Naming<'_>, _family: &[Value]) -> Vec<FieldDrift> {
        Vec::new()
    }

    /// Facts for the platform.
    fn attributes(shown: &Value, family: &[Value]) -> Map<String, Value>;

    /// What a binding gives.
    fn credentials(_known: &Known, shown: &Value, family: &[Value]) -> Map<String, Value> {
        Self::attributes(shown, family)
    }

    /// Where the mark stands.
    fn mark_field(marker: &Marker) -> Option<Field> {
        Some(Field::new("mark", "/metadata/sutler_mark", mark(marker)))
    }

    /// What a schema cannot say; one message per problem.
    fn problems(_wanted: &Self::Wanted) -> Vec<String> {
        Vec::new()
    }

    /// Whether an object has the key that is wanted, of which Stripe has one for ever: what was given up is then taken up.
    fn has_same_key(_wanted: &Self::Wanted, _shown: &Value) -> bool {
        false
    }

    /// Parameters that describe an object that exists, from where the kind says that they stand.
    fn described(shown: &Value, places: &[(&str, &str)]) -> Map<String, Value> {
        at_places(shown, places)
    }

    /// Why this object of an adoptable kind can never be taken over, if so.
    fn not_adoptable(_shown: &Value) -> Option<String> {
        None
    }

    /// Whether an object carries the instance's mark.
    fn carries(shown: &Value, marker: &Marker) -> bool {
        shown["metadata"][MARK] == mark(marker).as_str()
    }

    /// The mark that an object carries, if any.
    fn mark_of(shown: &Value) -> Option<String> {
        shown["metadata"][MARK].as_str().filter(|mark| mark.len() == DIGITS).map(str::to_owned)
    }
}

/// What is known about names when an object is made.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Naming<'a> {
    /// The instance's mark.
    pub(in super::super) marker: &'a Marker,
    /// Whether the mark may be put on it.
    pub(in super::super) origin: Origin,
}

/// Where an object comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Origin {
    /// The broker made it, and it carries the mark.
    Made,
    /// It was there before, and stays without one.
    Adopted,
}

/// What does not depend on an instance.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Traits {
    /// What people call it, such as `webhook endpoint`.
    pub(in super::super) what: &'static str,
    /// What its calls need of a restricted key, in Stripe's words: read on some things, write on others.
    pub(in super::super) permissions: &'static str,
    /// All calls.
    pub(in super::super) table: &'static Table,
    /// Makes one.
    pub(in super::super) create: &'static Endpoint,
    /// Lists all; each page with one of the filters, one list after the other.
    pub(in super::super) list: &'static Endpoint,
    /// The filters that together show everything.
    pub(in super::super) filters: &'static [&'static [(&'static str, &'static str)]],
    /// Reads one.
    pub(in super::super) read: &'static Endpoint,
    /// What a read, and a list, has to ask for.
    pub(in super::super) told: &'static [(&'static str, &'static str)],
    /// Changes one.
    pub(in super::super) update: &'static Endpoint,
    /// How it is told from others.
    pub(in super::super) identity: Identity,
    /// How it goes away.
    pub(in super::super) removal: Removal,
    /// Where the value stands that is shown once, as a JSON pointer.
    pub(in super::super) shown_once: Option<&'static str>,
    /// Where people manage it, behind the address of the dashboard.
    pub(in super::super) dashboard: &'static str,
    /// Whether one that exists can be taken over.
    pub(in super::super) adoption: Adoption,
}

/// Who may use an object.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Users {
    /// What people call them, such as `active prices`.
    pub(in super::super) what: &'static str,
    /// Lists them.
    pub(in super::super) list: &'static Endpoint,
    /// What of the list counts.
    pub(in super::super) filter: &'static [(&'static str, &'static str)],
    /// Where the id of what is used stands, as a JSON pointer.
    pub(in super::super) at: &'static str,
}

/// How an object is told from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Identity {
    /// By its mark alone: there may be twins.
    Marked,
    /// By a key that is derived from the mark, and that Stripe gives once: no twins.
    Unique,
    /// By its id, which is made from the mark.
    OwnId,
}

/// How an object goes away.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Removal {
    /// It is deleted.
    Delete(&'static Endpoint),
    /// It is deleted if it never had a family; otherwise Stripe keeps it for ever.
    DeleteOrArchive {
        /// Deletes it.
        delete: &'static Endpoint,
        /// Puts it out of use.
        archive: (&'static Endpoint, Flag),
        /// Puts it into use again.
        revive: (&'static Endpoint, Flag),
    },
    /// Stripe keeps it for ever; it is put out of use.
    Archive {
        /// Puts it out of use.
        archive: (&'static Endpoint, Flag),
        /// Puts it into use again.
        revive: (&'static Endpoint, Flag),
    },
}

/// What is sent to put an object out of use, or into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Flag {
    /// Nothing: the address says it.
    None,
    /// `active` with this value.
    Active(bool),
    /// Out of use, and free for whoever wants the same key: the mark is taken away.
    Release,
}

impl Flag {
    pub(super) fn body(self) -> Value {
        match self {
            Self::None => json!({}),
            Self::Active(active) => json!({ "active": active }),
            Self::Release => json!({ "active": false, "metadata": { MARK: "", RELEASED: "true" } }),
        }
    }
}

impl Traits {
    /// The id that an object of an instance has, where we choose it.
    pub(super) fn own_id(&self, marker: &Marker) -> Option<String> {
        (self.identity == Identity::OwnId).then(|| format!("osb_{}", mark(marker)))
    }

    /// Whether an object is in use.
    pub(super) fn is_in_use(&self, shown: &Value) -> bool {
        match self.removal {
            Removal::Delete(_) => shown["deleted"] != true,
            Removal::Archive { .. } | Removal::DeleteOrArchive { .. } => {
                shown["active"] != false && shown["status"] != "inactive"
            }
        }
    }
}
