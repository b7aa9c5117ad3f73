//! Progress: a live tree on a terminal, plain lines elsewhere. The picture is a pure function of what is known.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::text::{Paint, action_running, action_word, duration, one_line};
use crate::name::InstanceRef;
use crate::plan::{Action, Plan};

/// Where one instance stands during a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RowState {
    /// Its producers have not finished.
    Queued,
    /// At work since; with what the broker last said.
    Running { since: Instant, note: Option<String> },
    /// Its broker works on it; it is not waited for.
    LeftRunning,
    /// Finished.
    Done { took: Duration },
    /// Ended without success.
    Failed { why: String },
    /// Not started, because of another.
    Skipped { because: String },
}

/// One line of the tree.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    reference: InstanceRef,
    action: Action,
    after: Vec<InstanceRef>,
    depth: usize,
    pub(crate) state: RowState,
}

/// All instances that a run touches, producers above consumers.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    rows: Vec<Row>,
    position: HashMap<InstanceRef, usize>,
    /// The rows of what is retired: second steps of the same instances.
    retired: HashMap<InstanceRef, usize>,
    started: Instant,
}

impl Tree {
    /// A tree of every step that does something.
    pub(crate) fn new(plan: &Plan, now: Instant) -> Self {
        let mut tree =
            Self { rows: Vec::new(), position: HashMap::new(), retired: HashMap::new(), started: now };
        for step in plan.steps.iter().filter(|step| step.action != Action::Keep) {
            let depth = step
                .after
                .iter()
                .filter_map(|need| tree.position.get(need))
                .map(|at| tree.rows[*at].depth + 1);
            let depth = depth.max().unwrap_or(0);
            let positions = match step.action {
                Action::Retire => &mut tree.retired,
                _ => &mut tree.position,
            };
            positions.insert(step.reference.clone(), tree.rows.len());
            tree.rows.push(Row {
                reference: step.reference.clone(),
                action: step.action,
                after: step.after.clone(),
                depth,
                state: RowState::Queued,
            });
        }
        tree
    }

    /// Moves the row of one step.
    pub(crate) fn set(&mut self, (reference, action): (&InstanceRef, Action), state: RowState) {
        let positions = if action == Action::Retire { &self.retired } else { &self.position };
        if let Some(at) = positions.get(reference) {
            self.rows[*at].state = state;
        }
    }

    /// Notes what the broker last said about the running row of an instance.
    pub(crate) fn note(&mut self, reference: &InstanceRef, text: &str) {
        for at in [self.position.get(reference), self.retired.get(reference)].into_iter().flatten() {
            if let RowState::Running { note, .. } = &mut self.rows[*at].state {
                *note = Some(one_line(text));
            }
        }
    }

    /// The picture at one moment: at most `height` lines of at most `width` columns (colours not counted).
    pub(crate) fn frame(&self, now: Instant, width: usize, height: usize, paint: Paint) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let room = height.saturating_sub(2).max(1);
        let visible = self.visible(room);
        for at in &visible {
            lines.push(self.line(&self.rows[*at], now, width, paint));
        }
        let hidden = self.rows.len() - visible.len();
        if hidden > 0 {
            lines.push(paint.dim(&format!("  … {hidden} more")));
        }
        lines.push(self.summary(now, paint));
        lines
    }

    /// Which rows fit: all when there is room, else running and failed ones first, in tree order.
    fn visible(&self, room: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        if order.len() <= room {
            return order;
        }
        order.sort_by_key(|at| match self.rows[*at].state {
            RowState::Failed { .. } => 0,
            RowState::Running { .. } | RowState::LeftRunning => 1,
            RowState::Queued => 2,
            RowState::Done { .. } => 3,
            RowState::Skipped { .. } => 4,
        });
        order.truncate(room);
        order.sort_unstable();
        order
    }

    fn line(&self, row: &Row, now: Instant, width: usize, paint: Paint) -> String {
        let indent = "  ".repeat(row.depth + 1);
        let head = format!("{indent}{} ", row.reference);
        let (mark, rest) = match &row.state {
            RowState::Queued => (paint.dim("·"), self.waiting_for(row)),
            RowState::Running { since, note } => {
                let mut text =
                    format!("{} {}", action_running(row.action), duration(now.duration_since(*since)));
                if let Some(note) = note {
                    let _ = write!(text, "  {note}");
                }
                (paint.running(spinner(now.duration_since(self.started))), text)
            }
            RowState::Done { took } => {
                (paint.good("✓"), format!("{} in {}", action_word(row.action), duration(*took)))
            }
            RowState::Failed { why } => (paint.bad("✗"), one_line(why)),
            RowState::LeftRunning => (paint.dim("…"), "its broker works on it".to_owned()),
            RowState::Skipped { because } => (paint.dim("–"), format!("skipped: {because}")),
        };
        let room = width.saturating_sub(head.chars().count() + 3).max(8);
        let rest: String = rest.chars().take(room).collect();
        format!("{indent}{mark} {} {}", row.reference, paint.dim(&rest))
    }

    fn waiting_for(&self, row: &Row) -> String {
        let unfinished = row.after.iter().filter(|need| {
            self.position.get(*need).is_some_and(|at| !matches!(self.rows[*at].state, RowState::Done { .. }))
        });
        let names: Vec<&str> = unfinished.map(InstanceRef::as_str).collect();
        if names.is_empty() {
            "waiting for a free place".to_owned()
        } else {
            format!("waiting for {}", names.join(", "))
        }
    }

    fn summary(&self, now: Instant, paint: Paint) -> String {
        let count = |want: fn(&RowState) -> bool| self.rows.iter().filter(|row| want(&row.state)).count();
        let done = count(|state| matches!(state, RowState::Done { .. }));
        let running = count(|state| matches!(state, RowState::Running { .. }));
        let waiting = count(|state| matches!(state, RowState::Queued));
        let failed = count(|state| matches!(state, RowState::Failed { .. }));
        let mut text = format!("  {done}/{} done, {running} running, {waiting} waiting", self.rows.len());
        if failed > 0 {
            let _ = write!(text, ", {failed} failed");
        }
        paint.bold(&format!("{text}  {}", duration(now.duration_since(self.started))))
    }
}

fn spinner(elapsed: Duration) -> &'static str {
    const FRAMES: [&str; 8] = ["⣾", "⣽", "⣻", "⢿", "⡿", "⣟", "⣯", "⣷"];
    let index = usize::try_from(elapsed.as_millis() / 100).unwrap_or(0);
    FRAMES[index % FRAMES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::text::tests::plan_of;

    fn reference(text: &str) -> InstanceRef {
        InstanceRef::new(text).expect("a ref")
    }

    #[test]
    fn the_tree_shows_what_runs_what_waits_and_for_whom() {
        let start = Instant::now();
        let mut tree = Tree::new(&plan_of(&[("db", &[]), ("token", &["db"]), ("www", &[])]), start);
        tree.set((&reference("db"), Action::Create), RowState::Running { since: start, note: None });
        tree.note(&reference("db"), "making\u{1b}[31m it");
        tree.set((&reference("www"), Action::Create), RowState::Done { took: Duration::from_millis(1200) });
        let frame = tree.frame(start + Duration::from_secs(3), 80, 20, Paint::PLAIN);
        assert!(frame[0].contains("db creating 3.0s  making�[31m it"), "{frame:#?}");
        assert!(frame[1].starts_with("    · token waiting for db"), "{frame:#?}");
        assert!(frame[2].contains("✓ www created in 1.2s"), "{frame:#?}");
        assert_eq!(frame[3], "  1/3 done, 1 running, 1 waiting  3.0s");
    }

    #[test]
    fn a_frame_never_exceeds_the_height_of_the_terminal() {
        let start = Instant::now();
        let names: Vec<String> = (0..100).map(|n| format!("i{n}")).collect();
        let shape: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
        let mut tree = Tree::new(&plan_of(&shape), start);
        tree.set((&reference("i99"), Action::Create), RowState::Failed { why: "no".to_owned() });
        let frame = tree.frame(start, 80, 10, Paint::PLAIN);
        assert!(frame.len() <= 10, "{}", frame.len());
        assert!(frame.iter().any(|line| line.contains("i99")), "what failed is always shown");
    }
}
