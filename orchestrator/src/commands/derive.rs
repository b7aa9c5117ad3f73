//! `derive`: what an OpenAPI document asks for, as a piece of configuration.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::failure::Failure;
use crate::config::derive as read;

/// What a file that was derived begins with; only such a file is written anew.
const MARK: &str = "# Derived by `sutler derive`, which writes it anew; change the document instead.\n";

/// What was derived.
#[derive(Debug)]
pub struct Derived {
    /// Instances by ref, as a configuration declares them.
    pub instances: Map<String, Value>,
    /// The same as YAML, to paste or to include.
    pub text: String,
    /// The file it was written to.
    pub out: Option<PathBuf>,
}

/// Reads a document; writes what it asks for to a file where one is named.
///
/// # Errors
/// When the document is wrong, or the file is somebody else's or cannot be written.
pub fn derive(document: &Path, out: Option<&Path>) -> Result<Derived, Failure> {
    let instances = read(document)?;
    let text = serde_saphyr::to_string(&json!({ "instances": instances }))
        .map_err(|error| Failure::failed(format!("could not write YAML: {error}")))?;
    if let Some(path) = out {
        write(path, &text)?;
    }
    Ok(Derived { instances, text, out: out.map(Path::to_owned) })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let shown = path.display();
    if !path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
        return Err(Failure::usage(format!("{shown}: what is derived is YAML; name the file .yaml or .yml")));
    }
    match fs::read_to_string(path) {
        Ok(before) if !before.starts_with(MARK) => {
            return Err(Failure::usage(format!(
                "{shown} was not written by sutler derive and was left as it is; name another file"
            )));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Failure::failed(format!("could not read {shown}: {error}")));
        }
        _ => {}
    }
    // Whole or not at all: a configuration may include it.
    let temporary = path.with_extension("yaml.tmp");
    let written = fs::write(&temporary, format!("{MARK}{text}")).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| Failure::failed(format!("could not write {shown}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{ "openapi": "3.1.0", "paths": {}, "x-suluk-provision": {
        "db": { "service": "d1", "params": { "n": "007", "no": "no", "at": "@other.id", "deep": [{ "é": null }, 1.5] } },
        "t": { "service": "token", "protected": true, "bind": { "token": "T" } } } }"#;

    fn folder(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("openapi.json");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_derived_means_in_yaml_what_the_document_says() {
        let (_folder, path) = folder(DOCUMENT);
        let derived = derive(&path, None).unwrap();
        let again: Value = serde_saphyr::from_str(&derived.text).unwrap();
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        assert_eq!(again["instances"], document["x-suluk-provision"], "{}", derived.text);
    }

    #[test]
    fn a_file_of_somebody_else_is_left_alone_and_a_derived_one_is_written_anew() {
        let (folder, path) = folder(DOCUMENT);
        let out = folder.path().join("derived.yaml");
        derive(&path, Some(&out)).unwrap();
        let first = fs::read_to_string(&out).unwrap();
        derive(&path, Some(&out)).unwrap();
        assert_eq!(fs::read_to_string(&out).unwrap(), first);
        fs::write(&out, "instances: {}\n").unwrap();
        assert!(derive(&path, Some(&out)).unwrap_err().to_string().contains("left as it is"));
        assert_eq!(fs::read_to_string(&out).unwrap(), "instances: {}\n");
        assert!(derive(&path, Some(&folder.path().join("x.json"))).is_err());
    }

    #[test]
    fn a_bad_document_is_refused_with_the_place_of_everything_wrong_with_it() {
        for (text, expected) in [
            ("{}", "openapi.json:1:1: this is no OpenAPI document"),
            ("{\"openapi\": \"2.0\"}", "openapi.json:1:2: this is no OpenAPI document"),
            ("{\"openapi\": \"3.1.0\"}", "openapi.json:1:1: the document has no x-sutler-provision"),
            (
                "{\"openapi\": \"3.1.0\",\n \"x-sutler-provision\": []}",
                "openapi.json:2:2: x-sutler-provision has to be a map",
            ),
            (
                "{\"openapi\": \"3.0\", \"x-sutler-provision\": {},\n \"x-suluk-provision\": {}}",
                "openapi.json:2:2: 'x-sutler-provision' and 'x-suluk-provision' are the same thing",
            ),
            (
                "{\"openapi\": \"3.0\", \"x-sutler-provision\": {\n \"a b\": {\"service\": \"s\"},\n \"c\": {\"srvice\": \"s\"}}}",
                "openapi.json:2:2: 'a b' is not a valid ref",
            ),
            (
                "{\"openapi\": \"3.0\", \"x-sutler-provision\": {\n \"c\": {\"srvice\": \"s\"}}}",
                "openapi.json:2:8: unknown key 'srvice' in c\n    help: did you mean 'service'?",
            ),
            (
                "{\"openapi\": \"3.0\", \"x-sutler-provision\": {\n \"c\": {\"service\": \"s\", \"params\": {\"x\": \"@nothing\"}}}}",
                "openapi.json:2:2: c.x: '@nothing' starts with '@' but is not a reference",
            ),
            (
                "{\"openapi\": \"3.0\", \"x-sutler-provision\": {\n \"c\": {\"service\": \"s\"},\n \"c\": {\"service\": \"s\"}}}",
                "openapi.json:3:2: 'c' is declared twice",
            ),
            ("{\"openapi\": \"3.0\",", "openapi.json:1:"),
        ] {
            let (folder, path) = folder(text);
            let Err(Failure::Configuration(problems)) = derive(&path, None) else { panic!("{text}") };
            let shown = problems.to_string().replace(&format!("{}/", folder.path().display()), "");
            assert!(shown.contains(expected), "{text}\n{shown}");
        }
    }
}
