//! `sutler-broker key`: keys are made, exchanged while the broker serves, and forgotten once nothing needs them (S-35).

use std::{path::Path, time::Duration};

use crate::{
    audit::{provision, run, said, start},
    process::{call, client, configure},
};

/// Id and number of sealed values of each key, oldest first.
fn listed(config: &Path) -> Vec<(String, u64)> {
    let output = run(&["key", "list"], config);
    assert!(output.status.success(), "{}", said(&output));
    let text = said(&output);
    let line = |line: &str| {
        let id = line.split("  ").next().unwrap().to_owned();
        (id, line.rsplit("sealed values: ").next().unwrap().parse().unwrap())
    };
    text.lines().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s_35_keys_are_exchanged_while_the_broker_serves_and_forgotten_when_nothing_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let config = configure(folder.path(), "vendors: { probe: {} }\n");
    assert!(run(&["key", "new"], &config).status.success());
    let process = start(&config);
    for name in ["one", "two", "three"] {
        provision(&process, name).await;
    }
    let [(old, sealed)] = listed(&config).try_into().unwrap();
    assert!(sealed >= 4, "parameters of three instances, and the canary: {sealed}");

    let rotated = run(&["key", "rotate"], &config);
    assert!(rotated.status.success(), "{}", said(&rotated));
    let refused = run(&["key", "forget", &old], &config);
    let text = said(&refused);
    // the broker may have seen the new file already, and be half way through
    if !refused.status.success() {
        assert_eq!(refused.status.code(), Some(1), "{text}");
        assert!(text.contains("sealed values still need") && text.contains(&old), "{text}");
    }
    process.signal("HUP");
    let exchanged = async {
        while listed(&config)[0].1 > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), exchanged).await.expect("everything is sealed anew");
    let [_, (new, now)] = listed(&config).try_into().unwrap();
    assert!(now >= sealed, "nothing was lost: {now} of {sealed}");

    let current = run(&["key", "forget", &new], &config);
    assert_eq!(current.status.code(), Some(1), "what is in use stays: {}", said(&current));
    let forgotten = run(&["key", "forget", &old], &config);
    assert!(forgotten.status.success(), "{}", said(&forgotten));
    assert_eq!(listed(&config).len(), 1);
    let unknown = run(&["key", "forget", &old], &config);
    assert_ne!(unknown.status.code(), Some(0), "{}", said(&unknown));

    // with the new key alone: in the process that was told, and in the next one
    let fetched = |address: &str| client().get(format!("http://{address}/v2/service_instances/two"));
    assert_eq!(call(fetched(&process.address)).await.0, 200);
    assert!(process.end().0.success());
    let process = start(&config);
    assert_eq!(call(fetched(&process.address)).await.0, 200);
    assert!(process.end().0.success());
}

#[test]
fn s_34_a_ring_that_is_missing_cut_short_or_another_one_starts_nothing_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = configure(folder.path(), "vendors: { probe: {} }\n");
    let (keys, database) = (folder.path().join("broker.keys"), folder.path().join("broker.db"));
    assert!(run(&["key", "new"], &config).status.success());
    assert!(run(&["check"], &config).status.success());
    let (ring, before) = (std::fs::read(&keys).unwrap(), std::fs::read(&database).unwrap());
    let unchanged = |why: &str| assert!(std::fs::read(&database).unwrap() == before, "{why}");
    let refused = |why: &str, code: i32| {
        let output = run(&["check"], &config);
        assert_eq!(output.status.code(), Some(code), "{why}: {}", said(&output));
        unchanged(why);
        said(&output)
    };
    std::fs::remove_file(&keys).unwrap();
    refused("missing", 1);
    assert!(run(&["key", "new"], &config).status.success());
    let text = refused("of another store", 1);
    assert!(text.contains("sealed with other keys"), "{text}");
    // `serve` makes keys where there are none, but no new world where there is an old one
    std::fs::remove_file(&keys).unwrap();
    let served = run(&["serve"], &config);
    assert_eq!(served.status.code(), Some(1), "{}", said(&served));
    unchanged("served without keys");
    std::fs::write(&keys, &ring[..ring.len() / 2]).unwrap();
    refused("cut short", 1);
    std::fs::write(&keys, &ring).unwrap();
    let output = run(&["check"], &config);
    assert!(output.status.success(), "the right one: {}", said(&output));
}
