//! A PostgreSQL server of one's own: made in a temporary folder, on a free loopback port, gone with the last test.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use crate::config::{PostgresPlace, Transport};

const ROLE: &str = "ada";

/// A running server.
pub(in crate::state) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    /// Whom to run the programs as: they refuse to be root.
    user: Option<(u32, u32)>,
    pub(in crate::state) port: u16,
    schemas: AtomicU32,
}

impl Cluster {
    /// The server that the tests of this process share.
    pub(in crate::state) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let cluster = Arc::new(Self::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    /// Makes a server and starts it.
    pub(in crate::state) fn start() -> Self {
        Self::start_with(None)
    }

    /// The same, with a certificate and its key: it then speaks TLS too.
    pub(in crate::state) fn start_with(identity: Option<(&str, &str)>) -> Self {
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let mut cluster =
            Self { programs: programs(), user: other_user(), port: 0, schemas: AtomicU32::new(0), folder };
        let (data, secret) = (cluster.data(), cluster.folder.path().join("secret"));
        fs::create_dir(&data).unwrap();
        fs::write(&secret, "hunter2").unwrap();
        if let Some((user, group)) = cluster.user {
            chown(&data, Some(user), Some(group)).unwrap();
            chown(&secret, Some(user), Some(group)).unwrap();
        }
        cluster.program("initdb", |initdb| {
            initdb.args(["--no-sync", "--no-instructions", "--auth=scram-sha-256", "--encoding=UTF8"]);
            // a collation of people, so that the order of refs is seen to be ours
            initdb
                .args(["--locale=C.UTF-8", "--username", ROLE, "--pwfile"])
                .arg(&secret)
                .arg("--pgdata")
                .arg(&data);
        });
        cluster.port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        fs::write(cluster.passfile(), "*:*:*:ada:hunter2\n").unwrap();
        for (name, text) in
            identity.into_iter().flat_map(|(chain, key)| [("server.crt", chain), ("server.key", key)])
        {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            if let Some((user, group)) = cluster.user {
                chown(&path, Some(user), Some(group)).unwrap();
            }
        }
        cluster.resume();
        cluster
    }

    /// Starts the server (again).
    pub(in crate::state) fn resume(&self) {
        // the folder dies with the test: what is written is safe from killed processes, and need not reach the disk
        let tls = if self.data().join("server.crt").exists() { "on" } else { "off" };
        let options = format!(
            "-c listen_addresses=127.0.0.1 -p {} -c unix_socket_directories='' -c fsync=off -c max_connections=300 \
             -c ssl={tls}",
            self.port
        );
        self.program("pg_ctl", |control| {
            control.args(["start", "--wait", "--silent", "--pgdata"]).arg(self.data());
            control.arg("--log").arg(self.data().join("server.log")).arg("--options").arg(options);
        });
    }

    /// Ends the server at once, as a crash would.
    pub(in crate::state) fn stop(&self) {
        self.program("pg_ctl", |control| {
            control.args(["stop", "--wait", "--silent", "--mode=immediate", "--pgdata"]).arg(self.data());
        });
    }

    /// A schema that nobody has used.
    pub(in crate::state) fn fresh(&self) -> PostgresPlace {
        let number = self.schemas.fetch_add(1, Ordering::Relaxed);
        PostgresPlace {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: ROLE.to_owned(),
            database: "postgres".to_owned(),
            schema: format!("state_{number}"),
            transport: Transport::Plain,
            passfile: Some(self.passfile()),
        }
    }

    fn passfile(&self) -> PathBuf {
        self.folder.path().join("passfile")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str, set_up: impl FnOnce(&mut Command)) {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env_remove("PGDATA");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        set_up(&mut command);
        // a server inherits what its starter has: with a pipe, nobody would see the end of it
        let said = self.folder.path().join("said");
        let output = fs::File::create(&said).unwrap();
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let status = command.status().unwrap();
        let log = fs::read_to_string(self.data().join("server.log")).unwrap_or_default();
        assert!(status.success(), "{name}: {}\n{log}", fs::read_to_string(&said).unwrap_or_default());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut command = Command::new(self.programs.join("pg_ctl"));
        command.args(["stop", "--wait", "--silent", "--mode=immediate", "--pgdata"]).arg(self.data());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        // a server that is down already needs no stopping
        let _ = command.current_dir(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Where the programs are: on the path, or where Debian keeps them.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    folders.extend(versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))));
    let complete = |folder: &PathBuf| ["initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(complete).expect(
        "these tests need the server programs of PostgreSQL (initdb, pg_ctl, postgres); run `scripts/test install`",
    )
}

/// Whom to be, when we are root.
fn other_user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string(Path::new("/etc/passwd")).unwrap();
    let find = |wanted: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.first() == Some(&wanted))
                .then(|| Some((fields[2].parse().ok()?, fields[3].parse().ok()?)))?
        })
    };
    find("postgres").or_else(|| find("nobody"))
}
