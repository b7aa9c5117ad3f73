//! What a platform sees: a real server on a free port, with a provider that does as it is told.

mod bindings;
mod deprovision;
mod protocol;
mod provision;
mod restart;
mod secrets;
mod update;
mod world;
