//! Registrations that nobody tracks: listing them, and taking one over. It costs nothing.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Registrar, Registration, Status, Wanted, registrar::Registered, unclear, watch::Known};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    VendorThing,
};

#[async_trait]
impl<R: Registrar> Discovery for Registration<R> {
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let (found, next) = self.registrar.page(cursor).await?;
        Ok(ObjectsPage { objects: found.iter().map(|found| self.thing(found)).collect(), next })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        if !is_domain(id) {
            return Ok(None);
        }
        let found = self.surely(id).await.map_err(unclear)?;
        Ok(found.map(|found| self.thing(&found)))
    }

    /// Asks only. A registration has no place for a mark: that it is ours stands in our record.
    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: R::Wanted = step.parameters()?;
        let refused = |what: String| Err(ProviderError::refused(Refusal::Unsupported, what));
        if wanted.domain() != id {
            return refused(format!(
                "domain: what is asked for is {}, and not the object {id}",
                wanted.domain()
            ));
        }
        let Some(found) = self.surely(id).await.map_err(unclear)? else {
            return refused(format!("domain: {id} is not registered in this account"));
        };
        if let Some(reason) = self.hindrance(&found) {
            return refused(format!("domain: {reason}"));
        }
        let asked = serde_json::to_value(&wanted).unwrap_or_default();
        for (name, is) in self.registrar.describing(&found) {
            if !CONFIRMATIONS.contains(&name.as_str()) && asked[&name] != is {
                return refused(format!("{name}: the registrar shows {is}; ask for that"));
            }
        }
        self.done(&Known::of(id), &found).await
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        instance.record::<Known>().map(|known| known.domain)
    }
}

/// Parameters that no registration has.
const CONFIRMATIONS: [&str; 3] = ["max_registration_cost", "currency", "accept_charges"];

impl<R: Registrar> Registration<R> {
    /// With parameters under which nothing can be bought, should the domain be gone when they are used.
    fn thing(&self, found: &Registered) -> VendorThing {
        let mut parameters = self.registrar.describing(found);
        for (name, value) in CONFIRMATIONS.iter().zip([json!("0.00"), json!("USD"), Value::Bool(true)]) {
            parameters.insert((*name).to_owned(), value);
        }
        VendorThing {
            id: found.domain.clone(),
            name: found.domain.clone(),
            mark: None,
            parameters,
            not_adoptable: self.hindrance(found),
        }
    }

    fn hindrance(&self, found: &Registered) -> Option<String> {
        if found.status == Status::Pending {
            return Some("its registration is not finished".to_owned());
        }
        let outside = self.registrar.policy().problem(&found.domain);
        outside.map(|_| "the operator of the broker does not allow its extension".to_owned())
    }
}

/// Whether a text has the form of a domain: nothing else becomes part of an address (S-26).
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        (1..=63).contains(&label.len()) && label.bytes().all(known)
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_26_an_object_that_cannot_be_a_domain_is_not_asked_for() {
        assert!(is_domain("example.com") && is_domain("xn--bcher-kva.co.uk"));
        for odd in ["", "com", "a..com", "../x", "A.com", "a.com/b", "a.com?b", ".com", "a.com."] {
            assert!(!is_domain(odd), "{odd}");
        }
    }
}
