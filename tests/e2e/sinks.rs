//! Every kind of sink at once, through the real program.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::shop::{apply, run, world};

const KEEPER: &str = r#"#!/bin/sh
cat > given.json
"#;

#[tokio::test(flavor = "multi_thread")]
async fn credentials_land_in_every_sink_and_leave_with_their_instances() {
    let world = world().await;
    let project = world.project();
    fs::write(project.join("keep"), KEEPER).expect("writable");
    fs::set_permissions(project.join("keep"), fs::Permissions::from_mode(0o700)).expect("ours");
    let recipient = run(&world, &["env", "--recipient"], 0).await.stdout;
    assert!(recipient.starts_with("sutler-recipient:1:"), "{recipient}");
    fs::write(project.join("ops.recipient"), &recipient).expect("writable");
    let sinks = "sinks:\n  shell: { dotenv: app.sh, sealed: false, dialect: shell }\n  \
                 docker: { dotenv: app.env, sealed: false, dialect: docker }\n  \
                 team: { dotenv: team.env, recipient: ops.recipient }\n  json: { json: app.json, sealed: false }\n  \
                 sealed: { json: sealed.json }\n  k8s: { kubernetes: secret.yaml, sealed: false, type: cloudflare }\n  \
                 vault: { command: [./keep] }\n";
    let config = world.config().expect("readable").replace("sinks:\n", sinks);
    world.write_config(&config).expect("writable");
    apply(&world).await;
    let live = world.fake().live().await.expect("the vendor answers");
    let token = live.tokens()[0].clone();
    let read = |name: &str| fs::read_to_string(project.join(name)).expect(name);
    assert!(read("app.sh").contains(&format!("export CLOUDFLARE_D1_TOKEN='{token}'\n")), "a shell reads it");
    assert!(read("app.env").contains(&format!("\nCLOUDFLARE_D1_TOKEN={token}\n")), "docker reads it");
    let json: Value = serde_json::from_str(&read("app.json")).expect("JSON");
    assert_eq!(json["CLOUDFLARE_D1_TOKEN"], token.as_str());
    for sealed in ["team.env", "sealed.json", ".env"] {
        let text = read(sealed);
        assert!(text.contains("sutler:xwing1:") && !text.contains(&token), "{sealed} is sealed");
    }
    let manifest = read("secret.yaml");
    assert!(
        manifest.contains("name: \"shop-k8s\"") && manifest.contains("servicebinding.io/cloudflare"),
        "{manifest}"
    );
    let given: Value = serde_json::from_str(&read("given.json")).expect("JSON");
    assert_eq!((&given["stack"], &given["sink"]), (&"shop".into(), &"vault".into()));
    run(&world, &["plan", "--detailed-exitcode"], 0).await;
    for sink in ["env", "team", "sealed", "json", "shell", "docker", "k8s"] {
        let opened = tokio::process::Command::new(world.binaries().sutler())
            .args(["env", "--sink", sink, "--format", "json"])
            .current_dir(&project)
            .envs(world.environment())
            .output()
            .await
            .expect("sutler starts");
        let opened: Value = serde_json::from_slice(&opened.stdout).expect(sink);
        assert_eq!(opened["CLOUDFLARE_D1_TOKEN"], token.as_str(), "{sink}");
    }
    run(&world, &["env", "--sink", "vault"], 1).await;

    let edited = read("app.json").replace(&token, "somebody-elses");
    fs::write(project.join("app.json"), edited).expect("writable");
    let conflict = run(&world, &["apply", "--yes"], 1).await;
    assert!(conflict.everything().contains("changed by somebody else"), "{}", conflict.everything());
    fs::remove_file(project.join("app.json")).expect("it is there");
    apply(&world).await;
    assert!(read("app.json").contains(&token));

    run(&world, &["teardown", "--yes"], 0).await;
    for name in ["app.sh", "app.env", "app.json", "team.env", "sealed.json", "secret.yaml", ".env"] {
        let text = fs::read_to_string(project.join(name)).unwrap_or_default();
        assert!(!text.contains("CLOUDFLARE_D1_TOKEN"), "{name}: {text}");
    }
    let given: Value = serde_json::from_str(&read("given.json")).expect("JSON");
    assert!(!given["remove"].as_array().expect("a list").is_empty(), "{given}");
}
