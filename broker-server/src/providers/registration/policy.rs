//! What the operator lets people buy, and whether a price is within what was confirmed. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sutler_catalog::domain::amount::Amount;

use super::registrar::{Limit, Price, Quote};
use crate::{
    config::RegistrationPolicy,
    expense::Limits,
    providers::{ProviderError, Refusal},
};

/// How often, at most, an order is looked at that waits for a third party, which takes hours or days.
const BLOCKED_EVERY: Duration = Duration::from_secs(15 * 60);

/// What may be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The extensions, without a dot before them, such as `com` or `co.uk`.
    pub extensions: Vec<String>,
    /// The most that one registration may cost, whatever its buyer confirms: amount and currency.
    pub at_most: Option<(Amount, String)>,
    /// The most that all registrations of a month may cost, and in which currency.
    pub monthly: Option<(Limits, String)>,
    /// How often, at most, an order is looked at that waits for a third party.
    pub blocked_every: Duration,
}

impl From<&RegistrationPolicy> for Policy {
    fn from(said: &RegistrationPolicy) -> Self {
        let RegistrationPolicy { extensions, at_most, monthly } = said.clone();
        Self { extensions, at_most, monthly, ..Self::default() }
    }
}

/// Nothing may be bought.
impl Default for Policy {
    fn default() -> Self {
        Self { extensions: Vec::new(), at_most: None, monthly: None, blocked_every: BLOCKED_EVERY }
    }
}

/// What an order costs in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) amount: Amount,
    pub(super) currency: String,
}

impl Cost {
    /// Whether it is the same money, and no more of it.
    pub(super) fn is_within(&self, most: &Self) -> bool {
        self.currency == most.currency && self.amount <= most.amount
    }
}

impl Policy {
    /// The most that may be spent in a month.
    pub(super) fn limits(&self) -> Limits {
        self.monthly.as_ref().map(|(limits, _)| *limits).unwrap_or_default()
    }

    /// What is wrong with a domain, if something is. An extension may have a dot in it; what is before it may not.
    pub(super) fn problem(&self, domain: &str) -> Option<String> {
        let is_below = |extension: &String| {
            let label = domain.strip_suffix(extension.as_str()).and_then(|rest| rest.strip_suffix('.'));
            label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
        };
        if self.extensions.iter().any(is_below) {
            return None;
        }
        let allowed = self.extensions.join(", ");
        Some(format!(
            "domain: it has to be one name directly below an extension that is allowed here: {allowed}"
        ))
    }
}

/// What an order would cost in all, if it may be given.
pub(super) fn affordable(
    quote: Quote,
    (domain, years): (&str, u8),
    limit: Option<&Limit>,
    policy: &Policy,
) -> Result<Cost, ProviderError> {
    let unsupported = |what: String| ProviderError::refused(Refusal::Unsupported, what);
    let price = match quote {
        Quote::For(price) => price,
        Quote::Taken => {
            let what =
                format!("domain: {domain} is registered already, and not by this instance; choose another");
            return Err(ProviderError::refused(Refusal::Conflict, what));
        }
        Quote::Premium => {
            return Err(unsupported(format!(
                "domain: {domain} is sold at a premium, and such names are not bought here; buy it by hand and adopt it"
            )));
        }
        Quote::NotSold => {
            return Err(unsupported(format!(
                "domain: the registrar does not sell names like {domain} through its interface"
            )));
        }
        Quote::Unclear => {
            return Err(unsupported(format!(
                "domain: the registrar does not sell {domain}; look for it in its dashboard"
            )));
        }
    };
    let total = total(&price, years)
        .ok_or_else(|| unsupported(format!("years: what {domain} costs for {years} years is no amount")))?;
    let Some(limit) = limit else {
        return Err(unsupported("accept_charges: has to be true, since this costs money".to_owned()));
    };
    within(total, &price.currency, (limit.amount, &limit.currency), "max_registration_cost")
        .map_err(unsupported)?;
    if let Some((amount, currency)) = &policy.at_most {
        let what = "the limit that the operator of the broker has set";
        within(total, &price.currency, (*amount, currency), what).map_err(unsupported)?;
    }
    if let Some((_, currency)) = &policy.monthly
        && *currency != price.currency
    {
        let what = format!(
            "currency: the price is in {}, and the operator's limit of a month in {currency}; nothing was ordered",
            price.currency
        );
        return Err(unsupported(what));
    }
    Ok(Cost { amount: total, currency: price.currency })
}

/// The price of all years. A later year is never taken for cheaper than the first: registrars do not say which price holds
/// when several years are bought at once, so the higher one has to be affordable.
fn total(price: &Price, years: u8) -> Option<Amount> {
    let later = price.first_year.max(price.later_year);
    let later = later.times(years.checked_sub(1)?)?;
    price.first_year.plus(later)
}

fn within(total: Amount, currency: &str, (most, of): (Amount, &str), name: &str) -> Result<(), String> {
    if currency != of {
        return Err(format!("currency: the price is in {currency}, and {name} in {of}; nothing was ordered"));
    }
    if total > most {
        return Err(format!(
            "max_registration_cost: the price is {total} {currency}, more than {name} of {most} {of}; nothing was ordered"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn price(first: &str, later: &str) -> Quote {
        let (first_year, later_year) = (amount(first), amount(later));
        Quote::For(Price { first_year, later_year, currency: "USD".to_owned() })
    }

    fn limit(amount_of: &str) -> Limit {
        Limit { amount: amount(amount_of), currency: "USD".to_owned() }
    }

    fn policy() -> Policy {
        Policy { extensions: vec!["com".to_owned(), "co.uk".to_owned()], ..Policy::default() }
    }

    fn told(quote: Quote, years: u8, limit: Option<&Limit>, policy: &Policy) -> String {
        match affordable(quote, ("example.com", years), limit, policy) {
            Ok(cost) => format!("buys for {}", cost.amount),
            Err(ProviderError::Refused { description, .. }) => description,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_price_is_compared_to_the_last_digit_and_never_as_text() {
        for (first, most, buys) in [
            ("9.99", "10", true),
            ("10.00", "10", true),
            ("10.01", "10", false),
            ("9", "10.00", true),
            ("100", "20", false),
        ] {
            let told = told(price(first, "1"), 1, Some(&limit(most)), &policy());
            assert_eq!(told.starts_with("buys"), buys, "{first} of {most}: {told}");
        }
    }

    #[test]
    fn several_years_cost_the_higher_price_for_each_later_one() {
        assert_eq!(told(price("5", "10"), 3, Some(&limit("25")), &policy()), "buys for 25.00");
        assert_eq!(told(price("10", "5"), 3, Some(&limit("30")), &policy()), "buys for 30.00");
        assert!(
            told(price("10", "5"), 3, Some(&limit("29.99")), &policy()).starts_with("max_registration_cost")
        );
        assert!(told(price("999999999", "999999999"), 0, Some(&limit("1")), &policy()).starts_with("years"));
    }

    #[test]
    fn without_both_confirmations_nothing_is_bought() {
        assert!(told(price("1", "1"), 1, None, &policy()).starts_with("accept_charges"));
        let euros = Limit { currency: "EUR".to_owned(), ..limit("100") };
        assert!(told(price("1", "1"), 1, Some(&euros), &policy()).starts_with("currency"));
    }

    #[test]
    fn the_operators_limit_holds_whatever_the_buyer_confirms() {
        let strict = Policy { at_most: Some((amount("5"), "USD".to_owned())), ..policy() };
        assert!(told(price("5.01", "1"), 1, Some(&limit("100")), &strict).contains("operator"));
        assert_eq!(told(price("5", "1"), 1, Some(&limit("100")), &strict), "buys for 5.00");
        let other = Policy { at_most: Some((amount("5"), "EUR".to_owned())), ..policy() };
        assert!(told(price("1", "1"), 1, Some(&limit("100")), &other).starts_with("currency"));
    }

    #[test]
    fn a_price_in_other_money_than_the_limit_of_a_month_is_not_paid() {
        let monthly =
            |currency: &str| Policy { monthly: Some((Limits::default(), currency.to_owned())), ..policy() };
        assert!(told(price("1", "1"), 1, Some(&limit("100")), &monthly("EUR")).starts_with("currency"));
        assert_eq!(told(price("1", "1"), 1, Some(&limit("100")), &monthly("USD")), "buys for 1.00");
    }

    #[test]
    fn what_cannot_be_bought_is_refused_in_our_words() {
        for (quote, word) in [
            (Quote::Taken, "registered already"),
            (Quote::Premium, "premium"),
            (Quote::NotSold, "does not sell names like"),
            (Quote::Unclear, "does not sell example.com"),
        ] {
            let told = told(quote, 1, Some(&limit("100")), &policy());
            assert!(told.starts_with("domain: ") && told.contains(word), "{told}");
        }
    }

    #[test]
    fn a_domain_is_one_name_below_an_extension_that_is_allowed() {
        for good in ["example.com", "example.co.uk", "co.com"] {
            assert_eq!(policy().problem(good), None, "{good}");
        }
        for bad in ["com", ".com", "a.example.com", "example.net", "examplecom", "a.b.co.uk", "example.uk"] {
            assert!(policy().problem(bad).is_some(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_bought_costs_no_more_than_was_confirmed(
            first in 0_u32..100_000, later in 0_u32..100_000, years in 1_u8..11, most in 0_u32..2_000_000,
        ) {
            let cents = |cents: u32| amount(&format!("{}.{:02}", cents / 100, cents % 100));
            let quote = Quote::For(Price { first_year: cents(first), later_year: cents(later), currency: "USD".to_owned() });
            let limit = Limit { amount: cents(most), currency: "USD".to_owned() };
            let expected = u64::from(first) + u64::from(first.max(later)) * (u64::from(years) - 1);
            match affordable(quote, ("example.com", years), Some(&limit), &policy()) {
                Ok(_) => prop_assert!(expected <= u64::from(most)),
                Err(_) => prop_assert!(expected > u64::from(most)),
            }
        }
    }
}
