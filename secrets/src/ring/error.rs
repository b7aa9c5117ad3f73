//! Why a key ring is refused, and what to do about it.

use std::{io, path::PathBuf};

use crate::key_id::KeyId;

/// Why a key ring could not be read or written. No message holds anything of the file's content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// Nothing is there.
    #[error("there is no key ring at {}; restore the one the data was sealed with, or create one if there is no data yet", path.display())]
    Missing {
        /// Where it was expected.
        path: PathBuf,
    },
    /// Something is there already.
    #[error("{} exists already and is left as it is; load it, or choose another path", path.display())]
    Exists {
        /// Where one was to be created.
        path: PathBuf,
    },
    /// Others than its owner may use the file.
    #[error("others than its owner may use the key ring {} (mode {mode:04o}); run `chmod 600` on it, and rotate its keys if someone may have read it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The last component is a symbolic link; links are not followed.
    #[error("{} is a symbolic link, which is not followed; name the key ring itself", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A directory, pipe, socket or device, or no file name at all.
    #[error("{} is not a regular file; name a key ring", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// A file of no bytes.
    #[error("the key ring {} is empty; restore it from a backup, or remove it if nothing was ever sealed with it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Not what was written.
    #[error("the key ring {} is damaged: {damage}; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// Written by another, probably newer, program.
    #[error("the key ring {} has format {found}, and this program knows formats 1 and 2; use a newer one", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The format it says it has.
        found: u64,
    },
    /// Somebody keeps replacing the file.
    #[error("{} was replaced again and again while it was being opened; find out by whom, then try again", path.display())]
    Unsteady {
        /// The file.
        path: PathBuf,
    },
    /// Saving would drop a key that data may be sealed with.
    #[error("{} holds the key {id}, which would be lost; load it again, then repeat the change", path.display())]
    WouldLoseKey {
        /// The file.
        path: PathBuf,
        /// The key that only the file holds.
        id: KeyId,
    },
    /// The system would not read it.
    #[error("could not read the key ring {}; see that this user may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The system would not write it, or not make it durable.
    #[error("could not write the key ring {}; see that this user may write to its folder, and that there is room", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// What is wrong with a damaged key ring, without quoting from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// Not the JSON of a key ring.
    #[error("it is not the JSON of a key ring (line {line}, column {column})")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Far larger than any key ring.
    #[error("it is too large")]
    TooLarge,
    /// A key cannot be read.
    #[error("key number {number} cannot be read, or is there twice")]
    Key {
        /// Which one, from 1.
        number: usize,
    },
    /// The digest key cannot be read.
    #[error("its digest key cannot be read")]
    DigestKey,
    /// A key that was forgotten cannot be named, or is there nevertheless.
    #[error("what it says of forgotten keys cannot be")]
    Forgotten,
    /// No key is the current one.
    #[error("the key it calls current is not in it")]
    NoCurrent,
    /// Everything can be read, but is not what was written.
    #[error("its content does not match its check")]
    Check,
}

/// Why a key is not forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForgetError {
    /// New data is sealed with it.
    #[error("{id} is the current key; rotate first, and seal everything anew")]
    Current {
        /// The key.
        id: KeyId,
    },
    /// The ring does not hold it.
    #[error("the key ring does not hold {id}; see which keys it holds")]
    Unknown {
        /// The key.
        id: KeyId,
    },
}
