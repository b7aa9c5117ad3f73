//! Runs against a broker over HTTP: order, durability, resuming, failures, stopping.

mod ahead;
mod broker;
mod crash;
mod create;
mod detach;
mod doubt;
mod failure;
mod generation;
mod lifecycle;
mod rotation;
mod secrets;
mod simulation;
mod stop;
mod teardown;
mod upgrade;
mod world;

use broker::{Act, Fake};
use world::World;
