//! What the READMEs of the examples say is what is there.

use std::collections::BTreeSet;

use sutler_tests::world::{Binaries, EXAMPLES};

/// Each example has a README, which names every broker's file and every service that the configuration uses.
#[test]
fn the_readme_of_an_example_names_its_files_and_services() {
    for example in EXAMPLES {
        let folder = Binaries::workspace().join("docs/examples").join(example);
        let read = |name: &str| {
            std::fs::read_to_string(folder.join(name)).unwrap_or_else(|_| panic!("{example}/{name}"))
        };
        let (readme, configuration) = (read("README.md"), read("sutler.yaml"));
        assert!(readme.contains(&format!("cargo demo {example}")), "{example}: how it is run");
        let files =
            std::fs::read_dir(&folder).expect("readable").map(|entry| entry.expect("readable").file_name());
        for file in files.map(|name| name.to_string_lossy().into_owned()) {
            assert!(file == "README.md" || readme.contains(&file), "{example}: {file} is not in the README");
        }
        let services: BTreeSet<&str> =
            configuration.lines().filter_map(|line| line.trim().strip_prefix("service: ")).collect();
        for service in services {
            assert!(readme.contains(&format!("`{service}`")), "{example}: {service} is not in the README");
        }
    }
}
