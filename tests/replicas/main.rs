//! Three replicas on one PostgreSQL (F15, F16): killed, paused past their lease, and asked everything three times.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

mod clock;
mod platform;
mod site;

use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use sutler_tests::cloudflare::Kind;
use tokio::{sync::watch, task::JoinHandle};

use platform::Platform;
use site::{LEASE, Replica, Site};

/// Instances of each kind. With a binding for each of one kind, that is 125 requests, each to all replicas.
const EACH: usize = 25;
/// How many are under way at a time.
const AT_ONCE: usize = 10;

/// The replicas as they are afterwards, with how many deaths and pauses there were.
type Disturbed = (Vec<Replica>, usize, usize);

/// Kills a replica every few seconds; the second time it pauses one past its lease instead. Until it is told to stop.
fn disturb(mut replicas: Vec<Replica>) -> (watch::Sender<bool>, JoinHandle<Disturbed>) {
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        let (mut kills, mut pauses) = (0, 0);
        loop {
            let rest =
                tokio::time::timeout(Duration::from_millis(1_500), stopped.wait_for(|stopped| *stopped));
            // at least one of everything, however fast the work is done
            if rest.await.is_ok() && kills >= 3 && pauses >= 1 {
                return (replicas, kills, pauses);
            }
            let turn = (kills + pauses) % replicas.len();
            if (kills + pauses) % 4 == 1 {
                replicas[turn].pause(LEASE * 2).await;
                pauses += 1;
            } else {
                replicas[turn].crash().await;
                kills += 1;
            }
        }
    });
    (stop, task)
}

struct Wanted {
    path: String,
    body: Value,
    ids: Value,
    is_database: bool,
}

fn wanted(platform: &Platform) -> Vec<Wanted> {
    let (d1, standard) = platform.offer("cloudflare-d1", "standard");
    let (probe, slow) = platform.offer("sutler-probe", "slow");
    let of = |number: usize| {
        let is_database = number.is_multiple_of(2);
        let (service, plan) = if is_database { (&d1, &standard) } else { (&probe, &slow) };
        let ids = json!({ "service_id": service, "plan_id": plan });
        let mut body = ids.clone();
        body["organization_guid"] = json!("organization");
        body["space_guid"] = json!("space");
        Wanted { path: format!("/v2/service_instances/replicated-{number}"), body, ids, is_database }
    };
    (0..EACH * 2).map(of).collect()
}

async fn all<'a, F: Future<Output = ()>>(wanted: &'a [Wanted], work: impl Fn(&'a Wanted) -> F) {
    stream::iter(wanted).for_each_concurrent(AT_ONCE, work).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_16_replicas_that_die_and_sleep_do_everything_exactly_once() {
    let (site, replicas) = Site::start().await;
    let platform = Platform::new(replicas.iter().map(|replica| replica.port).collect()).await;
    let wanted = wanted(&platform);
    let (stop, disturbance) = disturb(replicas);

    all(&wanted, |one| platform.done(Method::PUT, &one.path, Some(&one.body))).await;
    assert_eq!(site.vendor.live().await.unwrap().databases().len(), EACH, "no orphan, no twin");
    all(&wanted, |one| bind_databases(&platform, one)).await;
    assert_eq!(
        site.count("SELECT count(*) FROM instances WHERE state = 'ready'").await,
        i64::try_from(2 * EACH).unwrap()
    );
    all(&wanted, |one| platform.done(Method::DELETE, &one.path, Some(&one.ids))).await;

    stop.send_replace(true);
    let (replicas, kills, pauses) = disturbance.await.unwrap();
    assert!(kills >= 3 && pauses >= 1, "{kills} {pauses}");
    assert!(site.vendor.live().await.unwrap().databases().is_empty(), "deleted means gone");
    each_once_at_the_vendor(&site).await;
    each_once_in_the_store(&site).await;
    let panics: Vec<_> = replicas.iter().filter(|replica| replica.said().contains("panicked")).collect();
    assert!(panics.is_empty());
}

async fn bind_databases(platform: &Platform, one: &Wanted) {
    if !one.is_database {
        return;
    }
    let path = format!("{}/service_bindings/binding", one.path);
    platform.done(Method::PUT, &path, Some(&one.ids)).await;
    let fetched = platform.everywhere(Method::GET, &path, None).await;
    assert!(fetched.iter().all(|answer| *answer == fetched[0] && answer.0 == 200), "{path}: {fetched:?}");
}

/// Every database was created once and deleted once.
async fn each_once_at_the_vendor(site: &Site) {
    let mut effects: HashMap<String, usize> = HashMap::new();
    for entry in site.vendor.ledger().await.unwrap() {
        assert!(entry.contract_violations.is_empty(), "{entry:?}");
        for effect in entry.outcome.into_iter().filter(|effect| effect.kind == Kind::Database) {
            *effects.entry(format!("{:?} {}", effect.action, effect.name)).or_default() += 1;
        }
    }
    assert_eq!(effects.len(), EACH * 2, "{effects:?}");
    assert!(effects.values().all(|times| *times == 1), "{effects:?}");
}

/// Every operation ended once, as a success, and nothing is left.
async fn each_once_in_the_store(site: &Site) {
    let requests = i64::try_from(5 * EACH).unwrap();
    assert_eq!(site.count("SELECT count(*) FROM operations").await, requests);
    assert_eq!(site.count("SELECT count(*) FROM operations WHERE state = 'succeeded'").await, requests);
    let ends = "SELECT count(*) FROM (SELECT operation FROM events
                WHERE kind LIKE '%.succeeded' OR kind LIKE '%.failed' GROUP BY operation HAVING count(*) = 1) AS once";
    assert_eq!(site.count(ends).await, requests, "an end is told once (I-10, I-40)");
    for table in ["instances", "bindings"] {
        assert_eq!(site.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}
