//! One configuration for many uses, as its page in the documentation shows it.

use std::collections::BTreeMap;

use serde_json::json;
use sutler_tests::world::{Binaries, Canary, Finished, World};

use crate::shop::{assert_nothing_left, run, world};

/// A text that must be seen nowhere.
const KEY: &str = "pk-live-4f1c9a7e2b";

/// The files that the page shows, by name: each block begins with a comment that names its file.
fn files_of(page: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(Binaries::workspace().join("docs").join(page)).expect(page);
    let blocks = text.split("```yaml\n# ").skip(1);
    let file = |block: &str| {
        let (name, rest) = block.split_once('\n')?;
        Some((name.to_owned(), rest.split("```").next()?.to_owned()))
    };
    blocks.filter_map(file).collect()
}

/// A world with one broker, and the files of the page in its project.
async fn shown() -> World {
    let mut world = world().await;
    let offerings = &["cloudflare-d1", "cloudflare-token", "cloudflare-secrets"];
    world.start_broker("all", offerings).await.expect("one broker");
    for script in ["shop-dev", "shop-prod"] {
        let deployed = json!({ "name": script });
        world.fake().control("/__control/scripts", &deployed).await.expect("a Worker is deployed");
    }
    let files = files_of("configuration.md");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["databases.yaml", "stages/prod.yaml", "sutler.yaml"]);
    for (name, text) in files {
        let path = world.project().join(name);
        std::fs::create_dir_all(path.parent().expect("in a folder")).expect("made");
        let text = text
            .replace("http://127.0.0.1:8080", &world.broker("all").url())
            .replace("EDGE_BROKER_PASSWORD", "ALL_BROKER_PASSWORD");
        std::fs::write(path, text).expect("written");
    }
    world
}

async fn with_key(world: &World, arguments: &[&str], code: i32) -> Finished {
    let key = [("PAYMENT_KEY".to_owned(), KEY.to_owned())];
    let finished = world.start_sutler_with(arguments, &key).expect("starts").wait().await.expect("ends");
    assert_eq!(finished.code, Some(code), "sutler {}\n{}", arguments.join(" "), finished.everything());
    finished
}

async fn databases(world: &World) -> Vec<String> {
    let live = world.fake().live().await.expect("the vendor answers");
    let mut names: Vec<String> = live.databases().into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_in_the_documentation_serves_two_stages_that_never_touch_each_other() {
    let world = shown().await;
    with_key(&world, &["apply", "--yes"], 0).await;
    let development = databases(&world).await;
    assert_eq!(development.len(), 1, "{development:?}");
    assert!(development[0].starts_with("shop-dev-eu"), "{development:?}");

    let planned = with_key(&world, &["plan", "--stage", "prod", "--detailed-exitcode"], 3).await;
    assert!(planned.stdout.contains("db-eu") && planned.stdout.contains("db-us"), "{}", planned.stdout);
    with_key(&world, &["apply", "--yes", "--stage", "prod"], 0).await;
    let both = databases(&world).await;
    let begins = ["shop-dev-eu", "shop-prod-eu", "shop-prod-us"];
    assert_eq!(both.len(), 3, "{both:?}");
    assert!(both.iter().zip(begins).all(|(name, begin)| name.starts_with(begin)), "{both:?}");
    for arguments in
        [&["plan", "--detailed-exitcode"][..], &["plan", "--detailed-exitcode", "--stage", "prod"]]
    {
        with_key(&world, arguments, 0).await;
    }
    for (script, stage) in [("shop-dev", "dev"), ("shop-prod", "prod")] {
        let secrets = world.fake().live().await.expect("answers").worker_secrets(script);
        assert_eq!(secrets["PAYMENT_KEY"], KEY);
        assert!(secrets["EU_DATABASE"].starts_with("id="), "{secrets:?}");
        let written = std::fs::read_to_string(world.project().join(format!(".env.{stage}"))).expect("a sink");
        assert!(written.contains("DATABASE_EU="), "{written}");
    }

    // The environment names a stage as the command line does, and what is protected there is protected there only.
    let stage = [("SUTLER_STAGE".to_owned(), "prod".to_owned()), ("PAYMENT_KEY".to_owned(), KEY.to_owned())];
    let kept =
        world.start_sutler_with(&["teardown", "--yes"], &stage).expect("starts").wait().await.expect("ends");
    assert_eq!(kept.code, Some(0), "{}", kept.everything());
    assert_eq!(databases(&world).await.len(), 3);
    run(&world, &["teardown", "--yes"], 0).await;
    assert_eq!(databases(&world).await.len(), 2, "the other stage has its own");

    let mut canary = Canary::of(&world);
    canary.watch("the payment key", KEY);
    let found: Vec<_> = canary
        .search(world.root())
        .expect("readable")
        .into_iter()
        .filter(|finding| finding.secret == "the payment key")
        .collect();
    assert!(found.is_empty(), "{found:?}");
    run(&world, &["teardown", "--yes", "--force", "--stage", "prod"], 0).await;
    assert_nothing_left(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_does_not_use_the_state_of_another_one() {
    let world = shown().await;
    with_key(&world, &["apply", "--yes"], 0).await;
    let path = world.project().join("stages/prod.yaml");
    let text = std::fs::read_to_string(&path).expect("readable");
    std::fs::write(path, format!("state: sqlite:.sutler/state.db\n{text}")).expect("writable");
    let before = databases(&world).await;
    for verb in [&["plan"][..], &["apply", "--yes"], &["teardown", "--yes", "--force"]] {
        let arguments: Vec<&str> = verb.iter().copied().chain(["--stage", "prod"]).collect();
        let refused = with_key(&world, &arguments, 7).await;
        assert!(refused.stderr.contains("is the state of stack 'shop'"), "{}", refused.stderr);
        assert!(refused.stderr.contains("this configuration is stack 'shop-prod'"), "{}", refused.stderr);
    }
    assert_eq!(databases(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_stale_once_a_variable_or_a_secret_is_another() {
    let world = shown().await;
    with_key(&world, &["plan", "--out", "plan", "--stage", "prod"], 0).await;
    let other = ["apply", "plan", "--stage", "prod", "--var", "replication=auto"];
    let stale = with_key(&world, &other, 8).await;
    assert!(stale.stderr.contains("the configuration is another one"), "{}", stale.stderr);
    with_key(&world, &["apply", "plan", "--stage", "prod"], 0).await;
    with_key(&world, &["plan", "--out", "plan", "--stage", "prod"], 0).await;
    let key = [("PAYMENT_KEY".to_owned(), format!("{KEY}-new"))];
    let arguments = ["apply", "plan", "--stage", "prod"];
    let stale = world.start_sutler_with(&arguments, &key).expect("starts").wait().await.expect("ends");
    assert_eq!(stale.code, Some(8), "{}", stale.everything());
    assert!(stale.stderr.contains("worker"), "{}", stale.stderr);
    assert!(!stale.everything().contains(KEY), "{}", stale.everything());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_openapi_document_asks_for_is_derived_and_applied() {
    let world = shown().await;
    let page =
        std::fs::read_to_string(Binaries::workspace().join("docs/configuration.md")).expect("the page");
    let document =
        page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a document");
    std::fs::write(world.project().join("openapi.json"), document).expect("writable");
    let printed = run(&world, &["derive", "openapi.json"], 0).await;
    assert!(printed.stdout.starts_with("instances:"), "{}", printed.stdout);
    run(&world, &["derive", "openapi.json", "--out", "derived.yaml"], 0).await;
    let config = world.config().expect("readable");
    world
        .write_config(&config.replace("[databases.yaml]", "[databases.yaml, derived.yaml]"))
        .expect("writable");
    with_key(&world, &["apply", "--yes"], 0).await;
    let names = databases(&world).await;
    assert!(names.iter().any(|name| name.starts_with("shop-orders")), "{names:?}");
    std::fs::write(world.project().join("openapi.json"), document.replace("service", "srvice"))
        .expect("writable");
    let refused = run(&world, &["derive", "openapi.json"], 2).await;
    assert!(refused.stderr.contains("openapi.json:6:17"), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
}
