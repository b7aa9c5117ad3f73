//! A broker for ACME's mailboxes: a template. `docs/adding-a-service.md` walks through it.

pub mod offering;
pub mod provider;
pub mod vendor;
