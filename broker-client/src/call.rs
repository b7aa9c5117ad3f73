//! The requests a platform makes, by name.

/// What was asked of a broker; decides what an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Fetch the catalog.
    Catalog,
    /// Create an instance.
    Provision,
    /// Read an instance.
    FetchInstance,
    /// Change an instance.
    Update,
    /// Delete an instance.
    Deprovision,
    /// Create a binding, or rotate one.
    Bind,
    /// Read a binding.
    FetchBinding,
    /// Delete a binding.
    Unbind,
    /// One poll. The end of *polling* belongs to the call that started the work.
    LastOperation,
}
