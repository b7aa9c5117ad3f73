//! `sutler state …` through the real program: on each backend the same story, with real servers and a broker over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sutler::config;

mod broker;
mod by_hand;
mod locks;
mod migrations;
mod moves;
mod outbox;
mod outbox_tls;
mod patience;
mod project;
mod reads;
mod state;
mod together;
mod verbs;
