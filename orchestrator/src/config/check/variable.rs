//! Environment variables: each is written by one instance, and some by none.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::Gather;
use crate::{
    config::{
        Declaration, SinkConfig,
        problem::{At, Finding},
    },
    name::InstanceRef,
};

/// Variables that make programs load or run something, or look elsewhere (S-49).
const HOSTILE: [&str; 37] = [
    "PATH",
    "BASH_ENV",
    "ENV",
    "IFS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "HOME",
    "SHELL",
    "SHELLOPTS",
    "BASHOPTS",
    "PROMPT_COMMAND",
    "PS4",
    "CDPATH",
    "GCONV_PATH",
    "PERL5LIB",
    "PERL5OPT",
    "PERL5DB",
    "RUBYOPT",
    "RUBYLIB",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "RUSTC_WRAPPER",
    "EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_EXTERNAL_DIFF",
    "GIT_EXEC_PATH",
    "GIT_ASKPASS",
    // A shell keeps these for itself: setting one fails, or changes what runs.
    "_",
    "UID",
    "EUID",
    "PPID",
    "PWD",
    "OLDPWD",
    "TMPDIR",
    "ZDOTDIR",
];

/// The same, by how they begin.
const HOSTILE_BEGINNINGS: [&str; 6] = ["LD_", "DYLD_", "PYTHON", "BASH", "GIT_CONFIG", "SUTLER_"];

/// Whether a sink must never set a variable, since it changes what programs load, run or talk to.
#[must_use]
pub fn is_hostile(variable: &str) -> bool {
    HOSTILE.contains(&variable)
        || HOSTILE_BEGINNINGS.iter().any(|beginning| variable.starts_with(beginning))
        || variable.ends_with("_PROXY")
}

/// Refuses two instances that claim one variable, and variables that nothing writes.
pub(super) fn claims(
    instances: &IndexMap<InstanceRef, Declaration>,
    sinks: &[SinkConfig],
    gather: &mut Gather,
) {
    let mut claims: HashMap<&str, (&InstanceRef, &str)> = HashMap::with_capacity(instances.len());
    let mut without_sink = None;
    for (reference, declaration) in instances {
        for (key, variable) in &declaration.bind {
            without_sink = without_sink.or(Some(reference));
            let place = |reference: &InstanceRef, key: &str| {
                At::value(&["instances", reference.as_str(), "bind", key])
            };
            if let Some((owner, other)) = claims.insert(variable.as_str(), (reference, key)) {
                let who = if owner == reference {
                    format!("two outputs of {reference}")
                } else {
                    format!("both {owner} and {reference}")
                };
                let finding = Finding::new(format!("{who} write the variable {variable}"))
                    .at(place(reference, key))
                    .label("again here")
                    .related(place(owner, other), "first here");
                gather.add(finding.help("give one of them another variable"));
            }
        }
    }
    if let (Some(reference), true) = (without_sink, sinks.is_empty()) {
        let finding =
            Finding::new(format!("{reference} binds variables, but there is no sink to write them to"))
                .at(At::key(&["instances", reference.as_str(), "bind"]));
        gather.add(finding.help("add sinks: { env: { dotenv: .env } }"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_run_programs_are_hostile() {
        for hostile in ["PATH", "LD_PRELOAD", "PYTHONPATH", "HTTPS_PROXY", "NODE_OPTIONS", "ENV", "IFS"] {
            assert!(is_hostile(hostile), "{hostile}");
        }
        for harmless in ["DATABASE_URL", "MY_PATH", "PROXY", "ENVIRONMENT"] {
            assert!(!is_hostile(harmless), "{harmless}");
        }
    }
}
