//! What the client promises, shown against servers that keep the protocol and servers that do not.

// `cfg(test)` is always set here; clippy goes by it when it allows `unwrap` in tests.
#[cfg(test)]
mod connections;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod polling;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod world;
