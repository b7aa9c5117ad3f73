use std::path::Path;

use super::{
    MUTANTS, POINTS,
    plan::{Action, Plan, When, parse},
};

/// All our source but this module.
fn source() -> String {
    fn read(folder: &Path, all: &mut String) {
        for entry in std::fs::read_dir(folder).expect("the source can be read") {
            let path = entry.expect("the source can be read").path();
            if path.is_dir() && !path.ends_with("faults") {
                read(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push_str(&std::fs::read_to_string(&path).expect("the source can be read"));
            }
        }
    }
    let mut all = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    all
}

#[test]
fn every_point_and_mutant_is_placed_in_the_source() {
    let source = source();
    for (name, what) in POINTS.iter().chain(MUTANTS) {
        assert!(source.contains(&format!("\"{name}\"")), "{name} ({what}) is nowhere");
    }
}

#[test]
fn a_plan_says_what_happens_where_and_when() {
    let read = parse("B08=kill@3, B13=error,B19=delay:1500%20").expect("a plan");
    let delay = Action::Delay(std::time::Duration::from_millis(1500));
    assert_eq!(
        read,
        [
            ("B08".to_owned(), Action::Kill, When::Nth(3)),
            ("B13".to_owned(), Action::Error, When::Always),
            ("B19".to_owned(), delay, When::Percent(20)),
        ]
    );
    for wrong in ["B08", "B99=kill", "B08=fly", "B08=kill@x", "B08=delay:x"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_point_is_counted_from_the_last_change_of_the_plan() {
    let mut plan = Plan::default();
    plan.update("B08=kill@2,B13=error%50");
    assert_eq!(
        [plan.reach("B08", 0), plan.reach("B08", 0), plan.reach("B08", 0)],
        [None, Some(Action::Kill), None]
    );
    assert_eq!([plan.reach("B13", 49), plan.reach("B13", 50)], [Some(Action::Error), None]);
    plan.update("B08=kill@1");
    assert_eq!(plan.reach("B08", 0), Some(Action::Kill));
}
