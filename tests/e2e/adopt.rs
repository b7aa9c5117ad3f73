//! What a vendor has that nobody tracks: it is found, and one object of it is brought under management, once.

use serde_json::{Value, json};
use sutler_tests::world::{Finished, World, WorldOptions};

use crate::shop::{apply, is_as_declared, mutating_calls, run};

async fn world() -> World {
    let options = WorldOptions { extensions: "discover, adopt", ..WorldOptions::default() };
    World::shop(options).await.expect("the world comes up")
}

/// A database that its owner made in the dashboard.
async fn somebody_makes(world: &World, name: &str) -> String {
    let made = world.fake().somebody("d1.create", &json!({}), &json!({ "name": name })).await.expect("obeys");
    made["result"]["uuid"].as_str().expect("an id").to_owned()
}

async fn databases(world: &World) -> Vec<(String, String)> {
    world.fake().live().await.expect("answers").databases()
}

/// A name as an instance of another installation would have it.
const FOREIGN: &str = "their-db-0123456789abcdef01234567";

async fn discovered(world: &World, arguments: &[&str]) -> Vec<Value> {
    let told = run(world, &[&["--json", "discover"], arguments].concat(), 0).await.json().expect("JSON");
    told["objects"].as_array().expect("a list").clone()
}

fn of<'o>(objects: &'o [Value], service: &str) -> Vec<&'o Value> {
    objects.iter().filter(|object| object["service"] == service).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a62_discover_finds_what_nobody_tracks_on_all_pages_and_changes_nothing() {
    let world = world().await;
    apply(&world).await;
    for number in 0..105 {
        somebody_makes(&world, &format!("stray-{number:03}")).await;
    }
    somebody_makes(&world, FOREIGN).await;
    let before = mutating_calls(&world).await;
    let found = discovered(&world, &[]).await;
    let strays = of(&found, "cloudflare-d1");
    assert_eq!(strays.len(), 105, "over two pages of the vendor, without ours and theirs");
    assert!(strays.iter().all(|stray| stray["adoptable"] == true && stray["owner"]["is"] == "nobody"));
    assert!(of(&found, "cloudflare-token").is_empty() && of(&found, "cloudflare-pages-domain").is_empty());
    let all = discovered(&world, &["--all"]).await;
    let ours = |service: &str| -> Vec<&Value> {
        of(&all, service).into_iter().filter(|one| one["owner"]["is"] == "instance").collect()
    };
    let refs = |found: &[&Value]| found.iter().map(|one| one["ref"].clone()).collect::<Vec<_>>();
    let mut databases = refs(&ours("cloudflare-d1"));
    databases.sort_by_key(ToString::to_string);
    assert_eq!(databases, ["analytics-db", "db"]);
    assert_eq!(refs(&ours("cloudflare-token")), ["api-token"]);
    assert_eq!(refs(&ours("cloudflare-pages-domain")), ["www"]);
    let foreign = all.iter().find(|one| one["name"] == FOREIGN).expect("it is told");
    assert_eq!((&foreign["owner"]["is"], &foreign["adoptable"]), (&json!("elsewhere"), &json!(false)));
    let text = run(&world, &["discover", "edge"], 0).await.stdout;
    assert!(text.starts_with("0 objects that nobody tracks"), "one broker alone: {text}");
    run(&world, &["discover", "nobody"], 2).await;
    assert_eq!(mutating_calls(&world).await, before);
    crate::shop::assert_no_contract_violation(&world).await;
}

fn adopt<'a>(reference: &'a str, object: &'a str) -> [&'a str; 7] {
    ["adopt", reference, "--yes", "--service", "data/cloudflare-d1", "--object", object]
}

/// Writes what was printed into the configuration.
fn paste(world: &World, printed: &str) {
    let declared = printed.strip_prefix("instances:\n").expect("a declaration");
    let text = world.config().expect("readable");
    world.write_config(&format!("{text}\n{declared}")).expect("writable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a62_an_object_is_adopted_and_with_what_is_printed_the_next_plan_is_empty() {
    let world = world().await;
    apply(&world).await;
    let object = somebody_makes(&world, "legacy").await;
    let (before, had) = (mutating_calls(&world).await, databases(&world).await);
    let asks =
        run(&world, &["adopt", "legacy", "--service", "data/cloudflare-d1", "--object", &object], 2).await;
    assert!(asks.stderr.contains("--yes"), "{}", asks.everything());
    let adopted = run(&world, &adopt("legacy", &object), 0).await;
    assert_eq!(mutating_calls(&world).await, before, "nothing was changed at the vendor");
    assert_eq!(databases(&world).await, had);
    paste(&world, &adopted.stdout);
    assert!(is_as_declared(&world).await, "{}", run(&world, &["plan"], 0).await.stdout);
    let told = run(&world, &["history", "legacy"], 0).await.stdout;
    assert!(told.contains(&format!("adopted the object {object}")), "{told}");
    let pulled = run(&world, &["--json", "pull", "legacy"], 0).await.json().expect("JSON");
    assert_eq!(pulled["instances"][0]["verdict"], "live");
    let mine = discovered(&world, &["data", "--all"]).await;
    let mine = mine.iter().find(|one| one["id"] == object.as_str()).expect("it is told");
    assert_eq!(mine["ref"], "legacy");
    let swept = tokio::process::Command::new(world.binaries().broker())
        .args(["sweep", "--json", "-c"])
        .arg(world.broker("data").config())
        .output()
        .await
        .expect("it runs");
    assert!(swept.status.success(), "the sweep misses nothing: {}", String::from_utf8_lossy(&swept.stdout));
    // from now on it is an instance like any other
    run(&world, &["teardown", "--yes"], 0).await;
    assert!(databases(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a62_an_adoption_killed_anywhere_is_finished_by_the_same_command_and_nothing_is_made_or_deleted() {
    let world = world().await;
    let mut had = Vec::new();
    for (number, point) in
        ["O03-before", "O03-after", "O04-sent", "O04-after", "O07-before", "O07-after", "O13-before"]
            .into_iter()
            .enumerate()
    {
        let name = format!("legacy-{number}");
        let object = somebody_makes(&world, &name).await;
        had.push((name.clone(), object.clone()));
        let fault = [("SUTLER_FAULTS".to_owned(), format!("{point}=kill@1"))];
        let killed = world.start_sutler_with(&adopt(&name, &object), &fault).expect("starts");
        assert_eq!(killed.wait().await.expect("ends").code, None, "{point}");
        if point == "O04-after" {
            let spared = world.sutler(&["apply", "--prune", "--yes"]).await.expect("starts");
            assert!(spared.everything().contains("has adopted the object"), "{}", spared.everything());
            let spared = world.sutler(&["teardown", "--yes"]).await.expect("starts");
            assert_ne!(spared.code, Some(0), "{}", spared.everything());
        }
        let again = world.sutler(&adopt(&name, &object)).await.expect("starts");
        let finished = |again: &Finished| match again.code {
            Some(0) => true,
            // it was finished already
            Some(2) => again.stderr.contains("in state already"),
            _ => false,
        };
        assert!(finished(&again), "{point}: {}", again.everything());
        if point == "O04-after" {
            // what the teardown deleted before, was adopted before
            had = databases(&world).await;
            assert!(had.contains(&(name.clone(), object.clone())), "{point}");
        }
        assert_eq!(databases(&world).await, had, "{point}");
        let listed = run(&world, &["--json", "state", "list"], 0).await.json().expect("JSON");
        let record =
            listed["records"].as_array().expect("a list").iter().find(|one| one["ref"] == name.as_str());
        assert_eq!(record.expect("it is recorded")["status"], "ready", "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_what_is_somebodys_is_refused_by_the_command_and_by_the_broker() {
    let world = world().await;
    apply(&world).await;
    let foreign = somebody_makes(&world, FOREIGN).await;
    let free = somebody_makes(&world, "free").await;
    let ours =
        databases(&world).await.into_iter().find(|(name, _)| name.starts_with("shop-db")).expect("ours").1;
    let had = databases(&world).await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (object, why) in [
        (foreign.as_str(), "mark of another instance"),
        (&ours, "belongs to an instance"),
        (nobody, "finds no object"),
        ("../../tokens", "finds no object"),
    ] {
        let refused = run(&world, &adopt("mine", object), 1).await;
        assert!(refused.stderr.contains(why), "{object}: {}", refused.everything());
    }
    let taken = run(&world, &adopt("analytics-db", &free), 2).await;
    assert!(taken.stderr.contains("in state already"), "{}", taken.everything());
    let other = ["adopt", "mine", "--yes", "--service", "data/cloudflare-d1", "--object", &free, "--params"];
    let unlike = run(&world, &[&other[..], &[r#"{"read_replication":"auto"}"#]].concat(), 1).await;
    assert!(unlike.stderr.contains("is disabled at Cloudflare"), "{}", unlike.everything());
    assert!(!run(&world, &["state", "list"], 0).await.stdout.contains("mine"), "a refusal leaves no record");
    // the broker does not rely on who asks
    for (id, object, status) in [
        ("direct-1", foreign.as_str(), 409),
        ("direct-2", &ours, 409),
        ("direct-3", nobody, 400),
        ("direct-4", &free, 201),
        ("direct-4", &free, 200),
        ("direct-5", &free, 409),
    ] {
        assert_eq!(put(&world, id, object).await, status, "{id} {object}");
    }
    assert_eq!(databases(&world).await, had);
}

/// Asks broker `data` itself.
async fn put(world: &World, id: &str, object: &str) -> u16 {
    let broker = world.broker("data");
    let body = json!({
        "service_id": "768afe86-2cae-470f-b250-af833fe776aa", "plan_id": "e3a772a3-b0ff-40f8-b335-819695929a2a",
        "organization_guid": "o", "space_guid": "s",
        "context": { "platform": "sutler", "x-sutler-adopt": object },
    });
    let request = reqwest::Client::builder().build().expect("a client");
    let request = request.put(format!("{}/v2/service_instances/{id}?accepts_incomplete=true", broker.url()));
    let request =
        request.basic_auth("platform", Some(broker.password())).header("X-Broker-API-Version", "2.17");
    request.json(&body).send().await.expect("answers").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_operator_allows_nothing_lists_nothing_and_is_not_asked_to_adopt() {
    let world = crate::shop::world().await;
    let object = somebody_makes(&world, "legacy").await;
    let found = run(&world, &["discover"], 0).await.stdout;
    assert!(found.contains("No broker lists"), "{found}");
    let refused = run(&world, &adopt("legacy", &object), 1).await;
    assert!(refused.stderr.contains("extensions: [discover, adopt]"), "{}", refused.everything());
    assert_eq!(put(&world, "direct", &object).await, 422);
    assert_eq!(databases(&world).await.len(), 1, "nothing was made in its place");
}
