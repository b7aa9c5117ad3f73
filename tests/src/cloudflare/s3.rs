//! One call to R2's S3 interface, from its arrival to its answer. It speaks XML, and knows callers by signatures.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use super::account::s3::{self, Refused};
use super::call::Call;
use super::envelope::{Answer, Body};
use super::exchange::{Shared, World};
use super::ledger::{Entry, Kind};
use super::options::Enforcement;
use crate::vendor::contract::Contract;
use crate::vendor::exchange::Delivery;
use crate::vendor::faults::Struck;
use crate::vendor::schemas::{ContractError, once};

/// Where the S3 interface begins; account, jurisdiction and bucket follow.
pub const S3_BASE_PATH: &str = "/s3";

const CONTRACT: &str = include_str!("../../contracts/cloudflare-s3.json");

impl Contract {
    /// The contract with R2's S3 interface.
    ///
    /// # Errors
    /// Only when the file in this repository is broken.
    pub fn cloudflare_s3() -> Result<Arc<Self>, ContractError> {
        static READ: OnceLock<Arc<Contract>> = OnceLock::new();
        once(&READ, || Self::read(CONTRACT, |answer, _| answer.clone()))
    }
}

/// One call, start to end.
pub(super) async fn exchange(shared: &Shared, mut call: Call) -> Delivery<Kind> {
    let (path, entry) = (call.path.clone(), Entry::of(&call));
    let work = |world: &mut World, struck: &Struck, entry: &mut Entry| {
        let mut answer = answer(shared, world, &mut call, entry);
        struck.alter(&mut answer);
        written(answer)
    };
    shared.desk().exchange(&path, entry, work).await
}

/// The answer that the vendor would give, contract included. Not counted by the limit of the other interface.
fn answer(shared: &Shared, world: &World, call: &mut Call, entry: &mut Entry) -> Answer {
    let contract = shared.s3_contract();
    let Some((operation, parameters)) = contract.find(call) else {
        entry.contract_violations.push(format!("outside_the_contract: {} {}", call.method, call.path));
        return error(&Refused { status: 501, code: "NotImplemented", message: "not done by this fake" });
    };
    if !shared.table().allows(&call.method, &call.segments("").unwrap_or_default()) {
        let found = format!("outside_the_table: no provider says that it makes {}", operation.id);
        entry.contract_violations.push(found);
        return error(&VIOLATION);
    }
    entry.operation = Some(operation.id.clone());
    call.parameters = parameters;
    match s3::authenticate(&world.account, call, &operation.permissions) {
        Ok(caller) => entry.authenticated_as = caller.label(),
        Err(refused) => return error(&refused),
    }
    let mut found = operation.request_violations(call);
    let listed = s3::list_objects(&world.account, call);
    let answer = listed.map_or_else(|refused| error(&refused), |listed| Answer::json(200, listed));
    found.extend(contract.answer_violations(operation, &answer));
    let is_broken = !found.is_empty() && shared.enforcement() == Enforcement::Strict;
    entry.contract_violations.extend(found);
    if is_broken { error(&VIOLATION) } else { answer }
}

/// What an answer that names a violation says; the ledger tells which.
const VIOLATION: Refused =
    Refused { status: 500, code: "InternalError", message: "contract violation; the ledger has it" };

fn error(refused: &Refused) -> Answer {
    let Refused { status, code, message } = refused;
    Answer::json(*status, json!({ "Error": { "Code": code, "Message": message } }))
}

/// The same as XML.
fn written(answer: Answer) -> Answer {
    let Body::Json(Value::Object(document)) = &answer.body else { return answer };
    let elements: String = document.iter().map(|(name, value)| element(name, value)).collect();
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{elements}");
    Answer { body: Body::Text { content_type: "application/xml".to_owned(), text }, ..answer }
}

/// A list is an element for each of its items.
fn element(name: &str, value: &Value) -> String {
    let content = match value {
        Value::Array(items) => return items.iter().map(|item| element(name, item)).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| element(name, value)).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        other => other.to_string(),
    };
    format!("<{name}>{content}</{name}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_written_as_elements() {
        let listed =
            json!({ "List": { "Name": "a<b", "Count": 2, "Item": [{ "Key": "1" }, { "Key": "2" }] } });
        assert_eq!(
            element("Root", &listed),
            "<Root><List><Name>a&lt;b</Name><Count>2</Count><Item><Key>1</Key></Item><Item><Key>2</Key></Item>\
             </List></Root>"
        );
    }
}
