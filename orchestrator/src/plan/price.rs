//! What it costs: `free` and `metadata.costs` of service plans, as catalogs tell them. Nothing is estimated.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sutler_spec::{PlanId, ServicePlan};

use super::{Action, PlanInput, Step, input::Draft};
use crate::{config::Finding, name::BrokerName};

/// What a service plan costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Whether it is free of charge; nothing when the catalog does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<bool>,
    /// Each amount that is charged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<Cost>,
}

/// One amount that is charged for each unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The currency, in upper case.
    pub currency: String,
    /// How much for one unit.
    pub amount: f64,
    /// What a unit is, in the catalog's word, such as `MONTHLY`.
    pub unit: String,
}

/// What everything costs in one currency, as long as it is there: what is charged for use comes on top.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Total {
    /// The currency, in upper case.
    pub currency: String,
    /// For a month, before the plan is carried out.
    pub monthly_before: f64,
    /// For a month, afterwards.
    pub monthly_after: f64,
}

/// What may be spent at most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// So much for a month.
    pub monthly: f64,
    /// In this currency, in upper case.
    pub currency: String,
}

impl Budget {
    /// Reads an amount and a currency, such as `50`, `50usd` or `49.90 EUR`; dollars when it says none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let monthly: f64 = text[..end].parse().ok()?;
        let currency = match text[end..].trim() {
            "" => "USD".to_owned(),
            word if word.len() == 3 && word.chars().all(|c| c.is_ascii_alphabetic()) => {
                word.to_ascii_uppercase()
            }
            _ => return None,
        };
        monthly.is_finite().then_some(Self { monthly, currency })
    }
}

/// Hours in a month: a twelfth of a year.
const HOURS: f64 = 730.0;

impl Cost {
    /// What it comes to in a month, where it is charged for time and not for use.
    #[must_use]
    pub fn monthly(&self) -> Option<f64> {
        let unit = self.unit.to_ascii_lowercase();
        let unit = unit.trim_start_matches("per ").trim_start_matches('/').trim();
        let months = match unit {
            "month" | "months" | "monthly" => 1.0,
            "year" | "years" | "yearly" | "annually" | "annual" => 1.0 / 12.0,
            "day" | "days" | "daily" => HOURS / 24.0,
            "hour" | "hours" | "hourly" => HOURS,
            _ => return None,
        };
        Some(self.amount * months)
    }
}

impl Price {
    /// What a plan of a catalog says that it costs.
    #[must_use]
    pub fn of(plan: &ServicePlan) -> Self {
        let listed = plan.metadata.get("costs").and_then(Value::as_array);
        let costs = listed.into_iter().flatten().flat_map(|cost| {
            let unit = cost.get("unit").and_then(Value::as_str).unwrap_or_default().to_owned();
            let amounts = cost.get("amount").and_then(Value::as_object).into_iter().flatten();
            amounts.filter_map(move |(currency, amount)| {
                let (currency, unit) = (currency.to_ascii_uppercase(), unit.clone());
                Some(Cost { currency, amount: amount.as_f64()?, unit })
            })
        });
        Self { free: plan.free, costs: costs.collect() }
    }
}

/// Adds up what is there before and after, and refuses what exceeds the budget. Catalogs without prices cost nothing,
/// and no time.
pub(super) fn total(input: &PlanInput<'_>, draft: &mut Draft) {
    let mut prices: HashMap<(&BrokerName, &PlanId), Price> = HashMap::new();
    for (broker, index) in input.catalogs {
        for plan in index.offerings().flat_map(|offering| &offering.plans) {
            let price = Price::of(plan);
            if !price.costs.is_empty() {
                prices.insert((broker, &plan.id), price);
            }
        }
    }
    if prices.is_empty() && input.options.budget.is_none() {
        return;
    }
    let mut totals: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for record in input.records {
        if let Some(price) = prices.get(&(&record.broker, &record.service_plan.id)) {
            add(price, &mut totals, |(before, _)| before);
        }
    }
    for step in draft.steps.iter().filter(|step| stays(step)) {
        let target = &step.target;
        if let Some(price) = prices.get(&(&target.broker, &target.service_plan.id)) {
            add(price, &mut totals, |(_, after)| after);
        }
    }
    if input.options.targets.is_empty() {
        draft.totals = totals
            .into_iter()
            .map(|(currency, (monthly_before, monthly_after))| Total {
                currency,
                monthly_before,
                monthly_after,
            })
            .collect();
    }
    if let Some(budget) = &input.options.budget {
        keep_to(budget, draft);
    }
}

fn add(price: &Price, totals: &mut BTreeMap<String, (f64, f64)>, side: impl Fn(&mut (f64, f64)) -> &mut f64) {
    for cost in &price.costs {
        if let Some(monthly) = cost.monthly() {
            *side(totals.entry(cost.currency.clone()).or_default()) += monthly;
        }
    }
}

fn stays(step: &Step) -> bool {
    !matches!(step.action, Action::Delete | Action::Forget | Action::Retire)
}

fn keep_to(budget: &Budget, draft: &mut Draft) {
    if let Some(other) = draft.totals.iter().find(|total| total.currency != budget.currency) {
        let (ours, theirs) = (&budget.currency, &other.currency);
        let message =
            format!("the budget is in {ours}, and something is charged in {theirs}: they are not compared");
        draft.warnings.push(message);
    }
    let Some(total) = draft.totals.iter().find(|total| total.currency == budget.currency) else { return };
    if total.monthly_after > budget.monthly {
        let message = format!(
            "this would cost {:.2} {currency} a month, and {:.2} {currency} are allowed",
            total.monthly_after,
            budget.monthly,
            currency = budget.currency
        );
        let help =
            format!("it is {:.2} now; choose smaller plans, or another --budget", total.monthly_before);
        draft.findings.push(Finding::new(message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_counted_in_months_and_use_is_not() {
        let monthly =
            |amount, unit: &str| Cost { currency: "USD".to_owned(), amount, unit: unit.to_owned() }.monthly();
        for (unit, amount, expected) in [
            ("MONTHLY", 5.0, Some(5.0)),
            ("per month", 5.0, Some(5.0)),
            ("Yearly", 120.0, Some(10.0)),
            ("HOURLY", 0.01, Some(7.3)),
            ("daily", 24.0, Some(730.0)),
            ("1GB of messages over 20GB", 0.99, None),
            ("", 1.0, None),
        ] {
            let found = monthly(amount, unit).map(|found| (found * 1000.0).round() / 1000.0);
            assert_eq!(found, expected, "{unit}");
        }
    }

    #[test]
    fn a_budget_is_an_amount_and_a_currency() {
        let budget = |monthly, currency: &str| Some(Budget { monthly, currency: currency.to_owned() });
        for (text, expected) in [
            ("50", budget(50.0, "USD")),
            ("49.90eur", budget(49.9, "EUR")),
            (" 7 CHF ", budget(7.0, "CHF")),
            ("free", None),
            ("-5", None),
            ("5 euros", None),
            ("1.2.3", None),
            ("", None),
        ] {
            assert_eq!(Budget::parse(text), expected, "{text:?}");
        }
    }
}
