//! What can be done to a case, as a text that can be typed again.
//!
//! ```text
//! B08=kill@2>B21=kill@1        points of the broker, life by life
//! vendor.POST@1=drop-response  a message between broker and vendor
//! platform.PUT@1=duplicate:3   a message between platform and broker
//! KILL:1500,20000              signal 9 after so many microseconds of each life
//! TERM:1500                    an orderly end
//! PAUSE:1500:1300              held up for so many milliseconds, then going on
//! FULL:1500:300                no file can grow for so many milliseconds
//! FENCE:1150                   after so many milliseconds the store forgets a claim, as after a failover
//! database.COMMIT@1=reset      a message between broker and database
//! RESTART:1500                 the database server ends at once, as in a crash, and starts again
//! ROTATE                       everything is sealed with another key
//! ```
//! On PostgreSQL, `FULL` is a database that takes no writes for so many milliseconds.

use std::{fmt, str::FromStr, time::Duration};

use sutler_broker_server::testing::proxy::{Cut, Fate, Place};

use super::{
    answers,
    proxy::{Act, Rule},
};

/// Which messages are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Between broker and vendor.
    Vendor,
    /// Between platform and broker.
    Platform,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Points of the broker, life by life.
    Plans(Vec<String>),
    /// A message; with its text.
    Net(Side, Rule, String),
    /// Deaths, life by life.
    Kill(Vec<Duration>),
    /// An orderly end.
    Term(Duration),
    /// Held up after the first time, for the second.
    Pause(Duration, Duration),
    /// No file can grow after the first time, for the second.
    Full(Duration, Duration),
    /// The store forgets a claim.
    Fence(Duration),
    /// A message to the database; with its text.
    Database(Cut, String),
    /// The database server crashes.
    Restart(Duration),
    /// The sealing keys are exchanged.
    Rotate,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plans(plans) => f.write_str(&plans.join(">")),
            Self::Net(_, _, text) | Self::Database(_, text) => f.write_str(text),
            Self::Restart(after) => write!(f, "RESTART:{}", after.as_micros()),
            Self::Rotate => f.write_str("ROTATE"),
            Self::Kill(after) => {
                let after: Vec<String> = after.iter().map(|after| after.as_micros().to_string()).collect();
                write!(f, "KILL:{}", after.join(","))
            }
            Self::Term(after) => write!(f, "TERM:{}", after.as_micros()),
            Self::Pause(after, length) => write!(f, "PAUSE:{}:{}", after.as_micros(), length.as_millis()),
            Self::Full(after, length) => write!(f, "FULL:{}:{}", after.as_micros(), length.as_millis()),
            Self::Fence(after) => write!(f, "FENCE:{}", after.as_millis()),
        }
    }
}

impl FromStr for Trouble {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no trouble; see the module faultkit::trouble");
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        let two = |text: &str| -> Result<(Duration, Duration), String> {
            let (after, length) = text.split_once(':').ok_or_else(wrong)?;
            Ok((Duration::from_micros(number(after)?), Duration::from_millis(number(length)?)))
        };
        match text.split_once([':', '.']) {
            Some(("KILL", times)) => times
                .split(',')
                .map(|time| number(time).map(Duration::from_micros))
                .collect::<Result<_, _>>()
                .map(Self::Kill),
            Some(("TERM", time)) => Ok(Self::Term(Duration::from_micros(number(time)?))),
            Some(("PAUSE", times)) => two(times).map(|(after, length)| Self::Pause(after, length)),
            Some(("FULL", times)) => two(times).map(|(after, length)| Self::Full(after, length)),
            Some(("RESTART", time)) => Ok(Self::Restart(Duration::from_micros(number(time)?))),
            Some(("database", cut)) => Ok(Self::Database(self::cut(cut)?, text.to_owned())),
            None if text == "ROTATE" => Ok(Self::Rotate),
            Some(("FENCE", time)) => Ok(Self::Fence(Duration::from_millis(number(time)?))),
            Some(("vendor", rule)) => Ok(Self::Net(Side::Vendor, self::rule(rule)?, text.to_owned())),
            Some(("platform", rule)) => Ok(Self::Net(Side::Platform, self::rule(rule)?, text.to_owned())),
            _ if text.starts_with('B') => Ok(Self::Plans(text.split('>').map(str::to_owned).collect())),
            _ => Err(wrong()),
        }
    }
}

/// Reads `POST@1=drop-response`.
pub(crate) fn rule(text: &str) -> Result<Rule, String> {
    let wrong = || format!("'{text}' is not METHOD@NTH=ACT");
    let (which, act) = text.split_once('=').ok_or_else(wrong)?;
    let (method, nth) = which.split_once('@').ok_or_else(wrong)?;
    let nth = nth.parse().map_err(|_| wrong())?;
    Ok(Rule::nth(method, nth, self::act(act)?))
}

/// Reads `COMMIT@1=drop-response`.
pub(crate) fn cut(text: &str) -> Result<Cut, String> {
    let wrong = || format!("'{text}' is not MESSAGE@NTH=FATE; MESSAGE is COMMIT or *");
    let (which, fate) = text.split_once('=').ok_or_else(wrong)?;
    let at = match which.split_once('@').ok_or_else(wrong)? {
        ("COMMIT", nth) => Place::Commit(nth.parse().map_err(|_| wrong())?),
        ("*", nth) => Place::Message(nth.parse().map_err(|_| wrong())?),
        _ => return Err(wrong()),
    };
    let (name, value) = fate.split_once(':').unwrap_or((fate, ""));
    let number = || value.parse::<u64>().map_err(|_| format!("'{fate}' needs a number"));
    let time = || number().map(Duration::from_millis);
    let fate = match name {
        "drop-request" => Fate::Lost,
        "drop-response" => Fate::Unanswered,
        "half" => Fate::Halved,
        "reset" => Fate::Reset,
        "truncate" => Fate::Truncated(usize::try_from(number()?).unwrap_or(usize::MAX)),
        "delay" => Fate::Late(time()?),
        "delay-response" => Fate::LateAnswer(time()?),
        "stall" => Fate::Stalled,
        "half-close" => Fate::HalfClosed,
        other => return Err(format!("there is no fate '{other}' of a message to a database")),
    };
    Ok(Cut { at, fate })
}

fn act(text: &str) -> Result<Act, String> {
    let (name, value) = text.split_once(':').unwrap_or((text, ""));
    let number = || value.parse::<u64>().map_err(|_| format!("'{text}' needs a number"));
    let time = || number().map(Duration::from_millis);
    let answer = || answers::answer(value).ok_or_else(|| format!("there is no bad answer '{value}'"));
    Ok(match name {
        "drop-request" => Act::DropRequest,
        "drop-response" => Act::DropResponse,
        "delay" => Act::Delay(time()?),
        "delay-response" => Act::DelayResponse(time()?),
        "stall" => Act::Stall,
        "reset" => Act::Reset,
        "truncate" => Act::Truncate(usize::try_from(number()?).unwrap_or(usize::MAX)),
        "garble" => Act::Garble,
        "duplicate" => Act::Duplicate(u32::try_from(number()?).unwrap_or(1)),
        "echo" => Act::Echo(time()?),
        "late" => Act::Late(time()?),
        "behind" => Act::Behind,
        "endless" => Act::Endless,
        "answer" => Act::Answer(answer()?),
        "answer-after" => Act::AnswerAfter(answer()?),
        other => return Err(format!("there is no act '{other}'")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_can_be_typed_again() {
        for text in [
            "B08=kill@2>B21=kill@1",
            "vendor.POST@1=drop-response",
            "platform.*@3=late:700",
            "vendor.*@1=answer:html",
            "KILL:1500,20000",
            "TERM:1500",
            "PAUSE:1500:1300",
            "FULL:1500:300",
            "FENCE:1150",
            "RESTART:4000",
            "ROTATE",
            "vendor.*@2=behind",
            "database.COMMIT@1=drop-response",
            "database.*@7=truncate:3",
        ] {
            assert_eq!(text.parse::<Trouble>().unwrap().to_string(), text);
        }
        for wrong in [
            "x",
            "KILL:x",
            "database.COMMIT@1=duplicate:2",
            "database.SELECT@1=reset",
            "vendor.POST=drop-response",
            "vendor.POST@1=fly",
            "vendor.*@1=answer:nice",
        ] {
            assert!(wrong.parse::<Trouble>().is_err(), "{wrong}");
        }
    }
}
