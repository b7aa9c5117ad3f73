//! The key is exchanged, wherever it is interrupted (S-35, I-30).

use std::fs;
use std::time::{Duration, Instant};

use sutler::state::StateBackend;
use sutler_secrets::KeyRing;

use crate::home::{Home, SECRET};

#[tokio::test(flavor = "multi_thread")]
async fn s_35_everything_is_sealed_anew_and_the_old_key_forgotten() {
    let home = Home::new(20, "").await;
    let old = home.ring().current();
    let said = home.run(&["state", "rekey"], 0);
    assert!(said.contains("20 of 20") && said.contains("env") && said.contains(&old.to_string()), "{said}");
    let ring = home.ring();
    assert!(ring.keys().len() == 1 && ring.current() != old && ring.has_forgotten(old));
    home.everything_opens(20).await;
    assert!(!fs::read_to_string(home.path(".env")).unwrap().contains(SECRET));
    for revision in home.backend().revisions().await.unwrap() {
        let body =
            serde_json::to_string(&home.backend().revision(revision.serial).await.unwrap().unwrap().records);
        assert!(body.unwrap().contains("sutler:v1:"), "it holds sealed leaves");
    }
    home.backend().verify(sutler::state::Extent::Everything).await.unwrap();
    let json = home.run(&["--json", "state", "rekey"], 0);
    let told: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&told["kind"], &told["records"]), (&"rekey".into(), &20.into()));
    assert_eq!(told["forgotten"][0], ring.current().to_string());
    home.everything_opens(20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s_34_a_wrong_or_missing_key_is_refused_before_anything_is_written() {
    let home = Home::new(3, "").await;
    let (keys, db) = (home.path(".sutler/keys"), home.path(".sutler/state.db"));
    let before = (fs::read(&keys).unwrap(), fs::read(home.path(".env")).unwrap());
    let serial = home.backend().load().await.unwrap().serial;
    fs::remove_file(&keys).unwrap();
    assert!(home.run(&["state", "rekey"], 7).contains("no key ring"));
    assert!(!keys.exists(), "none was made");
    KeyRing::create(&keys, jiff::Timestamp::now()).unwrap();
    let wrong = fs::read(&keys).unwrap();
    assert!(home.run(&["state", "rekey"], 7).contains("another key ring"));
    assert_eq!(fs::read(&keys).unwrap(), wrong);
    fs::write(&keys, &before.0[..before.0.len() / 2]).unwrap();
    home.run(&["state", "rekey"], 7);
    fs::write(&keys, &before.0).unwrap();
    assert!(db.exists());
    assert_eq!(home.backend().load().await.unwrap().serial, serial);
    assert_eq!(fs::read(home.path(".env")).unwrap(), before.1);
    home.everything_opens(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s_35_a_value_that_does_not_open_stops_it_before_anything_is_written() {
    let home = Home::new(3, "").await;
    let text = fs::read_to_string(home.path(".env")).unwrap();
    let broken = text.replacen("sutler:xwing1:AT", "sutler:xwing1:AU", 1).replacen(
        "sutler:xwing1:AX",
        "sutler:xwing1:AY",
        1,
    );
    let broken = if broken == text { text.replacen("xwing1:A", "xwing1:B", 1) } else { broken };
    fs::write(home.path(".env"), &broken).unwrap();
    let ring = fs::read(home.path(".sutler/keys")).unwrap();
    home.run(&["state", "rekey"], 1);
    assert_eq!(fs::read(home.path(".sutler/keys")).unwrap(), ring);
    assert_eq!(fs::read_to_string(home.path(".env")).unwrap(), broken);
}

/// Kills a running exchange once so many commits came through, or so much time went by; whatever was hit, everything
/// opens, and running it again finishes it.
#[tokio::test(flavor = "multi_thread")]
async fn i_30_killed_anywhere_everything_opens_and_running_it_again_finishes() {
    const RECORDS: usize = 40;
    let home = Home::new(RECORDS, "").await;
    let mut killed = 0;
    for stop in 0..12_u64 {
        let before = home.backend().load().await.unwrap().serial;
        let mut child = home.start(&["state", "rekey", "--lock-timeout", "30s"]);
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "stop {stop}");
                break;
            }
            let commits = home.backend().load().await.map(|state| state.serial - before).unwrap_or_default();
            if commits > stop % 6 || stop >= 6 && begun.elapsed() > Duration::from_millis(12 * stop) {
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
                break;
            }
        }
        home.everything_opens(RECORDS).await;
    }
    assert!(killed >= 4, "only {killed} were hit");
    home.run(&["state", "rekey", "--lock-timeout", "30s"], 0);
    home.everything_opens(RECORDS).await;
    assert_eq!(home.ring().keys().len(), 1, "the old keys are forgotten");
    home.backend().verify(sutler::state::Extent::Everything).await.unwrap();
}
