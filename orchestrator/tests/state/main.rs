//! `sutler state …` through the real program: on each backend the same story, with real servers and a broker over HTTP.

use sutler::config;

mod broker;
mod by_hand;
mod locks;
mod project;
mod state;
mod together;
