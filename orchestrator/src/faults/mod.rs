//! Crash points and mistakes: where `sutler` can be made to die, wait or be wrong, so that its tests are tested.
//!
//! Only builds with debug assertions have them (S-52). In a release build every function here is empty, no name of a
//! point or mistake is left in the binary, and the variables are not read.
//!
//! ```text
//! SUTLER_FAULTS="O04-sent=kill@2"      what happens where: kill, hang, delay:MILLISECONDS; @n: at the n-th time only;
//!                                      at points of a move also fail
//! SUTLER_FAULTS_REACHED="/path"        every point that is reached is told in this file, one a line
//! SUTLER_MUTANT="no_intent"            the named mistake is made
//! ```

#[cfg(not(debug_assertions))]
mod absent;
#[cfg(debug_assertions)]
mod armed;
#[cfg(all(test, debug_assertions))]
mod tests;

#[cfg(not(debug_assertions))]
pub(crate) use absent::{fail, mutant, pass, race};
#[cfg(debug_assertions)]
pub(crate) use armed::{fail, mutant, pass, race};

/// Every point of a run at which a process can die, in the order of the protocol. `before` and `after` stand around an
/// effect; at `sent` a request is under way and its answer has not been read.
#[cfg(debug_assertions)]
pub const POINTS: &[(&str, &str)] = &[
    ("O01-before", "nothing is locked"),
    ("O01-after", "the lock is held, nothing is read under it"),
    ("O02-after", "the plan is made and verified under the lock"),
    ("O03-before", "the id is minted, its intent is not written"),
    ("O03-after", "the intent is durable, nothing is sent"),
    ("O04-sent", "the creation is sent, no answer"),
    ("O04-after", "the creation is answered, nothing is written"),
    ("O05-before", "the creation is accepted, its token is not written"),
    ("O05-after", "the token of a creation is durable"),
    ("O06-before", "about to ask how far the work is"),
    ("O06-sent", "asked how far the work is, no answer"),
    ("O06-after", "the work has ended, nothing is written"),
    ("O07-before", "it is ready, which is not written"),
    ("O07-after", "it is ready and its outputs are durable"),
    ("O08-before", "the id of a binding is minted, its intent is not written"),
    ("O08-after", "the intent of a binding is durable, nothing is sent"),
    ("O09-sent", "the binding is sent, no answer"),
    ("O09-after", "the binding is answered, nothing is written"),
    ("O10-before", "the credentials are here, and not written"),
    ("O10-after", "the credentials are durable"),
    ("O11-before", "the sink is about to be written"),
    ("O11-after", "the sink is written, state does not know"),
    ("O12-before", "what the sink holds is not noted"),
    ("O12-after", "what the sink holds is noted"),
    ("O13-before", "all is done, the lock is held"),
    ("O13-after", "the lock is given back"),
    ("O14-before", "changes of several steps are gathered, not written"),
    ("O14-after", "changes of several steps are durable, none of the steps knows"),
    ("O15-before", "an orphan is about to be deleted"),
    ("O15-sent", "the deletion of an orphan is sent, no answer"),
    ("O15-after", "an orphan is deleted, state does not know"),
    ("O16-intent", "a deletion is intended, nothing is sent"),
    ("O16-unbinding", "an unbinding is intended, nothing is sent"),
    ("O16-unbind", "an unbinding is sent, no answer"),
    ("O16-sent", "a deletion is sent, no answer"),
    ("O16-accepted", "a deletion is accepted, its token is not written"),
    ("O17-before", "it is gone, its record is there"),
    ("O17-after", "its record is gone"),
    ("O20-before", "a plan is made, its file is not written"),
    ("O20-after", "the file of a plan is written"),
    ("O21-before", "everything opens with the old key, there is no new one"),
    ("O21-ring", "the new key is saved, nothing is sealed with it"),
    ("O21-records", "records are sealed with the new key, sinks are not"),
    ("O21-sinks", "sinks are sealed with the new key, older revisions are not"),
    ("O21-forget", "nothing needs the old key, it is not forgotten"),
    ("O21-after", "the old key is forgotten"),
    ("O22-before", "everything is committed, no revision is made of it"),
    ("O22-written", "a revision is written, the state does not name it (bucket)"),
    ("O22-named", "the state names a new revision, what it does not need any more is there (bucket)"),
    ("O22-after", "a revision is made, the lock is held"),
    ("O23-intent", "a change is intended, nothing is sent"),
    ("O23-sent", "a change is sent, no answer"),
    ("O23-after", "a change is made, which is not written"),
    ("O24-intent", "the earlier generation is to be deleted, nothing is sent"),
    ("O24-sent", "the deletion of an earlier generation or binding is sent, no answer"),
    ("O24-before", "an earlier one is gone, which is not written"),
    ("O24-after", "an earlier one is gone, which is durable"),
    ("O25-before", "a record is to get another ref, which is not written"),
    ("O25-after", "a record has another ref"),
];

/// Every point at which a process that moves a state can die, in the order of that protocol.
#[cfg(debug_assertions)]
pub const MOVE_POINTS: &[(&str, &str)] = &[
    ("S01-before", "the source is locked and sound, nothing says that it leaves"),
    ("S01-after", "the source says that it leaves, nothing is at the target"),
    ("S02-after", "a part is copied, and the cursor with it"),
    ("S03-after", "a part is verified"),
    ("S04-before", "all parts are there and verified, the copy does not say where it stands"),
    ("S04-after", "the copy says where it stands, it is not verified as a whole"),
    ("S05-before", "the copy is complete and verified, the source says that it leaves"),
    ("S06-sent", "the flip is sent, no answer"),
    ("S06-after", "the flip is durable, the target does not know"),
    ("S07-before", "the target knows, everything is still at the source"),
    ("S08-before", "the source is being removed, nothing is gone"),
    ("S08-after", "some of the source is gone"),
    ("S09-before", "a move is gone on with: the lock is held, nothing is looked at"),
    ("S09-after", "a move is gone on with: what is next is known"),
    ("S09-given-up", "a move is given up: the copy is gone, the source says that it leaves"),
];

/// Every point at which a process that generates or runs migrations can die, beside those of a run.
#[cfg(debug_assertions)]
pub const MIGRATION_POINTS: &[(&str, &str)] = &[
    ("M01-folder", "the folder of a migration is there, and not listed"),
    ("M01-listed", "a migration is listed, what it replaces is still there"),
    ("O19-begun", "that a migration is begun is durable, nothing of it is done"),
    ("O19-before", "a migration has nothing to do, which is not entered in the ledger"),
    ("O19-after", "a migration is entered in the ledger, the next one is not begun"),
];

/// Points of the protocol that belong to what this program does not do.
#[cfg(debug_assertions)]
pub const ABSENT: &[(&str, &str)] = &[("O18", "an object is adopted")];

/// Every mistake that can be made on purpose.
#[cfg(debug_assertions)]
pub const MUTANTS: &[(&str, &str)] = &[
    ("no_intent", "a creation is sent whose id is not written down"),
    ("no_binding_intent", "a binding is sent whose id is not written down"),
    ("new_id_on_resume", "an unresolved creation is made again under another id, the first is forgotten"),
    ("new_binding_on_resume", "an unresolved binding is made again under another id, the first is forgotten"),
    ("mitigation_skipped", "what may have been made is forgotten instead of deleted"),
    ("orphan_list_dropped", "a binding that is set aside is not put on the list of what is to be deleted"),
    ("sink_before_state", "the sink counts as written before it is"),
    ("record_dropped_early", "a record is removed before its broker has been asked to delete"),
    ("deletion_forgotten", "a deletion that was interrupted counts as done"),
    ("unbinding_forgotten", "an unbinding that was interrupted counts as done"),
    (
        "old_binding_forgotten",
        "the binding that a rotation took the place of is not put on the list of what goes",
    ),
    ("change_forgotten", "a change that was interrupted counts as made"),
];

/// Every mistake of a move that can be made on purpose.
#[cfg(debug_assertions)]
pub const MOVE_MUTANTS: &[(&str, &str)] = &[
    ("arrives_before_the_flip", "the target says that it is the current place while the source still is"),
    ("flips_before_it_copies", "the source says that it has left before the target is complete"),
    ("forgets_to_verify", "what is at the target already counts as what was written"),
    ("thaws_too_early", "a move that fails lets writers at the source again, and is not given up"),
];
