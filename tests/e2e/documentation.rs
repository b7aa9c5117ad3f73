//! What the documentation shows is run.

use sutler_tests::world::Binaries;

use crate::shop::{run, world};

#[tokio::test(flavor = "multi_thread")]
async fn init_writes_a_configuration_that_loads_and_does_not_overwrite_one() {
    let world = world().await;
    let before = world.config().expect("readable");
    let refused = run(&world, &["init"], 2).await;
    assert!(refused.stderr.contains("sutler.yaml"), "{}", refused.everything());
    assert_eq!(world.config().expect("readable"), before);
    run(&world, &["init", "fresh/sutler.yaml", "--stack", "fresh"], 0).await;
    let planned = world.sutler(&["-c", "fresh/sutler.yaml", "plan"]).await.expect("starts");
    assert!(
        matches!(planned.code, Some(1 | 2)),
        "no broker runs at the template's address: {}",
        planned.everything()
    );
    assert!(!planned.stderr.contains("unknown field"), "{}", planned.everything());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_in_the_readme_is_applied_as_it_stands() {
    let mut world = world().await;
    world
        .start_broker("all", &["cloudflare-d1", "cloudflare-token", "cloudflare-secrets"])
        .await
        .expect("one broker with three offerings");
    let readme = std::fs::read_to_string(Binaries::workspace().join("README.md")).expect("README.md");
    let example =
        readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let example = example
        .replace("http://127.0.0.1:8080", &world.broker("all").url())
        .replace("EDGE_BROKER_PASSWORD", "ALL_BROKER_PASSWORD");
    world.write_config(&example).expect("writable");
    run(&world, &["apply", "--yes"], 0).await;
    let secrets = world.fake().live().await.expect("answers").worker_secrets("shop");
    assert_eq!(secrets["AT"], "@literal");
    assert!(secrets["NOTE"].starts_with("id="));
    run(&world, &["teardown", "--yes", "--force"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shell_gets_its_completions() {
    let world = world().await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&world, &["completions", shell], 0).await.stdout;
        assert!(script.contains("teardown"), "{shell}");
    }
}

#[test]
fn every_local_link_in_the_documents_leads_somewhere() {
    let root = Binaries::workspace();
    for document in [
        "README.md",
        "docs/architecture.md",
        "docs/adding-a-service.md",
        "docs/benchmarks.md",
        "docs/configuration.md",
    ] {
        let path = root.join(document);
        let text = std::fs::read_to_string(&path).expect(document);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let found = path.parent().is_some_and(|folder| folder.join(target).exists());
            assert!(found, "{document} links to {target}");
        }
    }
}
