//! What the real program does with a state that is there: exchange of its key, history, events. No broker is asked.

mod events;
mod history;
mod home;
mod rekey;
