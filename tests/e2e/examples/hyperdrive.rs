//! Hyperdrive gets host, user and password of a real database from another broker's binding.

use sutler_tests::cloudflare::Kind;
use sutler_tests::world::{Canary, World};
use tokio_postgres::{Client, Config, NoTls};

use super::{applied, text, torn_down};
use crate::shop::opened_env;

async fn login(world: &World, user: &str, password: &str, database: &str) -> Result<Client, String> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(world.database().port()).user(user).password(password).dbname(database);
    let (client, connection) = config.connect(NoTls).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test(flavor = "multi_thread")]
async fn hyperdrive_is_fed_by_the_binding_of_another_broker() {
    let world = applied("hyperdrive", 2).await;
    let live = world.fake().live().await.expect("Cloudflare answers");
    let drive = live.things(Kind::Hyperdrive).next().expect("a configuration");
    let origin = &drive.shown["origin"];
    assert_eq!(opened_env(&world).await["HYPERDRIVE_ID"], drive.id.as_str());
    assert_eq!((&origin["host"], &origin["scheme"]), (&"db.shop.example".into(), &"postgres".into()));
    assert_eq!(origin["port"], world.database().port(), "a number stays a number");

    // what Cloudflare was given opens the database, and nothing but it
    let (user, database) = (text(&origin["user"]), text(&origin["database"]));
    let password = text(&drive.hidden["password"]);
    let client = login(&world, &user, &password, &database).await.expect("the login works");
    client.batch_execute("CREATE TABLE a(x int); INSERT INTO a VALUES (1)").await.expect("it may write");
    assert!(login(&world, &user, &password, "postgres").await.is_err() || database != "postgres");
    drop(client);

    let mut canary = Canary::of(&world);
    canary.watch("password of the database", password.clone());
    canary.watch("PostgreSQL's own password", world.database().password());
    torn_down(&world, &canary).await;
    assert!(login(&world, &user, &password, &database).await.is_err(), "the login is gone");
    let root =
        login(&world, "broker", world.database().password(), "postgres").await.expect("the server lives");
    let left = root
        .query("SELECT datname::text FROM pg_database WHERE datname LIKE 'sutler\\_%' UNION ALL SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'sutler\\_%'", &[])
        .await
        .expect("it answers");
    assert_eq!(left.len(), 0, "no database and no role is left");
}
