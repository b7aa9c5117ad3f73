//! What happens to one instance: facts in, action and reasons out. A table.

use sutler_spec::InstanceId;

use super::Action;

/// Everything the decision depends on.
#[derive(Debug)]
pub(super) struct Facts<'f> {
    /// Where its record stands.
    pub(super) standing: Standing<'f>,
    /// It is to be another offering, or at another broker: what was and what will be.
    pub(super) moved: Option<(String, String)>,
    /// It is to be on another plan: what was, what will be, and whether that can be changed in place.
    pub(super) service_plan: Option<(&'f str, &'f str, InPlace)>,
    /// Parameters that differ, or may differ, in the order written.
    pub(super) parameters: Vec<(&'f str, InPlace)>,
    /// Parameters that were found changed at the vendor, and can be put right in place.
    pub(super) drifted: Vec<&'f str>,
    /// The name was another.
    pub(super) name: Option<(&'f str, InPlace)>,
    /// What has to happen to its binding.
    pub(super) binding: Binding,
    /// What is to be written down differently and concerns no broker.
    pub(super) written: Vec<&'static str>,
    /// Producers that will be changed; what they yield may change with them.
    pub(super) touched: Vec<&'f str>,
    /// Parameters that may change with those and that no update takes, and why not.
    pub(super) rigid: Vec<(&'f str, &'static str)>,
}

/// Where a record stands, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing<'f> {
    /// There is none.
    Absent,
    /// Its creation was begun, with what is asked for now or with something else.
    Unfinished(&'f InstanceId, Begun),
    /// It may exist and is of no use.
    Doubtful(&'f InstanceId),
    /// Its deletion was begun.
    Leaving(&'f InstanceId),
    /// It exists, and a change of it was begun.
    Changing,
    /// It exists.
    Ready,
}

/// What a creation was begun with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// What is asked for now.
    Alike,
    /// Something else.
    Otherwise,
}

/// Whether a change can be made in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InPlace {
    /// It can.
    Possible,
    /// It cannot, for this reason.
    Not(&'static str),
}

/// What has to happen to a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// Nothing.
    Settled,
    /// It is to be made.
    Missing,
    /// It was begun, and is finished or made anew.
    Unfinished,
    /// It is to be removed.
    Superfluous,
}

/// What happens, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) action: Action,
    pub(super) because: Vec<String>,
}

/// Decides.
pub(super) fn decide(facts: &Facts<'_>) -> Decision {
    let because = |action: Action, reason: String| Decision { action, because: vec![reason] };
    match facts.standing {
        Standing::Absent => because(Action::Create, "it is not there yet".to_owned()),
        Standing::Unfinished(id, Begun::Alike) if facts.moved.is_none() => {
            because(Action::Create, format!("finishes provisioning begun earlier ({id})"))
        }
        Standing::Unfinished(id, _) => because(
            Action::Create,
            format!("the unfinished {id} was asked for otherwise and is deleted first"),
        ),
        Standing::Doubtful(id) => {
            because(Action::Create, format!("{id} did not become ready and may exist; it is deleted first"))
        }
        Standing::Leaving(id) => {
            because(Action::Create, format!("the deletion of {id} was begun and is finished first"))
        }
        Standing::Changing | Standing::Ready => {
            let replace = reasons_to_replace(facts);
            if replace.is_empty() {
                decide_in_place(facts)
            } else {
                Decision { action: Action::Replace, because: replace }
            }
        }
    }
}

fn reasons_to_replace(facts: &Facts<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some((from, to)) = &facts.moved {
        reasons.push(format!("it moves from {from} to {to}"));
    }
    if let Some((from, to, InPlace::Not(why))) = facts.service_plan {
        reasons.push(format!("the plan changes from {from} to {to}, and {why}"));
    }
    for (key, in_place) in &facts.parameters {
        if let InPlace::Not(why) = in_place {
            reasons.push(format!("{key} changes, and {why}"));
        }
    }
    reasons
}

fn decide_in_place(facts: &Facts<'_>) -> Decision {
    let mut because = Vec::new();
    if facts.standing == Standing::Changing {
        because.push("finishes the change begun earlier".to_owned());
    }
    if let Some((from, to, _)) = facts.service_plan {
        because.push(format!("the plan changes from {from} to {to}"));
    }
    if !facts.parameters.is_empty() {
        let keys: Vec<&str> = facts.parameters.iter().map(|(key, _)| *key).collect();
        let verb = if keys.len() == 1 { "changes" } else { "change" };
        because.push(format!("{} {verb}", keys.join(", ")));
    }
    because.extend(facts.drifted.iter().map(|key| format!("{key} was changed at the vendor")));
    if let Some((from, InPlace::Possible)) = facts.name {
        because.push(format!("the name was {from}"));
    }
    let update = !because.is_empty();
    match facts.binding {
        Binding::Settled => {}
        Binding::Missing => because.push("its credentials are wanted and not there yet".to_owned()),
        Binding::Unfinished => because.push("its binding was begun and is not there yet".to_owned()),
        Binding::Superfluous => because.push("nobody uses its credentials any more".to_owned()),
    }
    let rebind = facts.binding != Binding::Settled;
    because.extend(facts.written.iter().map(|what| format!("{what} written down")));
    let record = !facts.written.is_empty();
    because
        .extend(facts.touched.iter().map(|producer| format!("looked at again once @{producer} has changed")));
    let action = match (update, rebind, record) {
        (true, ..) => Action::Update,
        (_, true, _) => Action::Rebind,
        (_, _, true) => Action::Record,
        _ => Action::Keep,
    };
    Decision { action, because }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: InPlace = InPlace::Not("no");

    fn facts(standing: Standing<'_>) -> Facts<'_> {
        Facts {
            standing,
            moved: None,
            service_plan: None,
            parameters: Vec::new(),
            drifted: Vec::new(),
            name: None,
            binding: Binding::Settled,
            written: Vec::new(),
            touched: Vec::new(),
            rigid: Vec::new(),
        }
    }

    #[test]
    fn what_is_not_ready_is_created() {
        let id = InstanceId::new("i-1").unwrap();
        for (standing, because) in [
            (Standing::Absent, "it is not there yet"),
            (Standing::Unfinished(&id, Begun::Alike), "finishes provisioning begun earlier (i-1)"),
            (
                Standing::Unfinished(&id, Begun::Otherwise),
                "the unfinished i-1 was asked for otherwise and is deleted first",
            ),
            (Standing::Doubtful(&id), "i-1 did not become ready and may exist; it is deleted first"),
            (Standing::Leaving(&id), "the deletion of i-1 was begun and is finished first"),
        ] {
            let decision = Decision { action: Action::Create, because: vec![because.to_owned()] };
            assert_eq!(decide(&facts(standing)), decision);
        }
    }

    #[test]
    fn the_strongest_reason_decides_what_happens_to_what_is_ready() {
        let base = || facts(Standing::Ready);
        let plan = |in_place| Facts { service_plan: Some(("a", "b", in_place)), ..base() };
        let parameter = |in_place| Facts { parameters: vec![("size", in_place)], ..base() };
        for (facts, action) in [
            (base(), Action::Keep),
            (Facts { touched: vec!["db"], ..base() }, Action::Keep),
            (Facts { name: Some(("old", NO)), ..base() }, Action::Keep),
            (Facts { written: vec!["protection is"], ..base() }, Action::Record),
            (Facts { binding: Binding::Missing, written: vec!["x"], ..base() }, Action::Rebind),
            (Facts { binding: Binding::Unfinished, ..base() }, Action::Rebind),
            (Facts { binding: Binding::Superfluous, ..base() }, Action::Rebind),
            (
                Facts { name: Some(("old", InPlace::Possible)), binding: Binding::Missing, ..base() },
                Action::Update,
            ),
            (parameter(InPlace::Possible), Action::Update),
            (Facts { drifted: vec!["size"], ..base() }, Action::Update),
            (plan(InPlace::Possible), Action::Update),
            (facts(Standing::Changing), Action::Update),
            (parameter(NO), Action::Replace),
            (plan(NO), Action::Replace),
            (
                Facts { moved: Some(("a/x".into(), "b/x".into())), ..parameter(InPlace::Possible) },
                Action::Replace,
            ),
            (Facts { standing: Standing::Changing, ..plan(NO) }, Action::Replace),
        ] {
            let decision = decide(&facts);
            assert_eq!(decision.action, action, "{facts:?}");
            assert_eq!(decision.because.is_empty(), action == Action::Keep && facts.touched.is_empty());
        }
    }

    #[test]
    fn every_reason_is_told() {
        let facts = Facts {
            parameters: vec![("a", InPlace::Possible), ("b", NO), ("c", NO)],
            service_plan: Some(("small", "big", NO)),
            ..facts(Standing::Ready)
        };
        assert_eq!(
            decide(&facts).because,
            ["the plan changes from small to big, and no", "b changes, and no", "c changes, and no"]
        );
    }
}
