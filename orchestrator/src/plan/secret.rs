//! Variables that are secrets: what cannot be read stops whoever needs it, and nobody else.

use super::input::Draft;
use crate::config::{At, Config, Declaration, Finding, pointer};

/// Complains about secrets of a declaration that cannot be read.
pub(super) fn check(config: &Config, declaration: &Declaration, draft: &mut Draft) {
    for used in &declaration.secrets {
        let Some(Err(why)) = config.secrets.get(&used.variable) else { continue };
        let reference = &declaration.reference;
        let at = pointer(&["instances", reference.as_str(), "params"]) + &used.pointer;
        let message = format!("{reference} needs the variable '{}', and {why}", used.variable);
        let help = "put it there, or name another place under variables";
        draft.findings.push(Finding::new(message).at(At::Value(at)).help(help));
    }
}
