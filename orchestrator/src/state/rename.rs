//! A record under another ref: what is sealed for its old place is sealed again for the new one.

use super::backend::Change;
use super::error::StateError;
use super::record::{Asked, InstanceRecord, OutputValue};
use super::seal::{Secrecy, Vault};
use super::transition::{Seen, fields};
use crate::name::InstanceRef;

/// The changes that give a record another ref, in its own place and in what needs it.
///
/// # Errors
/// When something sealed does not open, or is of a kind that is not known here.
pub fn renaming(
    records: &[InstanceRecord],
    (record, to): (&InstanceRecord, &InstanceRef),
    vault: &Vault,
) -> Result<Vec<Change>, StateError> {
    let from = &record.reference;
    let mut changes = vec![
        Change::remove(from.clone(), format!("renamed to '{to}'")),
        Change::put(moved(record, to, vault)?, format!("renamed from '{from}'")),
    ];
    for consumer in records.iter().filter(|record| record.needs.contains(from)) {
        let mut consumer = consumer.clone();
        for need in &mut consumer.needs {
            if need == from {
                *need = to.clone();
            }
        }
        changes.push(Change::put(consumer, format!("needs '{to}', which was '{from}'")));
    }
    Ok(changes)
}

fn moved(record: &InstanceRecord, to: &InstanceRef, vault: &Vault) -> Result<InstanceRecord, StateError> {
    let from = &record.reference;
    if let Some((field, _)) = fields(record).iter().find(|(_, seen)| matches!(seen, Seen::Sealed(_))) {
        let source = sutler_secrets::OpenError::Damaged;
        return Err(StateError::Leaf { reference: from.to_string(), field: field.clone(), source });
    }
    let asked = |asked: &Asked| -> Result<Asked, StateError> {
        let opened = vault.open_parameters(from, &asked.parameters)?;
        Ok(Asked { parameters: vault.seal_parameters(to, opened.expose()), ..asked.clone() })
    };
    let mut moved = record.clone();
    moved.reference = to.clone();
    moved.asked = asked(&record.asked)?;
    moved.pending = record.pending.as_ref().map(asked).transpose()?;
    moved.previous = match &record.previous {
        Some(previous) => Some(Box::new(self::moved(previous, to, vault)?)),
        None => None,
    };
    for (key, output) in moved.outputs.iter_mut() {
        if matches!(output.value, OutputValue::Secret(_)) {
            let opened = vault.open_output(from, key, output)?;
            let value = (opened.expose().clone(), output.digest);
            *output = vault.output((to, key), value, Secrecy::Secret);
        }
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::state::State;
    use crate::state::samples::{CANARY, record, reference, stack, vault};

    #[test]
    fn what_is_sealed_opens_at_its_new_place_and_nowhere_else() {
        let vault = vault(&State::empty(stack("shop")));
        let (old, new) = (reference("db"), reference("main-db"));
        let mut db = record("db");
        db.asked.parameters = vault.seal_parameters(&old, &json!({ "password": CANARY }));
        let digest = vault.ring().digest("output", b"x");
        let output = vault.output((&old, "token"), (json!("hunter2"), digest), Secrecy::Secret);
        db.outputs = [("token".to_owned(), output)].into();
        let mut web = record("web");
        web.needs = vec![reference("cache"), old.clone()];
        let changes = renaming(&[db.clone(), web], (&db, &new), &vault).unwrap();
        let told: Vec<_> =
            changes.iter().map(|change| format!("{} {}", change.subject(), change.what)).collect();
        assert_eq!(
            told,
            ["db renamed to 'main-db'", "main-db renamed from 'db'", "web needs 'main-db', which was 'db'"]
        );
        let crate::state::Effect::Put(moved) = &changes[1].effect else { panic!("it is written") };
        assert_eq!(moved.instance_id, db.instance_id);
        let opened = vault.open_output(&new, "token", &moved.outputs["token"]).unwrap();
        assert_eq!(opened.expose(), &json!("hunter2"));
        assert!(vault.open_output(&old, "token", &moved.outputs["token"]).is_err());
        let opened = vault.open_parameters(&new, &moved.asked.parameters).unwrap();
        assert_eq!(opened.expose()["password"], CANARY);
        let crate::state::Effect::Put(web) = &changes[2].effect else { panic!("it is written") };
        assert_eq!(web.needs, [reference("cache"), new]);
    }
}
