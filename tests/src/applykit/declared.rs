//! What is declared, and what is done to it.

use std::{fmt, str::FromStr};

/// What is done to the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Everything is made.
    Create,
    /// A database gets other parameters.
    Update,
    /// A database is made anew, and the token for it too.
    Replace,
    /// A token gets another ref.
    Rename,
    /// A token's binding is made anew, and the one before it goes.
    Rotate,
    /// A token's binding goes.
    Unbind,
    /// A token goes.
    Delete,
    /// Everything goes.
    Teardown,
    /// A creation in doubt is deleted and made anew.
    Mitigate,
    /// A binding in doubt is set aside and made anew.
    Renew,
    /// A plan is saved in place of another one.
    Plan,
    /// A plan that was saved is carried out.
    Saved,
    /// Everything is sealed with another key.
    Rekey,
}

/// How the broker answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// With what it has done.
    Sync,
    /// That it goes on by itself.
    Async,
}

/// What is declared: two databases, and a token for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Of the first database: a parameter that can be changed.
    pub replication: &'static str,
    /// Of the first database: a parameter that cannot.
    pub hint: &'static str,
    /// Whether the token is bound.
    pub bound: bool,
    /// Whether there is a token.
    pub token: bool,
    /// The ref of the token.
    pub called: &'static str,
}

const PLAIN: Declared =
    Declared { replication: "disabled", hint: "weur", bound: true, token: true, called: "token" };

/// The name of a plan that was saved.
pub(super) const SAVED: &str = "plan.sealed";

impl Operation {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Create,
        Self::Update,
        Self::Replace,
        Self::Rename,
        Self::Rotate,
        Self::Unbind,
        Self::Delete,
        Self::Teardown,
        Self::Mitigate,
        Self::Renew,
        Self::Plan,
        Self::Saved,
        Self::Rekey,
    ];

    /// What is there before, if anything.
    #[must_use]
    pub fn before(self) -> Option<Declared> {
        match self {
            Self::Create | Self::Mitigate | Self::Renew => None,
            Self::Update
            | Self::Replace
            | Self::Rename
            | Self::Rotate
            | Self::Unbind
            | Self::Delete
            | Self::Teardown
            | Self::Plan
            | Self::Saved
            | Self::Rekey => Some(PLAIN),
        }
    }

    /// What is to be there afterwards.
    #[must_use]
    pub fn after(self) -> Declared {
        match self {
            Self::Create | Self::Teardown | Self::Mitigate | Self::Renew | Self::Rekey | Self::Rotate => {
                PLAIN
            }
            Self::Update | Self::Plan | Self::Saved => Declared { replication: "auto", ..PLAIN },
            Self::Replace => Declared { hint: "enam", ..PLAIN },
            Self::Rename => Declared { called: "key", ..PLAIN },
            Self::Unbind => Declared { bound: false, ..PLAIN },
            Self::Delete => Declared { token: false, ..PLAIN },
        }
    }

    /// What `sutler` is told, one run after another. The last one is disturbed.
    #[must_use]
    pub fn runs(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Teardown => &[&["teardown", "--yes"]],
            Self::Mitigate | Self::Renew => &[&["apply", "--yes", "--on-ambiguous", "mitigate"]],
            Self::Plan => &[&["plan", "--out", SAVED], &["plan", "--out", SAVED]],
            Self::Saved => &[&["plan", "--out", SAVED], &["apply", SAVED]],
            Self::Rekey => &[&["state", "rekey"]],
            Self::Rotate => &[&["rotate", "token", "--yes", "--grace", "0s"]],
            _ => &[&["apply", "--yes", "--prune"]],
        }
    }

    /// The run that is disturbed.
    #[must_use]
    pub fn disturbed(self) -> &'static [&'static str] {
        self.runs().last().copied().unwrap_or_default()
    }

    /// What finishes it, whatever policy the run had that was disturbed.
    #[must_use]
    pub fn finishing(self) -> &'static [&'static str] {
        match self {
            Self::Teardown => &["teardown", "--yes"],
            _ => &["apply", "--yes", "--prune"],
        }
    }

    /// Where an earlier run has died, whose doubt is what this operation is about.
    #[must_use]
    pub fn earlier(self) -> Option<&'static str> {
        match self {
            Self::Mitigate => Some("O04-after=kill@1"),
            Self::Renew => Some("O09-after=kill@1"),
            _ => None,
        }
    }
}

/// Where things are that a configuration names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses<'a> {
    /// Of the broker.
    pub(super) broker: &'a str,
    /// Of the state.
    pub(super) state: &'a str,
    /// Of the file of events.
    pub(super) events: &'a str,
    /// Of the sealed variables.
    pub(super) sink: &'a str,
}

/// The configuration that declares it.
#[must_use]
pub(super) fn configuration(declared: Declared, addresses: Addresses<'_>) -> String {
    let Declared { replication, hint, bound, token, called } = declared;
    let Addresses { broker, state, events, sink } = addresses;
    let bind = if bound { "    bind: { token: DB_TOKEN }\n" } else { "" };
    let token = if token {
        format!(
            "  {called}:\n    service: cloudflare-token\n    name: sweep-token\n    params: {{ resources: {{ database: \
             \"@db.database_id\" }}, ttl_hours: 720 }}\n{bind}"
        )
    } else {
        String::new()
    };
    let moved =
        if called == PLAIN.called { String::new() } else { format!("moved: {{ token: {called} }}\n") };
    format!(
        "stack: sweep\n{moved}brokers:\n  data:\n    url: {broker}\n    auth: {{ basic: {{ username: platform, password: {{ env: \
         DATA_BROKER_PASSWORD }} }} }}\nstate: \"{state}\"\nsinks: {{ env: {{ dotenv: \"{sink}\" }} }}\nevents: {{ file: \
         \"{events}\" }}\ninstances:\n  db:\n    service: cloudflare-d1\n    name: sweep-db\n    params: {{ \
         primary_location_hint: {hint}, read_replication: {replication} }}\n    bind: {{ database_id: DB_ID }}\n  other: \
         {{ service: cloudflare-d1, name: sweep-other }}\n{token}"
    )
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|operation| operation.to_string() == text);
        found.ok_or_else(|| format!("there is no operation '{text}'; there are {:?}", Self::ALL))
    }
}

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Sync { "Sync" } else { "Async" })
    }
}

impl FromStr for Manner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "Sync" => Ok(Self::Sync),
            "Async" => Ok(Self::Async),
            other => Err(format!("a broker answers Sync or Async, not '{other}'")),
        }
    }
}
