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

/// Whether a variable is about the package whose test is run.
fn is_of_a_package(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR", "OUT_DIR"].contains(&name)
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
        let mut what = vec!["--workspace", "--bins", "--examples"];
        if folder.ends_with("release") {
            what.push("--release");
        }
        Self::cargo(&what)?;
        Ok(Self { folder })
    }

    /// Builds the orchestrator as users get it, and says where it is.
    ///
    /// # Errors
    /// When cargo cannot be run or fails.
    pub fn release_sutler() -> Result<PathBuf, BuildError> {
        let mut folder = Self::build()?.folder;
        if !folder.ends_with("release") {
            Self::cargo(&["--release", "--package", "sutler", "--bin", "sutler"])?;
            folder.set_file_name("release");
        }
        Ok(folder.join("sutler"))
    }

    fn cargo(what: &[&str]) -> Result<(), BuildError> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(Self::workspace()).args(["build", "--locked"]).args(what);
        // what the cargo that runs a test tells it about its package: with other values of these, or none, some build
        // scripts run again, and everything above them is built again, here and at the next build outside
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_a_package(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let status = command.status().map_err(|error| BuildError::NoCargo(error.to_string()))?;
        if status.success() { Ok(()) } else { Err(BuildError::Failed) }
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

    /// A program of the folders `examples`, such as `notes-broker`, or one that is an example as a whole.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The fake of Stripe.
    #[must_use]
    pub fn stripe_fake(&self) -> PathBuf {
        self.folder.join("stripe-fake")
    }

    /// The fake of DNSimple.
    #[must_use]
    pub fn dnsimple_fake(&self) -> PathBuf {
        self.folder.join("dnsimple-fake")
    }

    /// The fake of Cloudflare.
    #[must_use]
    pub fn fake(&self) -> PathBuf {
        self.folder.join("cloudflare-fake")
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_a_package;

    #[test]
    fn what_chooses_a_build_is_kept_and_what_names_the_package_of_a_test_is_not() {
        for kept in ["CARGO_HOME", "CARGO_INCREMENTAL", "CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_BUILD_JOBS"] {
            assert!(!is_of_a_package(kept), "{kept}");
        }
        for dropped in
            ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION_PRE", "CARGO_MANIFEST_LINKS"]
        {
            assert!(is_of_a_package(dropped), "{dropped}");
        }
    }
}
