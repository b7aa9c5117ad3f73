//! A case: an operation, how the broker answers, where state is, and what happens.

use std::{fmt, str::FromStr};

use super::{Backend, Manner, Operation, Trouble};

/// See the module. As text: `Create/Sync/sqlite/O04-sent=kill@1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What is done.
    pub operation: Operation,
    /// How the broker answers.
    pub manner: Manner,
    /// Where state is.
    pub backend: Backend,
    /// What happens meanwhile.
    pub trouble: Trouble,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, manner, backend, trouble } = self;
        write!(f, "{operation}/{manner}/{backend}/{trouble}")
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(4, '/').collect();
        let [operation, manner, backend, trouble] = parts[..] else {
            return Err(format!("'{text}' is not OPERATION/MANNER/BACKEND/TROUBLE"));
        };
        Ok(Self {
            operation: operation.parse()?,
            manner: manner.parse()?,
            backend: backend.parse()?,
            trouble: trouble.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_can_be_typed_again() {
        for text in ["Create/Sync/sqlite/O04-sent=kill@1", "Rekey/Async/bucket/bucket.PUT@3=answer:503"] {
            assert_eq!(text.parse::<Case>().unwrap().to_string(), text);
        }
        for wrong in [
            "Create/Sync/sqlite",
            "Make/Sync/sqlite/NONE",
            "Create/Soon/sqlite/NONE",
            "Create/Sync/tape/NONE",
        ] {
            assert!(wrong.parse::<Case>().is_err(), "{wrong}");
        }
    }
}
