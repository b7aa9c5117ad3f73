//! The edge of the network: what arrives before anything knows who sent it. Rows S-01 to S-20.

mod framing;
mod headers;
mod ids;
mod limits;
mod mutual;
mod raw;
mod tls;
