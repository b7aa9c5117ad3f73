//! What the real program does with a state that is there: exchange of its key, history, events. No broker is asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod events;
mod history;
mod home;
mod rekey;
