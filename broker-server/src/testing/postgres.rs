//! A PostgreSQL server of one's own: made in a temporary folder, on a free loopback port, gone when dropped.

use std::{
    fs,
    os::unix::{fs::MetadataExt, fs::PermissionsExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use sutler_secrets::SecretString;
use tempfile::TempDir;

use crate::config::{PostgresAddress, Transport};

const ROLE: &str = "broker";

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The programs are not there.
    #[error(
        "these tests need the server programs of PostgreSQL (initdb, pg_ctl, postgres); install the package `postgresql`"
    )]
    Missing,
    /// The system would not let us.
    #[error("could not {step}")]
    System {
        /// What was being done.
        step: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A program failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// What it said.
        said: String,
    },
}

fn system(step: &'static str) -> impl FnOnce(std::io::Error) -> ClusterError {
    move |source| ClusterError::System { step, source }
}

/// Whether what is committed has to reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// No: the folder dies with the test, and what is written is safe from killed processes.
    Never,
    /// Yes, as in production: for measurements.
    EachCommit,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("port", &self.port).finish_non_exhaustive()
    }
}

/// A running server.
pub struct Cluster {
    folder: TempDir,
    flush: Flush,
    programs: PathBuf,
    /// Whom to run the programs as: they refuse to be root.
    user: Option<(u32, u32)>,
    port: u16,
    password: String,
    schemas: AtomicU32,
}

impl Cluster {
    /// Makes a server and starts it.
    ///
    /// # Errors
    /// When its programs are missing or fail.
    pub fn start() -> Result<Self, ClusterError> {
        Self::with(Flush::Never)
    }

    /// The same, with a choice.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn with(flush: Flush) -> Result<Self, ClusterError> {
        let folder = TempDir::new().map_err(system("make a folder"))?;
        let password = uuid::Uuid::new_v4().simple().to_string();
        let mut cluster = Self {
            programs: programs()?,
            user: other_user()?,
            port: 0,
            schemas: AtomicU32::new(0),
            password,
            flush,
            folder,
        };
        cluster.make()?;
        // somebody else may take a port between our finding it and the server's using it
        for remaining in (0..5).rev() {
            cluster.port = free_port().map_err(system("find a free port"))?;
            match cluster.resume() {
                Ok(()) => return Ok(cluster),
                Err(error) if remaining == 0 => return Err(error),
                Err(_) => {}
            }
        }
        Err(ClusterError::Missing)
    }

    /// The server that the tests of this process share. It ends with the last of them.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn shared() -> Result<Arc<Self>, ClusterError> {
        static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return Ok(cluster);
        }
        let cluster = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&cluster);
        Ok(cluster)
    }

    fn make(&self) -> Result<(), ClusterError> {
        let (data, secret) = (self.data(), self.folder.path().join("password"));
        fs::create_dir(&data).map_err(system("make the data folder"))?;
        fs::write(&secret, &self.password).map_err(system("write the password"))?;
        fs::set_permissions(self.folder.path(), fs::Permissions::from_mode(0o755))
            .map_err(system("let the server's user in"))?;
        if let Some((user, group)) = self.user {
            for path in [&data, &secret] {
                chown(path, Some(user), Some(group)).map_err(system("give the server's user its files"))?;
            }
        }
        self.program("initdb", |initdb| {
            initdb
                .args(["--no-sync", "--no-instructions", "--auth=scram-sha-256", "--encoding=UTF8"])
                .args(["--locale=C", "--username", ROLE, "--pwfile"])
                .arg(&secret)
                .arg("--pgdata")
                .arg(&data);
        })
    }

    /// Starts the server again after [`stop`](Self::stop).
    ///
    /// # Errors
    /// When it does not come up.
    pub fn resume(&self) -> Result<(), ClusterError> {
        let fsync = match self.flush {
            Flush::Never => "off",
            Flush::EachCommit => "on",
        };
        let options = format!(
            "-c listen_addresses=127.0.0.1 -p {} -c unix_socket_directories='' -c fsync={fsync} -c max_connections=200",
            self.port
        );
        self.program("pg_ctl", |control| {
            control.args(["start", "--wait", "--silent", "--pgdata"]).arg(self.data());
            control.arg("--log").arg(self.data().join("server.log")).arg("--options").arg(options);
        })
    }

    /// Ends the server at once, as a crash would.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&self) -> Result<(), ClusterError> {
        self.program("pg_ctl", |control| {
            control.args(["stop", "--wait", "--silent", "--mode=immediate", "--pgdata"]).arg(self.data());
        })
    }

    /// From now on the server takes connections with TLS only. It shows this certificate.
    ///
    /// # Errors
    /// When its files cannot be written, or it does not come up again.
    pub fn secure(&self, certificate: &str, key: &str) -> Result<(), ClusterError> {
        let data = self.data();
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            fs::write(&path, text).map_err(system("write the server's certificate"))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
                .map_err(system("protect the server's key"))?;
            if let Some((user, group)) = self.user {
                chown(&path, Some(user), Some(group)).map_err(system("give the server's user its files"))?;
            }
        }
        let rules = "hostnossl all all all reject\nhostssl all all all scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), rules).map_err(system("write who may connect"))?;
        let settings = data.join("postgresql.auto.conf");
        fs::write(settings, "ssl = on\n").map_err(system("write the server's settings"))?;
        self.stop()?;
        self.resume()
    }

    fn program(&self, name: &'static str, set_up: impl FnOnce(&mut Command)) -> Result<(), ClusterError> {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env_remove("PGDATA");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        set_up(&mut command);
        // a server inherits what its starter has: with a pipe, nobody would see the end of it
        let said = self.folder.path().join("said");
        let output = fs::File::create(&said).map_err(system("write what a program says"))?;
        let errors = output.try_clone().map_err(system("write what a program says"))?;
        let status = command.stdout(output).stderr(errors).status().map_err(system("run a program"))?;
        if status.success() {
            return Ok(());
        }
        let log = fs::read_to_string(self.data().join("server.log")).unwrap_or_default();
        let said = fs::read_to_string(&said).unwrap_or_default();
        Err(ClusterError::Program { program: name, said: format!("{said}\n{log}") })
    }

    /// Where it keeps everything, its write-ahead log included.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The loopback port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of the role `broker`, which owns everything.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The URL for a configuration, without a password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}@127.0.0.1:{}/postgres", self.port)
    }

    /// A schema that nobody has used.
    #[must_use]
    pub fn fresh(&self) -> PostgresAddress {
        let number = self.schemas.fetch_add(1, Ordering::Relaxed);
        self.address(&format!("test_{number}"))
    }

    /// How a schema is reached.
    #[must_use]
    pub fn address(&self, schema: &str) -> PostgresAddress {
        PostgresAddress {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: ROLE.to_owned(),
            password: Some(Arc::new(SecretString::from(self.password.as_str()))),
            database: "postgres".to_owned(),
            schema: schema.to_owned(),
            transport: Transport::Plain,
            connections: 8,
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // a server that is down already needs no stopping
        let _ = self.stop();
    }
}

/// Where the programs are: on the path, or where Debian keeps them.
fn programs() -> Result<PathBuf, ClusterError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let complete = |folder: &PathBuf| ["initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(complete).ok_or(ClusterError::Missing)
}

/// Whom to be, when we are root.
fn other_user() -> Result<Option<(u32, u32)>, ClusterError> {
    let ours = fs::metadata("/proc/self").map_err(system("find out who we are"))?.uid();
    if ours != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string(Path::new("/etc/passwd")).map_err(system("list the users"))?;
    let find = |wanted: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| *name == wanted)?;
            let (user, group) = (fields.nth(1)?, fields.next()?);
            (!name.is_empty()).then_some((user.parse().ok()?, group.parse().ok()?))
        })
    };
    Ok(find("postgres").or_else(|| find("nobody")))
}

fn free_port() -> std::io::Result<u16> {
    std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr().map(|address| address.port())
}
