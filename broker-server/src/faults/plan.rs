//! What happens where: the text of a plan, and how often each point was reached.

use std::{
    collections::HashMap,
    io::Write,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The process dies at once.
    Kill,
    /// The step fails.
    Error,
    /// The step panics.
    Panic,
    /// The step never goes on.
    Hang,
    /// The step goes on later.
    Delay(Duration),
}

/// When it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// At this time only, from 1.
    Nth(u64),
    /// In so many of a hundred times.
    Percent(u8),
}

/// One point of a plan.
pub(super) type Rule = (String, Action, When);

/// Reads a plan.
pub(super) fn parse(text: &str) -> Result<Vec<Rule>, String> {
    text.split(',').map(str::trim).filter(|rule| !rule.is_empty()).map(rule).collect()
}

fn rule(text: &str) -> Result<Rule, String> {
    let wrong = || format!("'{text}' is not POINT=ACTION[@n|%p]");
    let (point, rest) = text.split_once('=').ok_or_else(wrong)?;
    if !super::POINTS.iter().any(|(known, _)| *known == point) {
        return Err(format!("there is no point {point}"));
    }
    let (action, when) = match (rest.split_once('@'), rest.split_once('%')) {
        (Some((action, nth)), _) => (action, When::Nth(nth.parse().map_err(|_| wrong())?)),
        (_, Some((action, percent))) => (action, When::Percent(percent.parse().map_err(|_| wrong())?)),
        _ => (rest, When::Always),
    };
    let action = match (action, action.strip_prefix("delay:")) {
        ("kill", _) => Action::Kill,
        ("error", _) => Action::Error,
        ("panic", _) => Action::Panic,
        ("hang", _) => Action::Hang,
        (_, Some(milliseconds)) => {
            Action::Delay(Duration::from_millis(milliseconds.parse().map_err(|_| wrong())?))
        }
        _ => return Err(wrong()),
    };
    Ok((point.to_owned(), action, when))
}

/// A plan in force.
#[derive(Default)]
pub(super) struct Plan {
    text: String,
    rules: Vec<Rule>,
    reached: HashMap<&'static str, u64>,
}

impl Plan {
    /// Takes another text, if it is one.
    pub(super) fn update(&mut self, text: &str) {
        if text != self.text {
            // whoever misspells a plan has to learn it: nothing would be tested otherwise
            let rules = parse(text).unwrap_or_else(|problem| panic!("SUTLER_FAULTS: {problem}"));
            *self = Self { text: text.to_owned(), rules, reached: HashMap::new() };
        }
    }

    /// Counts that a point was reached, and says what happens.
    pub(super) fn reach(&mut self, point: &'static str, chance: u8) -> Option<Action> {
        let count = self.reached.entry(point).or_default();
        *count += 1;
        let due = |when: &When| match when {
            When::Always => true,
            When::Nth(nth) => count == nth,
            When::Percent(percent) => chance < *percent,
        };
        self.rules.iter().find(|(named, _, when)| named == point && due(when)).map(|(_, action, _)| *action)
    }
}

/// What happens at this point now.
pub(super) fn due(point: &'static str) -> Option<Action> {
    static SOURCE: OnceLock<Option<Source>> = OnceLock::new();
    static PLAN: Mutex<Option<Plan>> = Mutex::new(None);
    let source = SOURCE.get_or_init(Source::of_environment).as_ref()?;
    let mut plan = PLAN.lock().unwrap_or_else(PoisonError::into_inner);
    let plan = plan.get_or_insert_default();
    plan.update(&source.text());
    let chance = getrandom::u32().unwrap_or(0) % 100;
    let action = plan.reach(point, u8::try_from(chance).unwrap_or(0));
    if action.is_some() {
        source.tell(point);
    }
    action
}

/// Where the plan is.
enum Source {
    Text(String),
    File(PathBuf),
}

impl Source {
    fn of_environment() -> Option<Self> {
        let text = std::env::var("SUTLER_FAULTS").ok()?;
        Some(match text.strip_prefix('@') {
            Some(path) => Self::File(path.into()),
            None => Self::Text(text),
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            // no file, no faults
            Self::File(path) => std::fs::read_to_string(path).unwrap_or_default(),
        }
    }

    /// Leaves a word in the file beside the plan: whoever wrote it wants to know whether the point was reached.
    fn tell(&self, point: &str) {
        let Self::File(path) = self else { return };
        let struck =
            std::fs::OpenOptions::new().create(true).append(true).open(path.with_extension("struck"));
        // who cannot be told counts the point as never reached
        let _ = struck.and_then(|mut file| file.write_all(format!("{point}\n").as_bytes()));
    }
}
