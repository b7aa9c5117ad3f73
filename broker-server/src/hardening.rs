//! What the process denies itself and others (S-44).

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Files that are no connections: the store, logs, certificates, vendors.
const OTHER_FILES: usize = 256;

/// Leaves no image of this process behind and lets no other process of the same user read its memory: no core
/// dumps, no debugger. Takes as many open files as it may have. Call it first, before any secret is read.
pub fn harden() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps cannot be turned off");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user may read the memory of this one");
    }
    let files = getrlimit(Resource::Nofile);
    let all = Rlimit { current: files.maximum, maximum: files.maximum };
    if files.current != files.maximum
        && let Err(error) = setrlimit(Resource::Nofile, all)
    {
        tracing::warn!(%error, "the number of open files cannot be raised");
    }
}

/// As many connections as were asked for, or as there can be open files.
pub(crate) fn connections(wanted: usize) -> usize {
    let files = getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let possible = files.saturating_sub(OTHER_FILES).max(OTHER_FILES);
    if possible < wanted {
        tracing::warn!(
            wanted,
            possible,
            "fewer connections than configured: the limit of open files is lower"
        );
    }
    wanted.min(possible)
}
