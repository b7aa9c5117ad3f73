//! The arrows between the modules of a crate point one way.

use std::path::Path;

use sutler_tests::world::Binaries;

/// Each module of a crate, in order: a module uses only what stands on a line below it.
type Layers = &'static [&'static [&'static str]];

const ORCHESTRATOR: Layers = &[
    &["cli"],
    &["commands"],
    &["migrations"],
    &["execute"],
    &["plan", "walk", "draw"],
    &["digest", "brokers", "sink"],
    &["state"],
    &["config"],
    &["graph", "reference"],
    &["name", "nearest", "exit"],
];

const BROKER_SERVER: Layers = &[
    &["cli"],
    // uses nothing of the broker, and nothing of the broker uses it
    &["conformance"],
    &["server"],
    &["api"],
    &["broker"],
    &["store"],
    &["providers"],
    &["instance", "binding", "operation"],
    &["config"],
    &["wire", "hardening"],
];

const BROKER_CLIENT: Layers =
    &[&["settle"], &["orphan"], &["client"], &["request", "answer"], &["error"], &["call", "untrusted"]];

#[test]
fn modules_use_only_what_stands_below_them() {
    let mut wrong = Vec::new();
    for (folder, layers) in
        [("orchestrator", ORCHESTRATOR), ("broker-server", BROKER_SERVER), ("broker-client", BROKER_CLIENT)]
    {
        let root = Binaries::workspace().join(folder).join("src");
        for (at, layer) in layers.iter().enumerate() {
            for module in *layer {
                let above: Vec<&str> =
                    layers[..=at].concat().into_iter().filter(|other| other != module).collect();
                check_module(&root, module, &above, &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Looks for `crate::above` in every file of a module, its tests left out.
fn check_module(root: &Path, module: &str, above: &[&str], wrong: &mut Vec<String>) {
    let mut paths = vec![root.join(module), root.join(format!("{module}.rs"))];
    paths.retain(|path| path.exists());
    assert!(!paths.is_empty(), "there is no module {module} in {}", root.display());
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(
                std::fs::read_dir(&path).expect("readable").map(|entry| entry.expect("readable").path()),
            );
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("readable");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for name in above {
                if code.contains(&format!("crate::{name}::")) || code.contains(&format!("use crate::{name};"))
                {
                    wrong.push(format!("{} uses {name}, which stands above {module}", path.display()));
                }
            }
        }
    }
}
