//! The lock: taken, renewed and given back in transactions that lock the header's row and compare its owner. The
//! database's clock is the only one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::header::{self, signed};
use super::session::{Access, Place, Session, Trouble, Work};
use crate::state::StateError;
use crate::state::lock::{Claim, Held, Lock, LockInfo, lease_end};
use crate::state::movable::Birth;
use crate::state::standing::Gate;

/// Takes the lock, making the state where there is none.
pub(super) struct Take<'c> {
    claim: &'c Claim,
    /// What an earlier try may have written.
    minted: Mutex<Option<Held>>,
}

impl<'c> Take<'c> {
    pub(super) fn new(claim: &'c Claim) -> Self {
        Self { claim, minted: Mutex::default() }
    }
}

#[async_trait]
impl Work for Take<'_> {
    type Out = Lock;
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "lock";

    async fn run(&self, session: &Session<'_>) -> Result<Lock, Trouble> {
        if session.place.gate == Gate::Current {
            header::create(session, &Birth::from(&self.claim.seed)).await?;
        }
        let header = header::lock(session).await?;
        let location = session.place.location();
        let minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(ours) =
            minted.filter(|ours| header.held.as_ref().is_some_and(|held| held.token == ours.token))
        {
            return Ok(ours.hand_over(header.lineage));
        }
        let held = Held::decide(header.held, header.fence, self.claim, header.now)
            .map_err(|holder| StateError::Locked { location: location.clone(), holder })?;
        header.standing.admit_writer(session.place.gate, || location.clone())?;
        if header.lineage != self.claim.seed.lineage {
            return Err(StateError::Replaced { location }.into());
        }
        *self.minted.lock().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
        let (token, info) = (held.token.to_string(), written(&held.info, session.place)?);
        session
            .execute(
                "UPDATE header SET fence = $1, token = $2, info = $3",
                &[&signed(held.fence), &token, &info],
            )
            .await?;
        Ok(held.hand_over(header.lineage))
    }
}

/// Makes the lease last from now.
pub(super) struct Renew<'l>(pub(super) &'l Lock, pub(super) Duration);

#[async_trait]
impl Work for Renew<'_> {
    type Out = ();
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "renew the lock of";

    async fn run(&self, session: &Session<'_>) -> Result<(), Trouble> {
        let header = header::lock(session).await?;
        if !header.is_held_by(self.0) {
            return Err(session.place.lost().into());
        }
        let Some(Held { mut info, .. }) = header.held else { return Err(session.place.lost().into()) };
        info.until = lease_end(header.now, self.1);
        session.execute("UPDATE header SET info = $1", &[&written(&info, session.place)?]).await?;
        Ok(())
    }
}

/// Gives the lock back, if it is still ours.
pub(super) struct Unlock<'l>(pub(super) &'l Lock);

#[async_trait]
impl Work for Unlock<'_> {
    type Out = ();
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "unlock";

    async fn run(&self, session: &Session<'_>) -> Result<(), Trouble> {
        let (token, fence) = (self.0.token.to_string(), signed(self.0.fence));
        let clear = "UPDATE header SET token = NULL, info = NULL WHERE token = $1 AND fence = $2";
        session.execute(clear, &[&token, &fence]).await?;
        Ok(())
    }
}

/// Takes the lock away, if it has this id.
pub(super) struct Force {
    id: Uuid,
    /// What an earlier try may have taken away.
    taken: Mutex<Option<LockInfo>>,
}

impl Force {
    pub(super) fn new(id: Uuid) -> Self {
        Self { id, taken: Mutex::default() }
    }
}

#[async_trait]
impl Work for Force {
    type Out = LockInfo;
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "unlock";

    async fn run(&self, session: &Session<'_>) -> Result<LockInfo, Trouble> {
        let location = || session.place.location();
        if header::read(session).await?.is_none() {
            return Err(StateError::NotLocked { location: location() }.into());
        }
        let held = header::lock(session).await?.held.map(|held| held.info);
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (true, None, Some(taken)) = (session.perhaps_written, &held, taken) {
            return Ok(taken);
        }
        let info = LockInfo::named(held, self.id, location)?;
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.clone());
        session.execute("UPDATE header SET token = NULL, info = NULL", &[]).await?;
        Ok(info)
    }
}

fn written(info: &LockInfo, place: &Place) -> Result<String, StateError> {
    serde_json::to_string(info).map_err(|_| place.damaged("the lock cannot be written"))
}
