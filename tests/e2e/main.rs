//! What is promised to users, proven through the real binaries: real processes, real HTTP, only the vendor is fake.

mod adopt;
mod apply;
mod bad_input;
mod change;
mod check;
mod crash;
mod documentation;
mod drift;
mod golden;
mod layers;
mod migrations;
mod points;
mod reuse;
mod rights;
mod rotation;
mod saved;
mod secrecy;
mod secrets;
mod shop;
mod sinks;
mod sources;
mod stop;
mod supply;
mod sweep;
mod tutorial;
mod upgrade;
