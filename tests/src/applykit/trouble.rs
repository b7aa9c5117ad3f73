//! What can be done to a run of `sutler`, as a text that can be typed again.
//!
//! ```text
//! O04-sent=kill@2              a point of the protocol (test builds only)
//! sys.pwrite64@7=kill          signal 9 at the 7th such system call of one thread
//! sys.fdatasync@2=full         from the 2nd on, such calls fail as on a disk that is full
//! sys.fsync@1=broken           this call fails as on a disk that is broken
//! FULL:8192                    no file can grow beyond so many bytes
//! KILL:137000                  signal 9 after so many microseconds
//! broker.PUT@1=drop-response   a message between sutler and broker
//! bucket.PUT@3=drop-response   a message between sutler and the S3 server
//! database.COMMIT@1=reset      a message between sutler and PostgreSQL
//! RESTART:40                   the database server ends after so many milliseconds, as in a crash, and starts again
//! TWIN                         two runs at once, on two machines where the state can be reached from two
//! TWIN:137000                  the same, and the first is killed after so many microseconds
//! DAMAGE:flip@81920            the state file is not what was written: cut@BYTES, flip@BIT, older, newer
//! NONE                         nothing
//! ```

use std::{fmt, str::FromStr, time::Duration};

use sutler_broker_server::testing::proxy::Cut;

use super::damage::Damage;
use crate::faultkit::{Rule, cut, rule};

/// What a system call does instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injection {
    /// The process is killed.
    Kill,
    /// It fails, and all later ones: there is no space.
    Full,
    /// It fails, once: the disk could not do it.
    Broken,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// At a point of a test build.
    Point(String),
    /// At a system call: its name, which one of a thread, and what happens.
    Call(String, u64, Injection),
    /// Files cannot grow beyond so many bytes.
    Full(u64),
    /// Signal 9 after so long.
    Kill(Duration),
    /// A message to a broker; with its text.
    Broker(Rule, String),
    /// A message to the S3 server; with its text.
    Bucket(Rule, String),
    /// A message to PostgreSQL; with its text.
    Database(Cut, String),
    /// The database server crashes after so long.
    Restart(Duration),
    /// Two runs at once; the first is killed after so long, if told so.
    Twin(Option<Duration>),
    /// The state file is not what was written.
    Damage(Damage),
}

impl Trouble {
    /// What it is counted as.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Point(_) => "killed at a point",
            Self::Call(_, _, Injection::Kill) => "killed at a system call",
            Self::Call(..) => "system calls fail",
            Self::Full(_) => "files cannot grow",
            Self::Kill(_) => "killed at random",
            Self::Broker(..) => "messages to a broker",
            Self::Bucket(..) => "messages to the S3 server",
            Self::Database(..) => "messages to the database",
            Self::Restart(_) => "the database server crashes",
            Self::Twin(None) => "two runs at once",
            Self::Twin(Some(_)) => "two runs at once, one is killed",
            Self::Damage(_) => "damage that is refused",
        }
    }

    /// Whether the run is told to die.
    #[must_use]
    pub fn kills(&self) -> bool {
        matches!(
            self,
            Self::Point(_) | Self::Call(_, _, Injection::Kill) | Self::Kill(_) | Self::Twin(Some(_))
        )
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("NONE"),
            Self::Point(text) | Self::Broker(_, text) | Self::Bucket(_, text) | Self::Database(_, text) => {
                f.write_str(text)
            }
            Self::Call(name, nth, injection) => {
                let injection = match injection {
                    Injection::Kill => "kill",
                    Injection::Full => "full",
                    Injection::Broken => "broken",
                };
                write!(f, "sys.{name}@{nth}={injection}")
            }
            Self::Full(bytes) => write!(f, "FULL:{bytes}"),
            Self::Kill(after) => write!(f, "KILL:{}", after.as_micros()),
            Self::Restart(after) => write!(f, "RESTART:{}", after.as_millis()),
            Self::Twin(None) => f.write_str("TWIN"),
            Self::Damage(damage) => write!(f, "DAMAGE:{damage}"),
            Self::Twin(Some(after)) => write!(f, "TWIN:{}", after.as_micros()),
        }
    }
}

impl FromStr for Trouble {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no trouble; see the module applykit::trouble");
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        Ok(match text.split_once([':', '.']) {
            None if text == "NONE" => Self::None,
            None if text == "TWIN" => Self::Twin(None),
            None if text.starts_with('O') && text.contains('=') => Self::Point(text.to_owned()),
            Some(("sys", call)) => self::call(call).ok_or_else(wrong)?,
            Some(("FULL", bytes)) => Self::Full(number(bytes)?),
            Some(("KILL", after)) => Self::Kill(Duration::from_micros(number(after)?)),
            Some(("DAMAGE", damage)) => Self::Damage(damage.parse()?),
            Some(("TWIN", after)) => Self::Twin(Some(Duration::from_micros(number(after)?))),
            Some(("RESTART", after)) => Self::Restart(Duration::from_millis(number(after)?)),
            Some(("broker", act)) => Self::Broker(rule(act)?, text.to_owned()),
            Some(("bucket", act)) => Self::Bucket(rule(act)?, text.to_owned()),
            Some(("database", fate)) => Self::Database(cut(fate)?, text.to_owned()),
            _ => return Err(wrong()),
        })
    }
}

/// Reads `pwrite64@7=kill`.
fn call(text: &str) -> Option<Trouble> {
    let (which, what) = text.split_once('=')?;
    let (name, nth) = which.split_once('@')?;
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let injection = match what {
        "kill" => Injection::Kill,
        "full" => Injection::Full,
        "broken" => Injection::Broken,
        _ => return None,
    };
    is_name.then_some(Trouble::Call(name.to_owned(), nth.parse().ok()?, injection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_can_be_typed_again() {
        for text in [
            "NONE",
            "O04-sent=kill@2",
            "sys.pwrite64@7=kill",
            "sys.fdatasync@2=full",
            "sys.fsync@1=broken",
            "FULL:8192",
            "KILL:137000",
            "broker.PUT@1=drop-response",
            "bucket.PUT@3=answer:503",
            "database.COMMIT@1=reset",
            "RESTART:40",
            "TWIN",
            "TWIN:137000",
            "DAMAGE:cut@4096",
            "DAMAGE:flip@81920",
            "DAMAGE:older",
        ] {
            assert_eq!(text.parse::<Trouble>().unwrap().to_string(), text);
        }
        for wrong in [
            "x",
            "sys.rm -rf@1=kill",
            "sys.fsync@1=fly",
            "sys.fsync=kill",
            "KILL:x",
            "DAMAGE:x@1",
            "bucket.PUT=reset",
        ] {
            assert!(wrong.parse::<Trouble>().is_err(), "{wrong}");
        }
    }
}
