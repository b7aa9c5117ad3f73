//! What the end-to-end tests stand on: vendors that are not the real ones.

pub mod acme;
pub mod applykit;
pub mod cloudflare;
pub mod dnsimple;
pub mod ending;
pub mod faultkit;
pub mod program;
pub mod stripe;
mod vendor;
pub mod world;
