//! The cases of each part, as rows of cases that differ in a number only.

use super::super::{
    answers::BAD_ANSWERS,
    memory::StoreChoice,
    platform::Mode,
    random::Random,
    scenario::{Scenario, Thing, Verb},
};

/// Points that every operation passes by itself, and whether it does so more than once.
const ON_THE_WAY: &[(&str, bool)] = &[
    ("B01", false),
    ("B02", false),
    ("B03", false),
    ("B04", false),
    ("B05", true),
    ("B08", true),
    ("B09", true),
    ("B10", true),
    ("B11", true),
    ("B12", true),
    ("B13", true),
    ("B14", true),
    ("B15", true),
    ("B16", false),
    ("B17", false),
    ("B18", true),
    ("B19", true),
];

/// Points that are passed only after a death in the middle of a vendor call, and how often in a row.
const AFTERWARDS: &[(&str, usize)] = &[("B06", 1), ("B07", 1), ("B21", 1), ("B21", 3), ("B24", 1)];

/// What networks do to the messages between broker and vendor. They do not repeat a request by themselves: a vendor that
/// shows a value once would make a second one of which nobody knows; `sweep` tells of it.
const TO_THE_VENDOR: &[&str] = &[
    "drop-response",
    "drop-request",
    "late:700",
    "behind",
    "stall",
    "reset",
    "truncate:20",
    "truncate:200",
    "garble",
    "endless",
    "delay-response:700",
];

/// What networks do to the messages between platform and broker.
const FROM_THE_PLATFORM: &[&str] = &[
    "drop-response",
    "drop-request",
    "late:80",
    "behind",
    "reset",
    "truncate:30",
    "garble",
    "duplicate:4",
    "echo:80",
];

/// What networks do to the messages between broker and database. None is delivered twice, or after a later one: what is
/// out of turn is no message of the protocol.
const TO_THE_DATABASE: &[&str] = &[
    "drop-request",
    "drop-response",
    "half",
    "reset",
    "truncate:3",
    "delay:300",
    "delay-response:300",
    "half-close",
];

/// Cases that differ in a number only: the first time, the second time, and so on while there is one.
pub struct Row {
    deepest: u64,
    case: Box<dyn Fn(u64) -> String + Send>,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({})", self.text(1))
    }
}

impl Row {
    fn new(deepest: u64, case: impl Fn(u64) -> String + Send + 'static) -> Self {
        Self { deepest, case: Box::new(case) }
    }

    /// How far it is tried at most.
    pub(super) fn deepest(&self) -> u64 {
        self.deepest
    }

    /// Its n-th case.
    pub(super) fn text(&self, nth: u64) -> String {
        (self.case)(nth)
    }
}

/// The same rows in another order: who has time for some of them sees some of everything.
#[must_use]
pub fn shuffled(mut rows: Vec<Row>, seed: u64) -> Vec<Row> {
    let mut random = Random::new(seed);
    for last in (1..rows.len()).rev() {
        let other = usize::try_from(random.below(last as u64 + 1)).unwrap_or(0);
        rows.swap(last, other);
    }
    rows
}

/// Every operation, in every way of asking for it.
fn asked() -> impl Iterator<Item = (Scenario, &'static str)> {
    Scenario::ALL
        .into_iter()
        .flat_map(|scenario| scenario.modes().iter().map(move |mode| (scenario, word(*mode))))
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Async => "async",
        Mode::Sync => "sync",
    }
}

/// F01: every point, to die and to fail, in every operation. `deepest` bounds how often a point is passed before.
#[must_use]
pub fn points(deepest: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for (scenario, mode) in asked() {
        for action in ["kill", "error"] {
            for &(point, again) in ON_THE_WAY {
                let deepest = if again { deepest } else { 1 };
                rows.push(Row::new(deepest, move |nth| format!("{scenario}/{mode}/{point}={action}@{nth}")));
            }
            for &(point, repeat) in AFTERWARDS {
                rows.push(Row::new(1, move |_| {
                    let again = format!(">{point}={action}@1").repeat(repeat);
                    format!("{scenario}/{mode}/{}{again}", scenario.interrupted())
                }));
            }
            rows.push(Row::new(1, move |_| {
                format!("{scenario}/{mode}/B20={action}@1+vendor.*@2=delay:60+TERM:25000")
            }));
        }
        rows.push(Row::new(deepest, move |nth| format!("{scenario}/{mode}/B19=delay:1300@{nth}")));
        rows.push(Row::new(1, move |_| format!("{scenario}/{mode}/B08=panic@2")));
        rows.push(Row::new(1, move |_| format!("{scenario}/{mode}/B08=hang@2")));
        // each death in what the one before it made necessary
        rows.push(Row::new(1, move |_| {
            let interrupted = scenario.interrupted();
            format!("{scenario}/{mode}/{interrupted}>B21=kill@1>B12=kill@1>B21=kill@1>B14=kill@1>B07=kill@1")
        }));
    }
    rows
}

/// F10, F12, F13: every message of platform, broker and vendor, lost, late, cut off, twice, after a later one.
#[must_use]
pub fn messages(deepest: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for (scenario, mode) in asked() {
        for act in TO_THE_VENDOR {
            rows.push(Row::new(deepest, move |nth| format!("{scenario}/{mode}/vendor.*@{nth}={act}")));
        }
        for act in FROM_THE_PLATFORM {
            // the request, its repeat, and the first polls
            rows.push(Row::new(deepest.min(4), move |nth| {
                format!("{scenario}/{mode}/platform.*@{nth}={act}")
            }));
        }
    }
    rows
}

/// F07, F10: every message between broker and database, and the COMMITs once more.
#[must_use]
pub fn database(deepest: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for (scenario, mode) in asked() {
        for fate in TO_THE_DATABASE {
            rows.push(Row::new(deepest, move |nth| format!("{scenario}/{mode}/database.*@{nth}={fate}")));
            rows.push(Row::new(deepest.min(4), move |nth| {
                format!("{scenario}/{mode}/database.COMMIT@{nth}={fate}")
            }));
        }
        // for as long as the broker has patience
        if matches!(
            (scenario.verb, scenario.thing),
            (Verb::Provision, Thing::Database) | (Verb::Bind, Thing::Token)
        ) {
            rows.push(Row::new(2, move |nth| format!("{scenario}/{mode}/database.*@{}=stall", 3 * nth)));
            rows.push(Row::new(2, move |nth| format!("{scenario}/{mode}/database.COMMIT@{nth}=stall")));
        }
    }
    rows
}

/// F07: the database server crashes and starts again, after so many microseconds.
#[must_use]
pub fn restarts() -> Vec<Row> {
    let mut rows = Vec::new();
    for (scenario, mode) in asked() {
        for after in [0, 4_000, 12_000, 30_000] {
            rows.push(Row::new(1, move |_| format!("{scenario}/{mode}/vendor.*@1=delay:5+RESTART:{after}")));
        }
    }
    rows
}

/// F11: every bad answer to every call, instead of the call or after it.
#[must_use]
pub fn answers_of(deepest: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for (scenario, mode) in asked() {
        for answer in BAD_ANSWERS {
            for when in ["answer", "answer-after"] {
                // 'too many calls' says that nothing was done; a vendor that lies about it is not survived
                if when == "answer-after" && answer.starts_with("429") {
                    continue;
                }
                rows.push(Row::new(deepest, move |nth| {
                    format!("{scenario}/{mode}/vendor.*@{nth}={when}:{answer}")
                }));
            }
        }
    }
    rows
}

/// F05: no file can grow, or the database takes no writes, from each of these moments on (microseconds).
#[must_use]
pub fn disks() -> Vec<Row> {
    let mut rows = Vec::new();
    for (scenario, mode) in asked() {
        for after in [0, 1_000, 4_000, 10_000, 25_000] {
            rows.push(Row::new(1, move |_| format!("{scenario}/{mode}/vendor.*@1=delay:5+FULL:{after}:300")));
        }
    }
    rows
}

/// B23: keys are exchanged, and that is interrupted at each record, once and three times in a row.
#[must_use]
pub fn keys(deepest: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for scenario in Scenario::ALL.into_iter().filter(|scenario| scenario.verb != Verb::Provision) {
        for action in ["kill", "error"] {
            rows.push(Row::new(deepest, move |nth| format!("{scenario}/async/B23={action}@{nth}+ROTATE")));
        }
        rows.push(Row::new(1, move |_| format!("{scenario}/async/B23=kill@1>B23=kill@1>B23=kill@1+ROTATE")));
    }
    rows
}

/// F03: deaths and pauses at random moments; the seed says which.
#[must_use]
pub fn kills(seed: u64, count: usize, store: &StoreChoice) -> Vec<Row> {
    let mut random = Random::new(seed);
    (0..count)
        .map(|_| {
            let text = random_case(&mut random, store);
            Row::new(1, move |_| text.clone())
        })
        .collect()
}

fn one_of<T: Copy>(random: &mut Random, all: &[T]) -> T {
    all[usize::try_from(random.below(all.len() as u64)).unwrap_or(0)]
}

fn random_case(random: &mut Random, store: &StoreChoice) -> String {
    let scenario = one_of(random, &Scenario::ALL);
    let mode = word(one_of(random, scenario.modes()));
    let kills: Vec<String> = (0..=random.below(3)).map(|_| random.moment(100, 80_000).to_string()).collect();
    let mut troubles = format!("KILL:{}", kills.join(","));
    if random.below(3) == 0 {
        let act = one_of(random, TO_THE_VENDOR);
        troubles.push_str(&format!("+vendor.*@{}={act}", 1 + random.below(5)));
    }
    if random.below(3) == 0 && matches!(store, StoreChoice::Postgres(_)) {
        let (place, fate) = (one_of(random, &["*", "COMMIT"]), one_of(random, TO_THE_DATABASE));
        troubles.push_str(&format!("+database.{place}@{}={fate}", 1 + random.below(6)));
    }
    if random.below(4) == 0 {
        troubles.push_str("+B08=error%10,B09=error%5,B11=error%5,B13=error%5,B14=error%5,B17=error%10");
    }
    if random.below(12) == 0 {
        troubles = format!("PAUSE:{}:1300", random.moment(1_000, 60_000));
    }
    format!("{scenario}/{mode}/{troubles}")
}
