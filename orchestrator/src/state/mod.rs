//! What we believe exists.

pub mod record;
pub mod status;
