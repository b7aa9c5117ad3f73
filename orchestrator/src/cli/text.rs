//! How things are said on a terminal: colours, words, durations, and nothing that a peer could abuse (S-21).

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Effects, Style};

use crate::plan::{Action, ChangeKind, Cost, Plan, Price, Step, Total};

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint(bool);

impl Paint {
    /// With colours; the stream drops them where they are not wanted.
    pub(crate) const COLORED: Self = Self(true);
    /// Without.
    pub(crate) const PLAIN: Self = Self(false);

    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with(Style::new().effects(Effects::BOLD), text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with(Style::new().effects(Effects::DIMMED), text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().effects(Effects::BOLD), text)
    }

    pub(crate) fn caution(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(crate) fn running(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }
}

/// Text of unknown origin on one line: control, bidirectional and invisible characters become `�`; at most 1,000.
pub(crate) fn one_line(text: &str) -> String {
    let safe = |c: char| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            '\u{fffd}'
        }
        '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        c => c,
    };
    text.chars().take(1000).map(safe).collect()
}

/// A duration for people.
pub(crate) fn duration(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    match seconds {
        s if s < 0.9995 => format!("{:.0}ms", s * 1000.0),
        s if s < 60.0 => format!("{s:.1}s"),
        s => format!("{:.0}m{:02.0}s", (s / 60.0).floor(), s % 60.0),
    }
}

/// What has been done, in one word.
pub(crate) fn action_word(action: Action) -> &'static str {
    match action {
        Action::Keep => "kept",
        Action::Create => "created",
        Action::Update => "updated",
        Action::Upgrade => "upgraded",
        Action::Replace => "replaced",
        Action::Rebind => "bound",
        Action::Rotate => "rotated",
        Action::Record => "recorded",
        Action::Delete => "deleted",
        Action::Forget => "forgotten",
        Action::Retire => "cleared of the earlier one",
    }
}

/// What is being done, in one word.
pub(crate) fn action_running(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "updating",
        Action::Upgrade => "upgrading",
        Action::Replace => "replacing",
        Action::Rebind => "binding",
        Action::Rotate => "rotating",
        Action::Record => "recording",
        Action::Delete => "deleting",
        Action::Forget => "forgetting",
        Action::Retire => "deleting the earlier one",
        Action::Keep => "checking",
    }
}

fn mark(action: Action, paint: Paint) -> String {
    match action {
        Action::Keep => paint.dim("="),
        Action::Create => paint.good("+"),
        Action::Update | Action::Upgrade | Action::Rebind | Action::Rotate | Action::Record => {
            paint.caution("~")
        }
        Action::Replace => paint.bad("±"),
        Action::Delete | Action::Retire => paint.bad("-"),
        Action::Forget => paint.dim("/"),
    }
}

/// The plan for people.
pub(crate) fn plan(plan: &Plan, paint: Paint) -> String {
    let mut text = String::new();
    let changing: Vec<&Step> = plan.steps.iter().filter(|step| is_shown(step)).collect();
    let width = changing.iter().map(|step| step.reference.as_str().len()).max().unwrap_or(0);
    let is_priced = plan.steps.iter().any(|step| !step.target.price.costs.is_empty());
    for moved in &plan.moves {
        let _ = writeln!(text, "  {} {} is {} from now on", paint.caution("→"), moved.from, moved.to);
    }
    for step in &changing {
        let price = is_priced.then(|| price(&step.target.price));
        step_text(&mut text, (step, price), width, paint);
    }
    for warning in &plan.warnings {
        let _ = writeln!(text, "{} {}", paint.caution("note:"), one_line(warning));
    }
    if !changing.is_empty() || !plan.moves.is_empty() || !plan.warnings.is_empty() {
        text.push('\n');
    }
    let summary = match (plan.steps.is_empty(), plan.warnings.is_empty()) {
        (true, false) => "Nothing to do.".to_owned(),
        _ => summary(plan),
    };
    let _ = writeln!(text, "{}", paint.bold(&summary));
    if let Some(totals) = totals(plan) {
        let _ = writeln!(text, "Cost: {totals}, and what is charged for use.");
    }
    text
}

/// Kept instances are shown only when there is something to say about them.
fn is_shown(step: &Step) -> bool {
    step.action != Action::Keep || !step.because.is_empty()
}

fn step_text(text: &mut String, (step, price): (&Step, Option<String>), width: usize, paint: Paint) {
    let target = &step.target;
    let mut place = format!("{}/{} at {}", target.service.name, target.service_plan.name, target.broker);
    if let Some(price) =
        price.filter(|_| !matches!(step.action, Action::Delete | Action::Retire | Action::Forget))
    {
        let _ = write!(place, ", {price}");
    }
    let _ = writeln!(
        text,
        "  {} {:width$}  {}{}",
        mark(step.action, paint),
        step.reference.as_str(),
        paint.dim(&one_line(&place)),
        if step.action == Action::Retire { ", the earlier one" } else { "" },
    );

    for change in &step.changes {
        let sign = match change.kind {
            ChangeKind::Added => "+",
            ChangeKind::Changed => "~",
            ChangeKind::Removed => "-",
            ChangeKind::KnownAfterApply => "?",
        };
        let shown = match (&change.shown, change.kind) {
            (Some(shown), _) => format!(" = {}", one_line(shown)),
            (None, ChangeKind::KnownAfterApply) => " (known after apply)".to_owned(),
            (None, ChangeKind::Removed) => String::new(),
            (None, _) => " = •••".to_owned(),
        };
        let _ = writeln!(text, "      {sign} {}{}", one_line(&change.field), shown);
    }
    for reason in &step.because {
        let _ = writeln!(text, "      {}", paint.dim(&format!("because {}", one_line(reason))));
    }
}

/// What a service plan costs, by what its catalog says.
fn price(price: &Price) -> String {
    let one = |cost: &Cost| format!("{} {} {}", cost.amount, cost.currency, cost.unit.to_lowercase());
    match (price.costs.as_slice(), price.free) {
        ([], Some(true)) => "free".to_owned(),
        ([], _) => "at a price that is not told".to_owned(),
        (costs, _) => costs.iter().map(one).collect::<Vec<_>>().join(" + "),
    }
}

/// What everything costs in a month, before and after.
fn totals(plan: &Plan) -> Option<String> {
    let one = |total: &Total| {
        let (currency, after) = (one_line(&total.currency), total.monthly_after);
        let change = after - total.monthly_before;
        if change.abs() < 0.005 {
            format!("{after:.2} {currency} a month, as before")
        } else {
            format!("{after:.2} {currency} a month ({change:+.2})")
        }
    };
    (!plan.totals.is_empty()).then(|| plan.totals.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// One line of counts.
pub(crate) fn summary(plan: &Plan) -> String {
    let count = |action: Action| plan.steps.iter().filter(|step| step.action == action).count();
    let mut parts = Vec::new();
    for (action, words) in [
        (Action::Create, "to create"),
        (Action::Update, "to update"),
        (Action::Upgrade, "to upgrade"),
        (Action::Replace, "to replace"),
        (Action::Rebind, "to bind anew"),
        (Action::Rotate, "to rotate"),
        (Action::Record, "to record"),
        (Action::Delete, "to delete"),
        (Action::Forget, "to forget"),
        (Action::Retire, "earlier to delete"),
    ] {
        match count(action) {
            0 => {}
            n => parts.push(format!("{n} {words}")),
        }
    }
    if !plan.moves.is_empty() {
        parts.insert(0, format!("{} to rename", plan.moves.len()));
    }
    let kept = count(Action::Keep);
    if parts.is_empty() {
        return match kept {
            0 => "Nothing is declared and nothing is in state.".to_owned(),
            1 => "Nothing to do: 1 instance is as declared.".to_owned(),
            n => format!("Nothing to do: {n} instances are as declared."),
        };
    }
    if kept > 0 {
        parts.push(format!("{kept} unchanged"));
    }
    format!("Plan: {}.", parts.join(", "))
}

/// Whether applying the plan would change anything.
pub(crate) fn changes_something(plan: &Plan) -> bool {
    plan.changes_anything()
}

#[cfg(test)]
pub(crate) mod tests {
    use sutler_spec::{PlanId, ServiceId};

    use super::*;
    use crate::name::{BrokerName, InstanceRef};
    use crate::plan::{BindingWanted, Change, Price, Target};
    use crate::state::record::Named;

    /// A plan that creates the given shape.
    pub(crate) fn plan_of(shape: &[(&str, &[&str])]) -> Plan {
        let steps = shape.iter().map(|(name, after)| Step {
            reference: InstanceRef::new(name).expect("a ref"),
            action: Action::Create,
            replacement: None,
            target: Target {
                broker: BrokerName::new("edge").expect("a name"),
                service: Named { id: ServiceId::new("s").expect("an id"), name: "cloudflare-d1".to_owned() },
                service_plan: Named { id: PlanId::new("p").expect("an id"), name: "standard".to_owned() },
                price: Price::default(),
            }
            .into(),
            because: vec!["it is not in state".to_owned()],
            changes: vec![
                Change {
                    field: "params.hint".to_owned(),
                    kind: ChangeKind::Added,
                    shown: Some("\"weur\"".to_owned()),
                },
                Change { field: "params.secrets".to_owned(), kind: ChangeKind::Added, shown: None },
            ],
            binding: BindingWanted::Wanted,
            after: after.iter().map(|name| InstanceRef::new(name).expect("a ref")).collect(),
            after_retirement_of: Vec::new(),
        });
        Plan { stack: "shop".to_owned(), steps: steps.collect(), ..Plan::default() }
    }

    #[test]
    fn prices_are_a_column_where_any_is_named_and_their_sum_is_told() {
        let mut plan = plan_of(&[("db", &[]), ("api-token", &["db"])]);
        let cost = Cost { currency: "USD".to_owned(), amount: 5.0, unit: "MONTHLY".to_owned() };
        let mut target = (*plan.steps[0].target).clone();
        target.price = Price { free: Some(false), costs: vec![cost] };
        plan.steps[0].target = target.into();
        let total = Total { currency: "USD".to_owned(), monthly_before: 0.0, monthly_after: 5.0 };
        plan.totals = vec![total];
        let text = super::plan(&plan, Paint::PLAIN);
        assert!(text.contains("cloudflare-d1/standard at edge, 5 USD monthly"), "{text}");
        assert!(text.contains("cloudflare-d1/standard at edge, at a price that is not told"), "{text}");
        assert!(text.contains("Cost: 5.00 USD a month (+5.00), and what is charged for use."), "{text}");
    }

    #[test]
    fn a_plan_is_read_at_a_glance() {
        let text = plan(&plan_of(&[("db", &[]), ("api-token", &["db"])]), Paint::PLAIN);
        let expected = "  + db         cloudflare-d1/standard at edge
      + params.hint = \"weur\"
      + params.secrets = •••
      because it is not in state
  + api-token  cloudflare-d1/standard at edge
      + params.hint = \"weur\"
      + params.secrets = •••
      because it is not in state

Plan: 2 to create.
";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_empty_plan_says_so() {
        assert_eq!(summary(&plan_of(&[])), "Nothing is declared and nothing is in state.");
    }

    #[test]
    fn a52_a_peer_cannot_move_the_cursor_or_turn_the_text_around() {
        assert_eq!(one_line("a\u{1b}[2J\r\n\u{202e}b\u{9b}"), "a\u{fffd}[2J\u{fffd} \u{fffd}b\u{fffd}");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(Duration::from_millis(7)), "7ms");
        assert_eq!(duration(Duration::from_millis(1234)), "1.2s");
        assert_eq!(duration(Duration::from_secs(125)), "2m05s");
    }
}
