//! What an author sets the stage with: a provider, its vendor as a fake, and what to ask for.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use sutler_spec::Credentials;

use super::super::{Marker, Provider, Work};

/// A provider with its vendor. Implement the first four; each of the others lets more of the suite run.
///
/// What the suite compares are the vendor's objects, so a fake that forgets nothing is all it takes. A method that
/// keeps its default says "not with this vendor": the cases that need it are reported as not tried.
#[async_trait]
pub trait Staged: Send + Sync + Sized + 'static {
    /// Sets the stage: a vendor that holds what the wishes stand on, and nothing else. Called once for each case.
    async fn set() -> Self;

    /// The provider, talking to this vendor.
    fn provider(&self) -> Arc<dyn Provider>;

    /// What to ask for.
    fn wishes(&self) -> Wishes;

    /// Everything that is at the vendor, whoever made it.
    async fn objects(&self) -> Vec<Object>;

    /// Lets the `nth` call that reaches the vendor from now on (1 is the next) meet a fault, in place of any earlier
    /// order. `false`: this vendor cannot be struck.
    async fn strike(&self, _nth: u64, _fault: &Fault) -> bool {
        false
    }

    /// From now on, until [`heal`](Self::heal), the vendor shows this word in place of every word that tells how far something
    /// is; what it shows is else as it is. `false`: the stage cannot do that.
    async fn puzzle(&self, _word: &str) -> bool {
        false
    }

    /// Ends the fault. Whether it has struck.
    async fn heal(&self) -> bool {
        false
    }

    /// How many calls have changed something at the vendor so far.
    async fn changes(&self) -> Option<u64> {
        None
    }

    /// Somebody else makes an object that stands where ours would: with the name we would give it. Says which request
    /// meets it, provision or bind; `None`: nothing can stand in the way.
    async fn occupy(&self, _target: &Target<'_>) -> Option<Work> {
        None
    }

    /// Fills the vendor's lists, so that what is made next is not on their first page.
    async fn crowd(&self) -> bool {
        false
    }

    /// Somebody deletes everything we made, behind the broker's back.
    async fn vanish(&self) -> bool {
        false
    }

    /// Whether the vendor accepts these credentials; `None` when there is nothing to try.
    async fn accepts(&self, _credentials: &Credentials) -> Option<bool> {
        None
    }
}

/// What to ask for: parameters as a user writes them.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    pub(super) plan: Option<String>,
    pub(super) provision: Value,
    pub(super) update: Option<Value>,
    pub(super) bind: Value,
    pub(super) refused: Vec<Value>,
    pub(super) secrets: Vec<String>,
}

impl Wishes {
    /// The parameters of an instance. Ask for everything that needs a step of its own.
    #[must_use]
    pub fn new(provision: Value) -> Self {
        Self { provision, ..Self::default() }
    }

    /// The name of the plan; the first one of the offering if not called.
    #[must_use]
    pub fn plan(mut self, name: &str) -> Self {
        self.plan = Some(name.to_owned());
        self
    }

    /// The parameters of an update that changes something.
    #[must_use]
    pub fn update(mut self, parameters: Value) -> Self {
        self.update = Some(parameters);
        self
    }

    /// The parameters of a binding; none if not called.
    #[must_use]
    pub fn bind(mut self, parameters: Value) -> Self {
        self.bind = parameters;
        self
    }

    /// Parameters of an instance that must be refused before anything is done.
    #[must_use]
    pub fn refused(mut self, parameters: Value) -> Self {
        self.refused.push(parameters);
        self
    }

    /// A value that must never be said to anybody. Credentials need not be named.
    #[must_use]
    pub fn secret(mut self, value: &str) -> Self {
        self.secrets.push(value.to_owned());
        self
    }
}

/// One object at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// What sort of object.
    pub kind: String,
    /// What tells it from all others, for ever: the vendor's id, or the name where a name is never used again.
    pub id: String,
    /// How it is. Equal texts mean that nobody changed it.
    pub state: String,
}

impl Object {
    /// An object.
    #[must_use]
    pub fn new(kind: &str, id: impl Into<String>, state: impl ToString) -> Self {
        Self { kind: kind.to_owned(), id: id.into(), state: state.to_string() }
    }
}

/// Where something foreign is to stand.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The mark that the object of the instance will carry.
    pub marker: &'a Marker,
    /// The mark that the object of its binding will carry.
    pub binding: &'a Marker,
    /// What people call the instance.
    pub name: &'a str,
}

/// What goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends before the vendor has done anything.
    DropRequest,
    /// The vendor does it; the connection ends without an answer.
    DropAnswer,
    /// The vendor does nothing and answers this.
    Answer(Page),
    /// The vendor does it and answers this.
    AnswerAfterwards(Page),
}

/// An answer that is not the vendor's usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// Seconds, for the header `Retry-After`.
    pub retry_after: Option<u32>,
    /// The body. It holds a word that must never reach a user.
    pub body: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DropRequest => f.write_str("lost on the way"),
            Self::DropAnswer => f.write_str("done and not answered"),
            Self::Answer(page) => write!(f, "answered with {page}"),
            Self::AnswerAfterwards(page) => write!(f, "done and answered with {page}"),
        }
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} as {}", self.status, self.content_type)?;
        match self.retry_after {
            Some(seconds) => write!(f, " and Retry-After: {seconds}"),
            None => Ok(()),
        }
    }
}
