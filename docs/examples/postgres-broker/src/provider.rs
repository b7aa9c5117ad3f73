//! Databases and logins. Every name is made of a marker, so what has such a name is ours.
//!
//! ```text
//! provision: begin ──▶ role ──▶ database ──▶ shut ──▶ done      update: begin ──▶ shut ──▶ done
//! deprovision: begin ──▶ drop ──▶ drop-role ──▶ done
//! bind: begin ──▶ login ──▶ done                                unbind: begin ──▶ done
//! ```

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sutler_broker_server::providers::*;
use sutler_catalog::Offering;
use sutler_secrets::SecretString;

use crate::{
    offering::{Access, Database, offering},
    server::{Server, change, finds, meaning},
};

const ROLE: &str = "role";
const DATABASE: &str = "database";
const SHUT: &str = "shut";
const LOGIN: &str = "login";
const DROP: &str = "drop";
const DROP_ROLE: &str = "drop-role";

const ROLE_OF_NAME: &str = "SELECT 1 FROM pg_roles WHERE rolname = $1";
const DATABASE_OF_NAME: &str = "SELECT 1 FROM pg_database WHERE datname = $1";
const PREFIX: &str = "sutler_";

/// Provides `postgres-database`.
#[derive(Debug)]
pub struct Databases {
    /// Where they are.
    pub server: Server,
}

/// What is known of a database, which has a role of the same name that owns it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    name: String,
}

/// Letters, digits and `_`: needs no quoting.
fn name_of(marker: &Marker) -> String {
    format!("{PREFIX}{}", marker.hex(32))
}

/// What is known of an instance that is there.
fn present(instance: &InstanceFacts) -> Result<Known, ProviderError> {
    instance.record().ok_or_else(|| ProviderError::failed("the database was never made"))
}

/// Twenty-four random bytes in letters and digits.
fn new_password() -> Result<SecretString, ProviderError> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes)
        .map_err(|_| ProviderError::unavailable("the broker has no random numbers now", Sent::No))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

impl Databases {
    /// Reads only. What has the name, and was not left by an earlier creation, is somebody else's.
    async fn begin(&self, step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let left_over: Option<Known> = step.left_over();
        let known = Known { name: name_of(step.marker) };
        if left_over.is_none() {
            let client = self.server.connect().await?;
            if finds(&client, ROLE_OF_NAME, &known.name).await?
                || finds(&client, DATABASE_OF_NAME, &known.name).await?
            {
                let description = "a database or a role of that name exists; it is left alone";
                return Err(ProviderError::refused(Refusal::Conflict, description));
            }
        }
        Progress::next(ROLE, &known)
    }

    /// The owner, which nobody logs in as.
    async fn make_role(&self, known: &Known) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let client = self.server.connect().await?;
        if !finds(&client, ROLE_OF_NAME, &known.name).await? {
            change(&client, &format!("CREATE ROLE {} NOLOGIN", known.name)).await?;
        }
        Progress::next(DATABASE, known)
    }

    async fn make_database(&self, known: &Known) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let client = self.server.connect().await?;
        if !finds(&client, DATABASE_OF_NAME, &known.name).await? {
            change(&client, &format!("CREATE DATABASE {0} OWNER {0}", known.name)).await?;
        }
        Progress::next(SHUT, known)
    }

    /// Only its own logins get in, and not too many of them.
    async fn shut(
        &self,
        known: &Known,
        wanted: &Database,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let (name, limit) = (&known.name, wanted.connection_limit);
        let statements = format!(
            "REVOKE ALL ON DATABASE {name} FROM PUBLIC; ALTER DATABASE {name} CONNECTION LIMIT {limit}"
        );
        change(&self.server.connect().await?, &statements).await?;
        Ok(Progress::Done(
            ProvisionedInstance::of(known)?
                .attribute("database", name.clone())
                .attribute("connection_limit", limit),
        ))
    }

    /// A login that acts as the owner. One that is there already was left by a bind whose answer was lost: nobody has
    /// its password, so it gets another one.
    async fn login(&self, step: &Step<'_>) -> Result<Progress<CreatedBinding>, ProviderError> {
        let Known { name } = present(step.instance)?;
        let (user, password) = (name_of(step.marker), new_password()?);
        let client = self.server.connect().await?;
        let begin = if finds(&client, ROLE_OF_NAME, &user).await? {
            format!("ALTER ROLE {user} LOGIN")
        } else {
            format!("CREATE ROLE {user} LOGIN")
        };
        let statements = format!(
            "{begin} PASSWORD '{}'; GRANT {name} TO {user}; ALTER ROLE {user} SET role = {name}",
            password.expose()
        );
        change(&client, &statements).await?;
        let (host, port) = (self.server.public_host.clone(), self.server.port);
        let access = Access { host, port, database: name, user, password };
        Ok(Progress::Done(CreatedBinding::of(&(), &access)?))
    }

    /// Takes a login away. What it made although it acts as the owner becomes the owner's.
    async fn logout(&self, instance: &InstanceFacts, user: &str) -> Result<(), ProviderError> {
        let root = self.server.connect().await?;
        if !finds(&root, ROLE_OF_NAME, user).await? {
            return Ok(());
        }
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'; DROP ROLE {user}"
        );
        match instance.record::<Known>() {
            Some(Known { name }) if finds(&root, DATABASE_OF_NAME, &name).await? => {
                let inside = self.server.connect_to(&name).await?;
                let first = format!("REASSIGN OWNED BY {user} TO {name}; DROP OWNED BY {user}");
                change(&inside, &format!("{first}; {end}")).await
            }
            _ => change(&root, &end).await,
        }
    }
}

#[async_trait]
impl Provider for Databases {
    fn offering(&self) -> Offering {
        offering()
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            ROLE | DATABASE | LOGIN => RecoveryClass::UniqueName,
            _ => RecoveryClass::Repeatable,
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            BEGIN => self.begin(&step).await,
            ROLE => self.make_role(&step.data()?).await,
            DATABASE => self.make_database(&step.data()?).await,
            SHUT => self.shut(&step.data()?, &step.parameters()?).await,
            _ => Err(step.unknown()),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        wanted: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            BEGIN => Progress::next(SHUT, &present(step.instance)?),
            SHUT => self.shut(&step.data()?, &wanted.parameters()?).await,
            _ => Err(step.unknown()),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        // without memory of it, nothing was ever made
        let known = if step.name() == BEGIN { step.known::<Known>() } else { Some(step.data()?) };
        let Some(known) = known else { return Ok(Progress::Done(())) };
        match step.name() {
            BEGIN => return Progress::next(DROP, &known),
            DROP => {
                let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", known.name);
                change(&self.server.connect().await?, &statement).await?;
                return Progress::next(DROP_ROLE, &known);
            }
            DROP_ROLE => {
                let statement = format!("DROP ROLE IF EXISTS {}", known.name);
                change(&self.server.connect().await?, &statement).await?;
            }
            _ => return Err(step.unknown()),
        }
        Ok(Progress::Done(()))
    }

    async fn bind(
        &self,
        step: Step<'_>,
        _: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        match step.name() {
            BEGIN => Progress::next(LOGIN, &()),
            LOGIN => self.login(&step).await,
            _ => Err(step.unknown()),
        }
    }

    async fn unbind(&self, step: Step<'_>, _: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        self.logout(step.instance, &name_of(step.marker)).await?;
        Ok(Progress::Done(()))
    }

    async fn fetch(&self, instance: &InstanceFacts, _: &Marker) -> Result<Observation, ProviderError> {
        let (known, wanted): (Known, Database) = (present(instance)?, instance.parameters()?);
        let client = self.server.connect().await?;
        let query = "SELECT datconnlimit FROM pg_database WHERE datname = $1";
        let row = client.query_opt(query, &[&known.name]).await.map_err(|error| meaning(&error, Sent::No))?;
        let Some(row) = row else { return Ok(Observation::Gone) };
        let limit: i32 = row.try_get(0).map_err(|error| meaning(&error, Sent::No))?;
        let attributes = ProvisionedInstance::of(&known)?
            .attribute("database", known.name.clone())
            .attribute("connection_limit", limit)
            .attributes;
        Ok(Observation::Found { attributes, drift: drift(&wanted, limit) })
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let client = self.server.connect().await?;
        let query = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)";
        let rows = client.query(query, &[&PREFIX]).await.map_err(|error| meaning(&error, Sent::No))?;
        let marked = |row: &tokio_postgres::Row| {
            let name: String = row.try_get(0).ok()?;
            let mark = name.strip_prefix(PREFIX).filter(|mark| mark.len() == 32)?.to_owned();
            Some(MarkedObject { id: name.clone(), mark, name })
        };
        let objects = rows.iter().filter_map(marked).collect();
        Ok(Listing::Objects { bearers: Bearers::Instances, objects })
    }
}

fn drift(wanted: &Database, limit: i32) -> Vec<FieldDrift> {
    if wanted.connection_limit == limit {
        return Vec::new();
    }
    let field = "connection_limit".to_owned();
    vec![FieldDrift { field, wanted: wanted.connection_limit.into(), found: limit.into() }]
}
