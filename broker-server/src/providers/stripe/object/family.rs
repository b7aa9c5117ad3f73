//! What belongs to an object and lives and goes with it, such as the prices of a product: made, changed and put out of
//! use one call at a time, until it is what is asked for.

use serde_json::{Value, json};

use super::{
    super::client::{Api, Call, CallError, Endpoint, Key},
    Kind, Object, find,
};
use crate::providers::{Attempt, Sent, Step};

/// The calls of a family.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Family {
    /// What people call one, such as `price`.
    pub(in super::super) what: &'static str,
    /// Lists those of an object.
    pub(in super::super) list: &'static Endpoint,
    /// The part of the query that names the object.
    pub(in super::super) of: &'static str,
    /// Makes one.
    pub(in super::super) create: &'static Endpoint,
    /// Changes one.
    pub(in super::super) update: &'static Endpoint,
}

/// One change to a family.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Act {
    /// Makes one.
    Create(Value),
    /// Changes the one of this id.
    Change(String, Value),
    /// Changes the object itself, since it names a member.
    Parent(Value),
}

impl Act {
    /// Puts one out of use.
    pub(in super::super) fn archive(member: &Value) -> Option<Self> {
        Some(Self::Change(find::id(member)?, json!({ "active": false })))
    }
}

impl<K: Kind> Object<K> {
    /// Everything that belongs to an object, in use or not. A kind without family has none.
    pub(super) async fn family(&self, api: &Api, id: &str) -> Result<Vec<Value>, CallError> {
        let Some(family) = K::FAMILY else { return Ok(Vec::new()) };
        let mut members = Vec::new();
        // a list that is not asked for those out of use may hide them
        for active in ["true", "false"] {
            let call = || Call::read(family.list, &[]).query(family.of, id).query("active", active);
            members.extend(api.list(call).await?);
        }
        Ok(members)
    }

    /// Does one act.
    pub(super) async fn act(
        &self,
        api: &Api,
        step: &Step<'_>,
        (family, id, act): (Family, &str, Act),
    ) -> Result<(), CallError> {
        let call = match &act {
            Act::Create(body) => Call::write(family.create, &[], body.clone(), Key::of(step)),
            Act::Change(member, body) => Call::write(family.update, &[member], body.clone(), Key::of(step)),
            Act::Parent(body) => Call::write(K::TRAITS.update, &[id], body.clone(), Key::of(step)),
        };
        match api.send(&call).await {
            // a used-up key: what was done is read, and what is left to do gets another one
            Ok(_) | Err(CallError::KeyUsedUp) => Ok(()),
            // it may be ours and not listed yet
            Err(CallError::Exists) if step.attempt == Attempt::Again => Err(CallError::incomplete(Sent::No)),
            Err(error) => Err(error),
        }
    }
}
