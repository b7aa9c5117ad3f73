//! The canary: every secret of a run, looked for in every byte the run wrote (I-28, S-38).

use std::path::{Path, PathBuf};

use sutler_secrets::find_leaks;

use super::{BrokerProcess, World, WorldError};

/// The secrets to look for, and where they are allowed.
#[derive(Debug, Default)]
pub struct Canary {
    secrets: Vec<(String, String)>,
    allowed: Vec<PathBuf>,
}

/// A secret in clear where none may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which secret.
    pub secret: String,
    /// In which form, such as `base64`.
    pub form: String,
    /// In which file.
    pub file: PathBuf,
    /// At which byte.
    pub offset: usize,
}

impl Canary {
    /// The secrets a world was made with. The vendor's own folder and the files that hand a secret over are allowed.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let root = world.root();
        let mut allowed = vec![root.join("vendor"), root.join("stripe"), root.join("dnsimple")];
        allowed.extend(world.brokers().flat_map(BrokerProcess::secret_files));
        let secrets = world.secrets().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { secrets, allowed }
    }

    /// Adds a secret that came into being during the run.
    pub fn watch(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.secrets.push((name.into(), value.into()));
    }

    /// Takes a file for a place where secrets may be, such as what the user wrote.
    pub fn allow(&mut self, file: PathBuf) {
        self.allowed.push(file);
    }

    /// How many secrets are watched.
    #[must_use]
    pub fn watched(&self) -> usize {
        self.secrets.len()
    }

    /// Searches every file below a folder.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn search(&self, folder: &Path) -> Result<Vec<Finding>, WorldError> {
        let mut findings = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let failed = |error| WorldError::new(format!("searching {}", folder.display()), error);
            for entry in std::fs::read_dir(&folder).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                if self.allowed.contains(&path) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    self.search_file(&path, &mut findings)?;
                }
            }
        }
        Ok(findings)
    }

    fn search_file(&self, path: &Path, findings: &mut Vec<Finding>) -> Result<(), WorldError> {
        let bytes = std::fs::read(path)
            .map_err(|error| WorldError::new(format!("reading {}", path.display()), error))?;
        findings.extend(self.look(path, &bytes));
        Ok(())
    }

    /// Searches what the system tells everybody about a process: its command line, and the environment it was started
    /// with. Nothing is found of a process that has ended.
    #[must_use]
    pub fn search_process(&self, id: u32, files: &[&str]) -> Vec<Finding> {
        let paths = files.iter().map(|file| PathBuf::from(format!("/proc/{id}/{file}")));
        paths.flat_map(|path| self.look(&path, &std::fs::read(&path).unwrap_or_default())).collect()
    }

    /// Searches any bytes; `place` says what they are.
    #[must_use]
    pub fn look(&self, place: &Path, bytes: &[u8]) -> Vec<Finding> {
        let secrets: Vec<(&str, &str)> =
            self.secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let found = find_leaks(bytes, &secrets).into_iter().map(|leak| Finding {
            secret: leak.name.to_string(),
            form: leak.form.to_string(),
            file: place.to_owned(),
            offset: leak.offset,
        });
        found.collect()
    }
}
