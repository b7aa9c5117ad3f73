//! What a vendor has of ours, for comparing it with the store.

/// All that carries a mark of our form at the vendor, or why nobody can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// There it is: all pages of it, whichever installation made it.
    Objects {
        /// What has an object of its own once it is ready.
        bearers: Bearers,
        /// The objects.
        objects: Vec<MarkedObject>,
    },
    /// The vendor's objects have no place for a mark; says why. Instances are then asked for one by one.
    NotPossible(String),
}

/// What has an object at the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearers {
    /// Every instance that is ready.
    Instances,
    /// Every binding that is ready.
    Bindings,
    /// Both.
    InstancesAndBindings,
}

/// An object at the vendor that carries a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedObject {
    /// The vendor's id of it.
    pub id: String,
    /// The vendor's name for it, or whatever a person finds it by. Not secret.
    pub name: String,
    /// The digits of the mark it carries, as many as there are: a beginning of [`Marker::hex`](super::Marker::hex), at
    /// least 12.
    pub mark: String,
}
