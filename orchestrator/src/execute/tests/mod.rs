//! Runs against a broker over HTTP: order, durability, resuming, failures, stopping.

mod broker;
mod crash;
mod create;
mod failure;
mod lifecycle;
mod secrets;
mod stop;
mod world;

use broker::{Act, Fake};
use world::World;
