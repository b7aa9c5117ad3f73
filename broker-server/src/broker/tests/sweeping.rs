//! Sweep finds what does not fit together, and nothing else.

use sutler_spec::Asynchrony;

use super::{Stage, deprovision, id, provision, quick, vendor::Vendor};
use crate::{
    broker::{Compared, Finding, facts, sweep},
    providers::Marker,
};

#[tokio::test(flavor = "multi_thread")]
async fn orphans_twins_and_missing_objects_are_found_and_left_alone() {
    let (stage, vendor) = (Stage::new(), Vendor::new());
    let broker = stage.started(&vendor, quick());
    for name in ["fine", "lost", "double", "gone"] {
        provision(&broker, name, Asynchrony::Refused).await.unwrap();
    }
    let report = sweep(broker.registry(), stage.store.as_ref()).await.unwrap();
    assert_eq!((report.findings(), report.is_complete()), (0, true), "{report}");
    assert_eq!(report.services[0].compared, Compared::ByMark { objects: 4, expected: 4 });

    let marker = |name: &str| facts::marker(stage.store.installation(), &id(name), None);
    vendor.remove(&marker("lost").hex(32));
    vendor.put(&marker("double").hex(24));
    deprovision(&broker, "gone").await.unwrap();
    vendor.put(&marker("gone").hex(32));
    vendor.put(&Marker::for_instance("another installation", &id("fine")).hex(32));
    let before = vendor.objects();
    let report = sweep(broker.registry(), stage.store.as_ref()).await.unwrap();
    assert_eq!(vendor.objects(), before, "nothing was changed");
    assert!(report.is_complete());
    let findings = &report.services[0].findings;
    let orphans: Vec<_> = findings
        .iter()
        .filter_map(|finding| match finding {
            Finding::Orphan { instance, .. } => Some(instance.as_ref().map(|id| id.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(orphans.len(), 2, "{report}");
    assert!(orphans.contains(&Some("gone")) && orphans.contains(&None), "{report}");
    let is_lost =
        |finding: &Finding| matches!(finding, Finding::Missing { owner } if owner.instance == id("lost"));
    assert!(findings.iter().any(is_lost), "{report}");
    let is_double = |finding: &Finding| matches!(finding, Finding::Twin { owner, objects } if owner.instance == id("double") && objects.len() == 2);
    assert!(findings.iter().any(is_double), "{report}");
    assert_eq!(findings.len(), 4, "{report}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["services"][0]["compared"]["how"], "by_mark");
    assert_eq!(json["services"][0]["findings"].as_array().map(Vec::len), Some(4));
}
