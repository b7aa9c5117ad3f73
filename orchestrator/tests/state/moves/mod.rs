//! `sutler state migrate` through the real program, between real places of each kind; killed and made to fail at every point
//! of its protocol. What is true is read from the places themselves, behind the program's back.

mod frozen;
mod judge;
pub(crate) mod places;
mod story;
mod sweep;
