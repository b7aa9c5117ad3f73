//! Faults that happen: what a test build has.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time;

/// How long a request is under way before something happens to its sender.
const UNDER_WAY: Duration = Duration::from_millis(40);

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The process dies at once.
    Kill,
    /// The step never goes on.
    Hang,
    /// The step goes on later.
    Delay(Duration),
    /// The step fails, where it can.
    Fail,
}

/// One point of a plan; at the n-th time only, from 1, or each time.
pub(super) type Rule = (String, Action, Option<u64>);

/// A point in a task.
pub(crate) async fn pass(point: &'static str) {
    if let Some(action) = due(point) {
        suffer(action).await;
    }
}

/// It was made to fail.
#[derive(Debug, thiserror::Error)]
#[error("it was made to fail at {0}")]
pub(crate) struct MadeToFail(&'static str);

/// A point in a task that can fail there.
pub(crate) async fn fail(point: &'static str) -> Result<(), MadeToFail> {
    match due(point) {
        Some(Action::Fail) => Err(MadeToFail(point)),
        Some(action) => {
            suffer(action).await;
            Ok(())
        }
        None => Ok(()),
    }
}

/// A point that lies within the given work: it is begun, and not waited for.
pub(crate) async fn race<T>(point: &'static str, work: impl Future<Output = T>) -> T {
    let Some(action) = due(point) else { return work.await };
    let mut work = Box::pin(work);
    let ended = time::timeout(UNDER_WAY, &mut work).await;
    suffer(action).await;
    match ended {
        Ok(ended) => ended,
        Err(_elapsed) => work.await,
    }
}

async fn suffer(action: Action) {
    match action {
        Action::Kill => std::process::abort(),
        Action::Hang => std::future::pending().await,
        Action::Delay(delay) => time::sleep(delay).await,
        // refused when the plan is read
        Action::Fail => {}
    }
}

/// Whether the named mistake is to be made.
pub(crate) fn mutant(name: &'static str) -> bool {
    static MUTANT: OnceLock<Option<String>> = OnceLock::new();
    MUTANT.get_or_init(|| std::env::var("SUTLER_MUTANT").ok()).as_deref() == Some(name)
}

/// Reads a plan.
pub(super) fn parse(text: &str) -> Result<Vec<Rule>, String> {
    text.split(',').map(str::trim).filter(|rule| !rule.is_empty()).map(rule).collect()
}

fn rule(text: &str) -> Result<Rule, String> {
    let wrong = || format!("'{text}' is not POINT=ACTION[@n]");
    let (point, rest) = text.split_once('=').ok_or_else(wrong)?;
    if !super::POINTS
        .iter()
        .chain(super::MOVE_POINTS)
        .chain(super::MIGRATION_POINTS)
        .any(|(known, _)| *known == point)
    {
        return Err(format!("there is no point {point}"));
    }
    let (action, nth) = match rest.split_once('@') {
        Some((action, nth)) => (action, Some(nth.parse().map_err(|_| wrong())?)),
        None => (rest, None),
    };
    let action = match (action, action.strip_prefix("delay:")) {
        ("kill", _) => Action::Kill,
        ("hang", _) => Action::Hang,
        ("fail", _) if fails(point) => Action::Fail,
        (_, Some(span)) => Action::Delay(Duration::from_millis(span.parse().map_err(|_| wrong())?)),
        _ => return Err(wrong()),
    };
    Ok((point.to_owned(), action, nth))
}

/// Whether the step at this point can fail.
fn fails(point: &str) -> bool {
    super::MOVE_POINTS.iter().any(|(known, _)| *known == point) && !point.ends_with("-sent")
}

/// What happens at this point now; counts that it was reached.
fn due(point: &'static str) -> Option<Action> {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    static REACHED: Mutex<Option<HashMap<&'static str, u64>>> = Mutex::new(None);
    let plan = PLAN.get_or_init(Plan::of_environment);
    if plan.rules.is_empty() && plan.told.is_none() {
        return None;
    }
    let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = reached.get_or_insert_default().entry(point).or_default();
    *count += 1;
    if let Some(path) = &plan.told {
        let told = std::fs::OpenOptions::new().create(true).append(true).open(path);
        // who cannot be told counts the point as never reached
        let _ = told.and_then(|mut file| file.write_all(format!("{point}\n").as_bytes()));
    }
    let due = |(named, _, nth): &&Rule| named == point && nth.is_none_or(|nth| nth == *count);
    plan.rules.iter().find(due).map(|(_, action, _)| *action)
}

/// What is to happen, and where it is told.
struct Plan {
    rules: Vec<Rule>,
    told: Option<PathBuf>,
}

impl Plan {
    fn of_environment() -> Self {
        let text = std::env::var("SUTLER_FAULTS").unwrap_or_default();
        // whoever misspells a plan has to learn it: nothing would be tested otherwise
        let rules = parse(&text).unwrap_or_else(|problem| panic!("SUTLER_FAULTS: {problem}"));
        Self { rules, told: std::env::var_os("SUTLER_FAULTS_REACHED").map(PathBuf::from) }
    }
}
