//! How far listeners of events were told. Their table is made when the first one was told something: a state whose events
//! nobody wants has none, and a program that does not know it passes it by.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::header::{self, Reading, signed};
use super::session::{Access, Session, Trouble, Work};

/// How far each was told.
pub(super) struct Told;

#[async_trait]
impl Work for Told {
    type Out = BTreeMap<String, u64>;
    const ACCESS: Access = Access::Reads;
    const STEP: &'static str = "read the listeners of";

    async fn run(&self, session: &Session<'_>) -> Result<Self::Out, Trouble> {
        if header::read(session).await?.is_none() || !header::has_table(session, "listener").await? {
            return Ok(BTreeMap::new());
        }
        let mut told = BTreeMap::new();
        for row in &session.rows("SELECT name, told FROM listener", &[]).await? {
            let row = Reading { row, place: session.place };
            told.insert(row.get(0)?, row.count(1)?);
        }
        Ok(told)
    }
}

/// One was told so far. Done twice, it is done once.
pub(super) struct Tell<'l>(pub(super) &'l str, pub(super) u64);

#[async_trait]
impl Work for Tell<'_> {
    type Out = ();
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "note who was told in";

    async fn run(&self, session: &Session<'_>) -> Result<(), Trouble> {
        if !header::has_table(session, "listener").await? {
            // of several processes at once, one makes it
            header::lock(session).await?;
            let make = "CREATE TABLE IF NOT EXISTS listener (name TEXT PRIMARY KEY, told BIGINT NOT NULL)";
            session.script(make).await?;
        }
        session
            .execute(
                "INSERT INTO listener (name, told) VALUES ($1, $2) \
                 ON CONFLICT (name) DO UPDATE SET told = greatest(listener.told, excluded.told)",
                &[&self.0, &signed(self.1)],
            )
            .await?;
        Ok(())
    }
}
