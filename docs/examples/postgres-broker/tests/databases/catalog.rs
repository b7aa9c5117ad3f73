//! What is in the server, as its own tables tell.

use sutler_broker_server::{providers::contract::Object, testing::postgres::Cluster};
use tokio_postgres::{Client, Config, NoTls};

/// Begins every name that the broker gives.
pub(crate) const PREFIX: &str = "sutler_";
/// The server's own role.
pub(crate) const ROOT: &str = "broker";

const DATABASES: &str = "SELECT oid::text, concat_ws(' ', datname, pg_get_userbyid(datdba), datconnlimit, datacl) \
    FROM pg_database WHERE starts_with(datname, 'sutler_')";
const ROLES: &str = "SELECT r.oid::text, concat_ws(' ', rolname, rolcanlogin, array_to_string(rolconfig, ','), \
    (SELECT string_agg(roleid::regrole::text, ',' ORDER BY roleid) FROM pg_auth_members WHERE member = r.oid)) \
    FROM pg_roles r WHERE starts_with(rolname, 'sutler_')";
/// The next number of a transaction that writes. Reading it takes none.
const NEXT: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text";

/// A connection of the server's operator, past whatever stands in the broker's way.
pub(crate) async fn operator(cluster: &Cluster) -> Client {
    login(cluster.port(), (ROOT, cluster.password()), "postgres").await.unwrap()
}

/// A connection of anybody.
pub(crate) async fn login(
    port: u16,
    (user, password): (&str, &str),
    database: &str,
) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user(user).password(password).dbname(database);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// From now on nobody but us writes: the server tidies up in transactions of its own.
pub(crate) async fn keep_still(client: &Client) {
    client.batch_execute("ALTER SYSTEM SET autovacuum = off").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
}

/// The databases and roles that have a name of ours.
pub(crate) async fn objects(client: &Client) -> Vec<Object> {
    let mut objects = Vec::new();
    for (kind, query) in [("database", DATABASES), ("role", ROLES)] {
        for row in client.query(query, &[]).await.unwrap() {
            objects.push(Object::new(kind, row.get::<_, String>(0), row.get::<_, String>(1)));
        }
    }
    objects
}

/// How many transactions have written so far.
pub(crate) async fn writes(client: &Client) -> u64 {
    client.query_one(NEXT, &[]).await.unwrap().get::<_, String>(0).parse().unwrap()
}

/// Somebody takes all of it away.
pub(crate) async fn clear(client: &Client) {
    for row in client.query(DATABASES, &[]).await.unwrap() {
        let name = first_word(row.get(1));
        client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    }
    for row in client.query(ROLES, &[]).await.unwrap() {
        client.batch_execute(&format!("DROP ROLE {}", first_word(row.get(1)))).await.unwrap();
    }
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap()
}
