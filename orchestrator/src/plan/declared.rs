//! The plan that makes what exists what is declared: producers first, one instance at a time.

use std::{cell::LazyCell, sync::Arc};

use super::{
    Action, BindingWanted, PlanInput, Protection, Reach, Step,
    change::changes,
    decide::{Decision, Facts, decide},
    expiry,
    facts::{Case, Effect},
    input::Draft,
    moved,
    offer::{Offer, Offers},
    output::{DASHBOARD, Outputs},
    parameters::Difference,
    removal::{self, Fate, Removal},
    retirement, rotation, secret,
    survey::Survey,
    upgrade, validate, warn,
};
use crate::{
    config::{At, Declaration, Finding, Replacement},
    digest::Inputs,
    name::InstanceRef,
    state::record::InstanceRecord,
};

/// No offer: it was not found, or nobody asked.
const NONE: u32 = u32::MAX;

/// Plans an apply.
pub(super) fn plan(input: &PlanInput<'_>, draft: &mut Draft) {
    let survey = Survey::new(input, draft);
    let fates = Removal { input, survey: &survey }.fates(draft);
    let mut offers = Offers::new(input);
    let declarations = || input.config.instances.values().enumerate();
    let offer_of: Vec<u32> = declarations()
        .map(|(position, declaration)| match survey.is_selected(position) {
            true => offers.find(declaration, draft).unwrap_or(NONE),
            false => NONE,
        })
        .collect();
    let size = input.config.instances.len();
    let mut planner = Planner {
        input,
        survey: &survey,
        offers: &offers,
        offer_of,
        asked: vec![false; size],
        effects: vec![Effect::Settled; size],
        places: input.config.landing_places(),
        guarded: None,
        draft,
    };
    planner.follow_uses();
    planner.keep_credentials(&fates);
    planner.steps();
    planner.offer_moves();
    let declared: Vec<bool> = (0..size).map(|position| survey.is_selected(position)).collect();
    let users = LazyCell::new(|| removal::recorded_graph(&survey));
    removal::steps(&survey, (&users, &fates), &declared, draft);
    retirement::steps(input, &survey, (&users, &fates), draft);
    if input.options.reach == Reach::Needs {
        upgrade::announce(input, &survey, draft);
        expiry::announce(input, &survey, draft);
    }
}

/// A new instance, and what it is compared by.
pub(super) struct Creation<'c> {
    pub(super) reference: &'c InstanceRef,
    /// Whether a record is of the same offering and plan, and was asked for with the same parameters.
    pub(super) is_like: Box<dyn Fn(&InstanceRecord) -> bool + 'c>,
}

struct Planner<'p> {
    input: &'p PlanInput<'p>,
    survey: &'p Survey<'p>,
    offers: &'p Offers<'p>,
    offer_of: Vec<u32>,
    /// Whether somebody uses the credentials of a declared instance.
    asked: Vec<bool>,
    effects: Vec<Effect>,
    /// Where variables land.
    places: String,
    /// What a protected instance needs; worked out when first asked for.
    guarded: Option<Vec<bool>>,
    draft: &'p mut Draft,
}

impl<'p> Planner<'p> {
    fn offer(&self, position: usize) -> Option<&'p Offer<'p>> {
        let number = self.offer_of[position];
        (number != NONE).then(|| self.offers.get(number))
    }

    /// Finds whom each use refers to, and whether what it names will be there.
    fn follow_uses(&mut self) {
        for (position, declaration) in self.input.config.instances.values().enumerate() {
            for (used, target) in declaration.uses.iter().zip(self.input.config.targets(position)) {
                self.asked[*target as usize] |= used.key != DASHBOARD;
                let is_selected = self.survey.is_selected(position);
                if let (true, Some(outputs)) = (is_selected, self.outputs(*target as usize)) {
                    outputs.check_use(&declaration.reference, used, self.draft);
                }
            }
            if self.survey.is_selected(position) {
                secret::check(self.input.config, declaration, self.draft);
            }
            if let (false, Some(outputs)) = (declaration.bind.is_empty(), self.outputs(position)) {
                for key in declaration.bind.keys() {
                    self.asked[position] |= key != DASHBOARD;
                    outputs.check_variable(key, self.draft);
                }
            }
        }
    }

    fn outputs(&self, position: usize) -> Option<Outputs<'p>> {
        let (reference, _) = self.input.config.instances.get_index(position)?;
        Some(Outputs { reference, offer: self.offer(position)?, record: self.survey.record(position) })
    }

    /// What is kept although it is not declared goes on using what it was made with.
    fn keep_credentials(&mut self, fates: &[Fate]) {
        for (record, _) in
            self.survey.records.iter().zip(fates).filter(|(_, fate)| matches!(fate, Fate::Kept(_)))
        {
            for position in record.needs.iter().filter_map(|need| self.survey.position(need.as_str())) {
                self.asked[position] = true;
            }
        }
    }

    fn steps(&mut self) {
        let mut inputs = Inputs::new(self.input.ring);
        let order = self.input.config.order();
        self.draft.steps.reserve(order.len());
        for position in order.iter().map(|position| *position as usize) {
            let Some((_, declaration)) = self.input.config.instances.get_index(position) else { continue };
            let Some(offer) = self.offer(position) else { continue };
            let step = self.step((position, declaration), offer, &mut inputs);
            self.draft.steps.push(step);
        }
    }

    fn step(
        &mut self,
        (position, declaration): (usize, &'p Declaration),
        offer: &'p Offer<'p>,
        inputs: &mut Inputs<'_>,
    ) -> Step {
        let wanted = match self.asked[position] && offer.is_bindable() {
            true => BindingWanted::Wanted,
            false => BindingWanted::NotWanted,
        };
        let case = Case {
            survey: self.survey,
            position,
            declaration,
            offer,
            ring: self.input.ring,
            record: self.survey.record(position),
            wanted,
            effects: &self.effects,
            places: &self.places,
            targets: self.input.config.targets(position),
        };
        let (facts, differences) = case.facts(inputs);
        let decision = self.decided(&case, &facts);
        let changes = match decision.action {
            Action::Keep => Vec::new(),
            action => changes(&case, action, &facts, &differences),
        };
        let effect = effect(decision.action, &facts);
        complain(&case, decision.action, &differences, self.draft);
        self.draft.warnings.extend(warn::warnings(&case, self.offers_of(&case), decision.action, &facts));
        let mut because = decision.because;
        let rigid: Vec<String> = facts
            .rigid
            .iter()
            .map(|(key, why)| format!("replaced if {key} has changed with it, since {why}"))
            .collect();
        let mut replacement = None;
        if decision.action == Action::Replace {
            self.refuse_to_replace(position, &because);
            let (how, said) = how_to_replace(declaration, offer);
            because.extend(said.map(str::to_owned));
            replacement = Some(how);
        } else if !rigid.is_empty() && self.may_be_replaced(position) {
            because.extend(rigid);
            replacement = Some(how_to_replace(declaration, offer).0);
        }
        self.effects[position] = effect;
        Step {
            reference: declaration.reference.clone(),
            action: decision.action,
            replacement,
            target: Arc::clone(&offer.target),
            because,
            changes,
            binding: wanted,
            after_retirement_of: Vec::new(),
            after: self
                .input
                .config
                .graph
                .needs(position as u32)
                .iter()
                .filter_map(|need| Some(self.input.config.instances.get_index(*need as usize)?.0.clone()))
                .collect(),
        }
    }

    /// Tells of new instances that are like one that is not declared any more.
    fn offer_moves(&mut self) {
        let survey = self.survey;
        let undeclared: Vec<&InstanceRecord> =
            survey.undeclared.iter().map(|at| &survey.records[*at]).collect();
        if undeclared.is_empty() || survey.is_partial() {
            return;
        }
        let mut created = Vec::new();
        for (position, declaration) in self.input.config.instances.values().enumerate() {
            if let (None, Some(offer)) = (survey.record(position), self.offer(position)) {
                let (ring, effects, places) = (self.input.ring, &self.effects, self.places.as_str());
                let targets = self.input.config.targets(position);
                let wanted = BindingWanted::NotWanted;
                let case = Case {
                    survey,
                    position,
                    declaration,
                    offer,
                    record: None,
                    ring,
                    wanted,
                    effects,
                    places,
                    targets,
                };
                let is_like = Box::new(move |record: &InstanceRecord| case.is_like(record, ring));
                created.push(Creation { reference: &declaration.reference, is_like });
            }
        }
        moved::offers(&created, &undeclared, self.draft);
    }

    fn decided(&self, case: &Case<'_>, facts: &Facts<'_>) -> Decision {
        let (decision, options) = (decide(facts), &self.input.options);
        match options.rotate.contains(&case.declaration.reference) {
            true => rotation::turned(options, case.record, decision),
            false => decision,
        }
    }

    /// The offers of what the uses refer to.
    fn offers_of(&self, case: &Case<'_>) -> impl Iterator<Item = Option<&'p Offer<'p>>> {
        case.targets.iter().map(|target| self.offer(*target as usize))
    }

    fn is_protected(&self, position: usize) -> bool {
        let declared = self.input.config.instances.get_index(position);
        declared.is_some_and(|(_, declaration)| declaration.protected)
            || self.survey.record(position).is_some_and(|record| record.protected)
    }

    /// Whether protection forbids to replace it: its own, or that of something that needs it (I-05).
    fn is_guarded(&mut self, position: usize) -> bool {
        if self.input.options.protection == Protection::Overridden {
            return false;
        }
        if self.guarded.is_none() {
            self.guarded = Some(guarded(self.input, |at| self.is_protected(at)));
        }
        self.guarded.as_ref().is_some_and(|guarded| guarded[position])
    }

    /// Whether it may be replaced although nobody asked for that.
    fn may_be_replaced(&mut self, position: usize) -> bool {
        let declared = self.input.config.instances.get_index(position);
        declared.is_some_and(|(_, declaration)| declaration.replace != Some(Replacement::Never))
            && !self.is_guarded(position)
    }

    /// Protection holds for an instance and for everything it needs (I-05).
    fn refuse_to_replace(&mut self, position: usize, because: &[String]) {
        let Some((reference, declaration)) = self.input.config.instances.get_index(position) else { return };
        if declaration.replace == Some(Replacement::Never) {
            let message =
                format!("{reference} cannot be changed so, and is never replaced: {}", because.join("; "));
            let at = At::value(&["instances", reference.as_str(), "replace"]);
            let help = "undo the change, or let it be replaced: replace: create_first, or delete_first";
            self.draft.findings.push(Finding::new(message).at(at).help(help));
            return;
        }
        if !self.is_guarded(position) {
            return;
        }
        let who =
            if self.is_protected(position) { "it is protected" } else { "a protected instance needs it" };
        let message = format!("{reference} would be replaced, but {who}: {}", because.join("; "));
        let finding = Finding::new(message).at(At::key(&["instances", reference.as_str()]));
        self.draft.findings.push(finding.help("undo the change, or allow the loss with --force"));
    }
}

/// How it is replaced, and what made it so, unless that is the rule.
fn how_to_replace(declaration: &Declaration, offer: &Offer<'_>) -> (Replacement, Option<&'static str>) {
    match declaration.replace {
        Some(Replacement::DeleteFirst) => (
            Replacement::DeleteFirst,
            Some("the configuration says delete_first: the old one is deleted first"),
        ),
        Some(how) => (how, None),
        None if sutler_catalog::is_exclusive(offer.offering) => (
            Replacement::DeleteFirst,
            Some("the catalog says that two of them exclude each other: the old one is deleted first"),
        ),
        None => (Replacement::CreateFirst, None),
    }
}

/// Every position that is protected or that something protected needs.
fn guarded(input: &PlanInput<'_>, is_protected: impl Fn(usize) -> bool) -> Vec<bool> {
    let graph = &input.config.graph;
    let mut guarded: Vec<bool> = (0..graph.len()).map(is_protected).collect();
    for position in input.config.order().iter().rev() {
        if guarded[*position as usize] {
            graph.needs(*position).iter().for_each(|need| guarded[*need as usize] = true);
        }
    }
    guarded
}

fn effect(action: Action, facts: &Facts<'_>) -> Effect {
    match action {
        Action::Create | Action::Replace => Effect::Renewed,
        Action::Update | Action::Rebind | Action::Rotate => Effect::Touched,
        _ if !facts.touched.is_empty() => Effect::Touched,
        _ => Effect::Settled,
    }
}

fn complain(case: &Case<'_>, action: Action, differences: &[Difference<'_>], draft: &mut Draft) {
    if matches!(action, Action::Create | Action::Update | Action::Replace) {
        validate::check(case, action, differences, draft);
    }
}
