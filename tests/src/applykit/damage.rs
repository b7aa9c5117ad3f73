//! A state file that is not what was written: told, never used, never written over (I-26).

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{Lane, Met, Operation, disturb::Disturbed};
use crate::world::Finished;

/// What becomes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// It ends after so many bytes.
    Cut(u64),
    /// This bit is another one.
    Flipped(u64),
    /// It is one from before the last run.
    Older,
    /// It says that a newer program wrote it.
    Newer,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(bytes) => write!(f, "cut@{bytes}"),
            Self::Flipped(bit) => write!(f, "flip@{bit}"),
            Self::Older => f.write_str("older"),
            Self::Newer => f.write_str("newer"),
        }
    }
}

impl FromStr for Damage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no damage; there is cut@BYTES, flip@BIT, older, newer");
        match text.split_once('@') {
            Some(("cut", bytes)) => bytes.parse().map(Self::Cut).map_err(|_| wrong()),
            Some(("flip", bit)) => bit.parse().map(Self::Flipped).map_err(|_| wrong()),
            None if text == "older" => Ok(Self::Older),
            None if text == "newer" => Ok(Self::Newer),
            _ => Err(wrong()),
        }
    }
}

/// How many bytes the state of a lane has after an operation that nobody disturbs.
///
/// # Errors
/// What is not as it has to be.
pub(super) async fn size(lane: &Lane, operation: Operation) -> Result<u64, String> {
    lane.prepare(operation).await?;
    let size = fs::metadata(file(lane)).map_err(|error| error.to_string())?.len();
    lane.wipe().await?;
    Ok(size)
}

/// Harms the file, runs the operation on it, and puts back what was there unless the harm was none.
pub(super) async fn harm(lane: &Lane, operation: Operation, damage: Damage) -> Result<Disturbed, String> {
    let failed = |error: io::Error| error.to_string();
    let run = async || lane.run(operation.disturbed(), &[]).await.map_err(|error| error.to_string());
    let path = file(lane);
    let before = Copy::of(&path).map_err(failed)?;
    let whole = match damage {
        Damage::Older => {
            run().await?;
            let newest = Copy::of(&path).map_err(failed)?;
            before.put(&path).map_err(failed)?;
            newest
        }
        _ => before,
    };
    if !strike(&path, damage)? {
        return Ok(Disturbed { met: Met::No, ran: vec![run().await?] });
    }
    let harmed = Copy::of(&path).map_err(failed)?;
    let ran = run().await?;
    match ran.code {
        // it was refused: then nothing was written
        Some(7) => {
            let after = Copy::of(&path).map_err(failed)?;
            if after.main != harmed.main {
                return Err(format!("I-26: what is damaged was written over\n{}", ran.everything()));
            }
            whole.put(&path).map_err(failed)?;
            Ok(Disturbed { met: Met::Yes, ran: Vec::new() })
        }
        // nothing that the run needed was hit: whoever looks at everything says whether anything was
        Some(0) if matches!(damage, Damage::Flipped(_)) => {
            let all = lane.run(&["state", "verify", "--full"], &[]).await;
            match all.map_err(|error| error.to_string())?.code {
                Some(0) => Ok(Disturbed { met: Met::No, ran: vec![ran] }),
                Some(7) => {
                    // history that is long past: what it was is known
                    strike(&path, damage)?;
                    Ok(Disturbed { met: Met::Yes, ran: vec![ran] })
                }
                _ => Err(told_wrong(&ran)),
            }
        }
        _ => Err(told_wrong(&ran)),
    }
}

fn told_wrong(ran: &Finished) -> String {
    format!("I-26: damage is exit code 7\n{}", ran.everything())
}

/// Whether there was anything to harm.
fn strike(path: &Path, damage: Damage) -> Result<bool, String> {
    let failed = |error: io::Error| error.to_string();
    match damage {
        Damage::Older => {}
        Damage::Newer => {
            let store = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
            store
                .execute_batch("PRAGMA user_version = 1000000; PRAGMA wal_checkpoint(TRUNCATE)")
                .map_err(|error| error.to_string())?;
        }
        Damage::Cut(bytes) => {
            let file = fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
            if bytes >= file.metadata().map_err(failed)?.len() {
                return Ok(false);
            }
            file.set_len(bytes).map_err(failed)?;
        }
        Damage::Flipped(bit) => {
            let mut bytes = fs::read(path).map_err(failed)?;
            let at = usize::try_from(bit / 8).unwrap_or(usize::MAX);
            let Some(byte) = bytes.get_mut(at) else { return Ok(false) };
            *byte ^= 1 << (bit % 8);
            fs::write(path, bytes).map_err(failed)?;
        }
    }
    Ok(true)
}

fn file(lane: &Lane) -> PathBuf {
    lane.world().project().join(".sutler/state.db")
}

/// A state file and what belongs to it.
struct Copy {
    main: Vec<u8>,
    log: Option<Vec<u8>>,
}

fn log(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

impl Copy {
    fn of(path: &Path) -> io::Result<Self> {
        let log = match fs::read(log(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => Some(read?),
        };
        Ok(Self { main: fs::read(path)?, log })
    }

    fn put(&self, path: &Path) -> io::Result<()> {
        for stale in [log(path), path.with_extension("db-shm")] {
            match fs::remove_file(stale) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if let Some(bytes) = &self.log {
            fs::write(log(path), bytes)?;
        }
        fs::write(path, &self.main)
    }
}
