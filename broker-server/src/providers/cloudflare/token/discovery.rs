//! Tokens of the account: listing them. None can be taken over, since no value is shown twice.

use async_trait::async_trait;
use serde_json::Map;

use super::{
    super::{
        client::{CallError, Cursor},
        minting::LISTING,
        recorded::is_hexadecimal,
    },
    Token,
};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    VendorThing,
};

/// What users are told.
const SHOWN_ONCE: &str = "its value is not shown again; let a binding make a token, then delete this one";

#[async_trait]
impl Discovery for Token {
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let found = self.tokens().page(Cursor::read(cursor)?).await;
        let (tokens, next) = found.map_err(|error| error.while_asking(LISTING))?;
        let objects = tokens.into_iter().map(|token| thing(token.id, token.name)).collect();
        Ok(ObjectsPage { objects, next: next.map(Cursor::written) })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        if !is_hexadecimal(id, 32) {
            return Ok(None);
        }
        match self.tokens().read(id).await {
            Ok(terms) => Ok(Some(thing(id.to_owned(), terms.name))),
            Err(CallError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.while_asking("read the token")),
        }
    }

    async fn adopt(&self, _: Step<'_>, _: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        Err(ProviderError::refused(Refusal::Unsupported, format!("a token cannot be adopted: {SHOWN_ONCE}")))
    }

    /// An instance is a policy, of which tokens are made: no single one is its object. Marks tell whose each is.
    fn object_of(&self, _: &InstanceFacts) -> Option<String> {
        None
    }
}

/// Our tokens carry the mark of their instance before that of their binding.
fn thing(id: String, name: String) -> VendorThing {
    let mut parts = name.rsplitn(3, '-');
    let is_bound = parts.next().is_some_and(|binding| is_hexadecimal(binding, 24));
    let mark = parts.next().filter(|mark| is_bound && is_hexadecimal(mark, 12)).map(str::to_owned);
    VendorThing { id, name, mark, parameters: Map::new(), not_adoptable: Some(SHOWN_ONCE.to_owned()) }
}
