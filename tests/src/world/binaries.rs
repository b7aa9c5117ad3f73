//! The binaries under test: the ones a user runs, built by the same cargo and profile as the caller.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Why the binaries are not there.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BuildError {
    /// Where this program lies says nothing about the target folder.
    #[error("cannot tell the target folder from {0}")]
    NoTargetFolder(PathBuf),
    /// cargo could not be started.
    #[error("cannot start cargo: {0}")]
    NoCargo(String),
    /// cargo failed; it has printed why.
    #[error("cargo build failed; its messages are above")]
    Failed,
}

/// Where the built binaries are.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds what is not built yet, once for each process, and says where it is.
    ///
    /// # Errors
    /// When cargo cannot be run or fails.
    pub fn build() -> Result<Self, BuildError> {
        static BUILT: OnceLock<Result<Binaries, BuildError>> = OnceLock::new();
        BUILT.get_or_init(Self::build_now).clone()
    }

    fn build_now() -> Result<Self, BuildError> {
        let here = std::env::current_exe().map_err(|error| BuildError::NoCargo(error.to_string()))?;
        let mut folder = here.parent().ok_or_else(|| BuildError::NoTargetFolder(here.clone()))?.to_owned();
        if folder.ends_with("deps") {
            folder.pop();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(Self::workspace()).args([
            "build",
            "--locked",
            "--workspace",
            "--bins",
            "--examples",
        ]);
        if folder.ends_with("release") {
            command.arg("--release");
        }
        // What cargo tells a test about its package is not for another cargo: build scripts that look at it would run
        // again, and everything that depends on them.
        for (name, _) in std::env::vars_os() {
            let told = |prefix: &str| name.to_string_lossy().starts_with(prefix);
            if told("CARGO_PKG_") || told("CARGO_MANIFEST_") || told("CARGO_BIN_") || told("CARGO_CRATE_") {
                command.env_remove(name);
            }
        }
        let status = command.status().map_err(|error| BuildError::NoCargo(error.to_string()))?;
        if status.success() { Ok(Self { folder }) } else { Err(BuildError::Failed) }
    }

    /// The root of the workspace.
    #[must_use]
    pub fn workspace() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
    }

    /// The orchestrator.
    #[must_use]
    pub fn sutler(&self) -> PathBuf {
        self.folder.join("sutler")
    }

    /// The broker.
    #[must_use]
    pub fn broker(&self) -> PathBuf {
        self.folder.join("sutler-broker")
    }

    /// The vendor fake.
    #[must_use]
    pub fn fake(&self) -> PathBuf {
        self.folder.join("cloudflare-fake")
    }
}
