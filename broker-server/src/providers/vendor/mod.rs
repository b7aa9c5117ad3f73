//! What the ways to all vendors have in common: addresses, the exchange itself, and the ways of not knowing.
//!
//! ```text
//! a vendor's client ──▶ address     the base URL, the header with the token, one call's URL
//!        ├────────────▶ call        the rows of a table of calls
//!        ├────────────▶ cursor      where the next page of a list begins
//!        ├────────────▶ exchange    one request, one answer as it arrived, or none
//!        └────────────▶ told        what the engine is told when there was no result
//! ```
//!
//! What an answer means is each vendor's own: [`Received`] is as far as this goes.

mod address;
mod call;
mod cursor;
mod exchange;
mod told;
mod unclear;

pub(crate) use address::{BaseProblem, base, bearer, http_client, url};
pub use call::VendorCall;
pub(crate) use call::{Endpoint, calls_of};
pub(crate) use cursor::Cursor;
pub(crate) use exchange::{NoAnswer, Received, exchange};
pub(crate) use told::{Meaning, Told};
pub(crate) use unclear::Unclear;
