//! The folder: read as a whole or not at all, and written so that others see all of a migration or nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::chain::{Chain, Entry, NewEntry, SNAPSHOT, STEPS};
use super::damage::Damage;
use super::id::MigrationId;
use super::reading::{self, Files};
use super::sum;
use crate::faults;

/// What a migration in the making begins with.
const UNFINISHED: &str = ".new-";
/// No file of a migration is larger.
const LARGEST: u64 = 256 << 20;

/// Whether the folder has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Without it there are no migrations yet.
    Optional,
    /// Somebody named it.
    Required,
}

/// Where migrations are.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// Whether it has to be there.
    pub presence: Presence,
}

/// The right to add migrations; given back when dropped.
#[derive(Debug)]
pub struct Writer<'f> {
    folder: &'f Folder,
    _lock: File,
}

impl Folder {
    /// Every migration, each as it was written.
    ///
    /// # Errors
    /// Everything that is damaged, lost, or does not belong there (A38, A39). Only a folder that is not there, and that
    /// nobody named, holds no migrations (B02).
    pub fn read(&self) -> Result<Chain, Vec<Damage>> {
        // Whoever is adding one has it half written: that is no damage. Where nothing can be locked, nothing is waited for.
        let reading = File::open(&self.path).ok();
        let _lock = reading.filter(|folder| folder.lock_shared().is_ok());
        self.read_alone()
    }

    /// The same, for whoever has the right to add migrations.
    fn read_alone(&self) -> Result<Chain, Vec<Damage>> {
        let chain = self.read_listed()?;
        let unlisted: Vec<Damage> =
            self.unlisted(&chain)?.into_iter().map(|name| self.foreign(&name)).collect();
        if unlisted.is_empty() { Ok(chain) } else { Err(unlisted) }
    }

    /// The same, of what is listed only.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_listed(&self) -> Result<Chain, Vec<Damage>> {
        let path = self.path.join(sum::NAME);
        let text = match read(&path).map_err(|error| vec![self.failed(&path, &error)])? {
            Some(bytes) => String::from_utf8(bytes)
                .map_err(|_| vec![Damage::of(&path, "it is no text", "restore it from version control")])?,
            None => return self.read_without_sum(),
        };
        reading::read(&self.path, &text, |id| self.files(id))
    }

    fn read_without_sum(&self) -> Result<Chain, Vec<Damage>> {
        match fs::metadata(&self.path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(vec![Damage::of(&self.path, "it is no folder", "move it away")]),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.presence == Presence::Optional => {
                return Ok(Chain::default());
            }
            Err(error) => return Err(vec![self.failed(&self.path, &error)]),
        }
        if self.names()?.iter().any(|name| MigrationId::new(name).is_ok()) {
            let what = "it is gone, but there are migrations";
            let path = self.path.join(sum::NAME);
            return Err(vec![Damage::of(&path, what, "restore it from version control")]);
        }
        Ok(Chain::default())
    }

    /// A migration that is there and not listed, as far as it can be known: nothing tells whether it was edited.
    ///
    /// # Errors
    /// When it is not there, or does not come after one that is listed.
    pub fn read_unlisted(&self, chain: &Chain, id: &MigrationId) -> Result<Entry, Damage> {
        let path = self.path.join(id.as_str());
        let files = self.files(id)?;
        let missing =
            || Damage::of(&path, "there is no such migration", "sutler migrations status lists them");
        let (steps, snapshot) = files.steps.zip(files.snapshot).ok_or_else(missing)?;
        chain
            .unlisted(id, (&steps, &snapshot))
            .map_err(|what| Damage::of(&path, what, "remove the folder and generate again"))
    }

    fn files(&self, id: &MigrationId) -> Result<Files, Damage> {
        let file = |name: &str| {
            let path = self.path.join(id.as_str()).join(name);
            read(&path).map_err(|error| self.failed(&path, &error))
        };
        Ok(Files { steps: file(STEPS)?, snapshot: file(SNAPSHOT)? })
    }

    /// What is there and not listed. What begins with a dot is not ours, and a README is welcome.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn unlisted(&self, chain: &Chain) -> Result<Vec<String>, Vec<Damage>> {
        let is_listed = |name: &str| chain.entries.iter().any(|entry| entry.id.as_str() == name);
        let is_welcome =
            |name: &str| name == sum::NAME || name.starts_with('.') || name.starts_with("README");
        let names = self.names()?.into_iter();
        Ok(names.filter(|name| !is_listed(name) && !is_welcome(name)).collect())
    }

    fn names(&self) -> Result<Vec<String>, Vec<Damage>> {
        let failed = |error: io::Error| vec![self.failed(&self.path, &error)];
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.presence == Presence::Optional => {
                return Ok(Vec::new());
            }
            entries => entries.map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn foreign(&self, name: &str) -> Damage {
        let path = self.path.join(name);
        match MigrationId::new(name) {
            Ok(id) => Damage::of(
                &path,
                "it is not listed in migrations.sum, so it never ran anywhere",
                format!(
                    "list it at the end (sutler migrations rebase {id}), or remove the folder and generate again"
                ),
            ),
            Err(error) => Damage::of(&path, format!("it is no migration: {error}"), "move it away"),
        }
    }

    fn failed(&self, path: &Path, error: &io::Error) -> Damage {
        Damage::of(path, format!("it cannot be read: {error}"), "see to it that it can be")
    }

    /// Takes the right to add migrations, waiting for whoever has it. What somebody began who was killed is removed.
    ///
    /// # Errors
    /// When the folder cannot be made or locked.
    pub fn writer(&self) -> Result<Writer<'_>, Damage> {
        let failed = |error: io::Error| {
            Damage::of(&self.path, format!("it cannot be written: {error}"), "see to it that it can be")
        };
        fs::create_dir_all(&self.path).map_err(failed)?;
        let lock = File::open(&self.path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_dir_all(entry.path()).map_err(failed)?;
            }
        }
        Ok(Writer { folder: self, _lock: lock })
    }
}

impl Writer<'_> {
    /// Every migration, while nobody else adds any.
    ///
    /// # Errors
    /// As [`Folder::read`].
    pub fn read(&self) -> Result<Chain, Vec<Damage>> {
        self.folder.read_alone()
    }

    /// Adds migrations at the end of the chain, in place of some that never ran: all is durable when it returns. Killed in
    /// between, the folder of one may be there without being listed; it never counts.
    ///
    /// # Errors
    /// When the system would not do it.
    pub async fn add(
        &self,
        chain: &mut Chain,
        (new, gone): (Vec<NewEntry>, &[MigrationId]),
    ) -> Result<(), Damage> {
        let failed = |error: io::Error| {
            Damage::of(
                &self.folder.path,
                format!("it cannot be written: {error}"),
                "see to it that it can be",
            )
        };
        for id in gone {
            chain.remove(id);
        }
        for entry in new {
            let (id, files) = chain.push(entry);
            self.make(&id, &files).map_err(failed)?;
        }
        faults::pass("M01-folder").await;
        self.list(chain).map_err(failed)?;
        faults::pass("M01-listed").await;
        for id in gone.iter().filter(|id| chain.get(id).is_none()) {
            match fs::remove_dir_all(self.folder.path.join(id.as_str())) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        sync(&self.folder.path).map_err(failed)
    }

    /// The folder of a migration: complete under another name first.
    fn make(&self, id: &MigrationId, files: &[(&str, String)]) -> io::Result<()> {
        let (path, unfinished) = (self.folder.path.join(id.as_str()), self.unfinished());
        fs::create_dir(&unfinished)?;
        for (name, text) in files {
            write(&unfinished.join(name), text)?;
        }
        sync(&unfinished)?;
        if path.exists() {
            // not listed, or about to be listed anew
            fs::remove_dir_all(&path)?;
        }
        fs::rename(&unfinished, &path)?;
        sync(&self.folder.path)
    }

    fn list(&self, chain: &Chain) -> io::Result<()> {
        let temporary = self.unfinished();
        fs::create_dir(&temporary)?;
        let path = temporary.join(sum::NAME);
        write(&path, &sum::written(&chain.lines))?;
        fs::rename(&path, self.folder.path.join(sum::NAME))?;
        fs::remove_dir(&temporary)?;
        sync(&self.folder.path)
    }

    fn unfinished(&self) -> PathBuf {
        self.folder.path.join(format!("{UNFINISHED}{}", Uuid::new_v4().simple()))
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What a file holds; nothing when there is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Ok(found) if found.len() > LARGEST => Err(io::ErrorKind::FileTooLarge.into()),
        Ok(_) => fs::read(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
