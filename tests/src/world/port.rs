//! Free ports on loopback, for servers that must come back at the same address.

use std::net::{Ipv4Addr, TcpListener};

use super::WorldError;

/// A port that was free a moment ago.
///
/// # Errors
/// When there is none.
pub fn free() -> Result<u16, WorldError> {
    let step = "looking for a free port";
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| WorldError::new(step, error))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| WorldError::new(step, error))
}
