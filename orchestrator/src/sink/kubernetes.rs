//! A Kubernetes manifest: one Secret of it is ours, in the form that servicebinding.io describes, with one entry for
//! each variable. Other documents of the file stay as they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;
use sutler_secrets::{KeyRing, SecretString};
use zeroize::Zeroizing;

use super::SinkError;
use super::block::{Block, Entry, Grammar, line_end};
use super::file::FileSink;
use super::scribe::Scribe;
use crate::config::{Sealing, SecretManifest};
use crate::name::{StackName, VariableName};

/// A Kubernetes manifest.
pub type Kubernetes = FileSink<Block<Manifest>>;

impl Kubernetes {
    /// The manifest at this path, for a sink of this stack and name. Values are in clear, as Kubernetes wants them.
    #[must_use]
    pub fn new(of: (&StackName, &str), path: PathBuf, secret: SecretManifest, ring: Arc<KeyRing>) -> Self {
        Self::with(Scribe::new(of, path, Sealing::Clear, ring), Block::new(of, Manifest { secret }))
    }
}

/// How the Secret is written.
#[derive(Debug)]
pub struct Manifest {
    secret: SecretManifest,
}

/// What each line begins with that is not a variable's.
const HEAD: [&str; 12] = [
    "---",
    "apiVersion:",
    "kind:",
    "metadata:",
    "  name:",
    "  namespace:",
    "  labels:",
    "    app.kubernetes.io/managed-by:",
    "type:",
    "data:",
    "  type:",
    "  provider:",
];

impl Grammar for Manifest {
    fn form(&self) -> &'static str {
        ""
    }

    fn as_written(&self, _: &[u8]) -> Self {
        Self { secret: self.secret.clone() }
    }

    fn head(&self) -> String {
        let SecretManifest { name, namespace, kind, provider } = &self.secret;
        let namespace =
            namespace.as_ref().map(|namespace| format!("  namespace: {namespace:?}\n")).unwrap_or_default();
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {name:?}\n{namespace}  labels:\n    \
             app.kubernetes.io/managed-by: sutler\ntype: \"servicebinding.io/{kind}\"\ndata:\n  type: \"{}\"\n  \
             provider: \"{}\"\n",
            BASE64_STANDARD.encode(kind),
            BASE64_STANDARD.encode(provider)
        )
    }

    fn is_head(&self, line: &[u8]) -> bool {
        HEAD.iter().any(|beginning| line.starts_with(beginning.as_bytes()))
    }

    fn indent(&self) -> &'static str {
        "  "
    }

    fn ours<'t>(&self, text: &'t [u8]) -> Entry<'t> {
        let length = line_end(text, 0);
        let line = text[..length].trim_ascii();
        let colon = line.iter().position(|byte| *byte == b':').filter(|_| !line.starts_with(b"#"));
        let (key, value) = match colon {
            Some(colon) => (Some(&line[..colon]), line[colon + 1..].trim_ascii()),
            None => (None, &[][..]),
        };
        Entry { key, value, length }
    }

    fn foreign<'t>(&self, text: &'t [u8]) -> Entry<'t> {
        Entry { key: None, value: &[], length: line_end(text, 0) }
    }

    fn line(&self, variable: &VariableName, text: &str) -> SecretString {
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(text));
        SecretString::from(format!("  {variable}: \"{}\"\n", encoded.as_str()))
    }

    fn read(&self, value: &str) -> Zeroizing<String> {
        let encoded = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        let decoded = BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        // What is no base64 was not written by us, and no mark fits it.
        Zeroizing::new(decoded.unwrap_or_else(|| format!("not base64: {value}")))
    }

    fn unsayable(&self, _: &str) -> Option<&'static str> {
        None
    }

    fn refuse(&self, path: &Path, others: &[u8]) -> Result<(), SinkError> {
        let broken = || SinkError::NotYaml { path: path.to_owned() };
        let text = std::str::from_utf8(others).map_err(|_| broken())?;
        if text.trim().is_empty() {
            return Ok(());
        }
        let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|_| broken())?;
        let is_it = |document: &Value| {
            let metadata = &document["metadata"];
            document["kind"] == "Secret"
                && metadata["name"] == self.secret.name.as_str()
                && metadata["namespace"].as_str() == self.secret.namespace.as_deref()
        };
        match documents.iter().any(is_it) {
            false => Ok(()),
            true => Err(SinkError::SameSecret { path: path.to_owned(), name: self.secret.name.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::sink::{Edits, Sink};

    fn sink(path: &Path) -> Kubernetes {
        let secret = SecretManifest {
            name: "shop-credentials".into(),
            namespace: Some("prod".into()),
            kind: "cloudflare".into(),
            provider: "sutler".into(),
        };
        let ring = Arc::new(KeyRing::generate(Timestamp::now()));
        Kubernetes::new((&StackName::new("shop").unwrap(), "k8s"), path.to_owned(), secret, ring)
    }

    fn put(variable: &str, value: &str) -> [Edits; 1] {
        let put = vec![(VariableName::new(variable).unwrap(), SecretString::from(value))];
        [Edits { put, remove: Vec::new() }]
    }

    #[test]
    fn the_manifest_is_a_secret_that_kubernetes_and_service_bindings_understand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.yaml");
        std::fs::write(&path, "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other }\n").unwrap();
        let sink = sink(&path);
        sink.write(&put("TOKEN", "hunter2: \"é\"\n")).unwrap();
        sink.write(&put("DATABASE_ID", "123")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let [other, secret] = documents.as_slice() else { panic!("{text}") };
        assert_eq!(other["metadata"]["name"], "other");
        assert_eq!((&secret["apiVersion"], &secret["kind"]), (&"v1".into(), &"Secret".into()));
        assert_eq!(secret["metadata"]["name"], "shop-credentials");
        assert_eq!(secret["metadata"]["namespace"], "prod");
        assert_eq!(secret["type"], "servicebinding.io/cloudflare");
        let decoded = |key: &str| {
            let bytes = BASE64_STANDARD.decode(secret["data"][key].as_str().unwrap()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(decoded("type"), "cloudflare");
        assert_eq!(decoded("provider"), "sutler");
        assert_eq!(decoded("TOKEN"), "hunter2: \"é\"\n");
        assert_eq!(decoded("DATABASE_ID"), "123");
        assert_eq!(secret["data"].as_object().unwrap().len(), 4);
    }

    #[test]
    fn a_secret_of_that_name_that_somebody_else_wrote_is_a_conflict() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.yaml");
        let theirs = "kind: Secret\nmetadata: { name: shop-credentials, namespace: prod }\n";
        std::fs::write(&path, theirs).unwrap();
        let error = sink(&path).write(&put("TOKEN", "x")).unwrap_err();
        assert!(matches!(error, SinkError::SameSecret { .. }), "{error}");
        std::fs::write(&path, "a: [1\n").unwrap();
        let error = sink(&path).write(&put("TOKEN", "x")).unwrap_err();
        assert!(matches!(error, SinkError::NotYaml { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a: [1\n");
        std::fs::write(&path, theirs.replace("prod", "dev")).unwrap();
        sink(&path).write(&put("TOKEN", "x")).unwrap();
    }
}
