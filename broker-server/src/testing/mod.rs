//! What tests of brokers stand on: real servers, started for the test and gone with it.

pub mod bind;
pub mod pebble;
pub mod postgres;
pub mod proxy;
pub mod signing;
pub mod way;
