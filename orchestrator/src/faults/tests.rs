use std::path::Path;
use std::time::Duration;

use super::armed::{Action, parse};
use super::{ABSENT, MIGRATION_POINTS, MOVE_MUTANTS, MOVE_POINTS, MUTANTS, POINTS};

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
    for (name, what) in
        POINTS.iter().chain(MOVE_POINTS).chain(MIGRATION_POINTS).chain(MUTANTS).chain(MOVE_MUTANTS)
    {
        assert!(source.contains(&format!("\"{name}\"")), "{name} ({what}) is nowhere");
    }
    for (name, what) in ABSENT {
        assert!(!source.contains(&format!("\"{name}")), "{name} ({what}) is placed: list it as a point");
    }
}

#[test]
fn every_point_of_the_protocol_is_a_point_or_known_to_be_absent() {
    for number in 1..=23 {
        let name = format!("O{number:02}");
        let known = POINTS.iter().chain(MIGRATION_POINTS).any(|(point, _)| point.starts_with(&name));
        assert!(known || ABSENT.iter().any(|(point, _)| *point == name), "{name}");
    }
}

#[test]
fn every_step_of_a_move_is_a_point() {
    for number in 1..=9 {
        let name = format!("S{number:02}");
        assert!(MOVE_POINTS.iter().any(|(point, _)| point.starts_with(&name)), "{name}");
    }
}

#[test]
fn a_plan_says_what_happens_where_and_when() {
    let read = parse("O04-sent=kill@3, O13-before=hang,O06-before=delay:1500").expect("a plan");
    assert_eq!(
        read,
        [
            ("O04-sent".to_owned(), Action::Kill, Some(3)),
            ("O13-before".to_owned(), Action::Hang, None),
            ("O06-before".to_owned(), Action::Delay(Duration::from_millis(1500)), None),
        ]
    );
    let failing = parse("S01-after=fail").expect("a plan");
    assert_eq!(failing, [("S01-after".to_owned(), Action::Fail, None)]);
    for wrong in [
        "O04-sent",
        "O04-after=fail",
        "S06-sent=fail",
        "O99=kill",
        "O04-sent=fly",
        "O04-sent=kill@x",
        "O04-sent=delay:x",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
