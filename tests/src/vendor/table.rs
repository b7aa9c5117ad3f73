//! Which calls may be made at all: those in the tables of the providers, whatever else the vendor offers (S-62).

/// The calls that may be made.
#[derive(Debug, Clone, Default)]
pub enum Table {
    /// Everything that the contract knows.
    #[default]
    Anything,
    /// Only these: a method, and the parts of a path, of which those in braces vary.
    Only(Vec<(String, Vec<String>)>),
}

impl Table {
    /// Only these calls: a method, and a path in which what is in braces varies.
    pub(crate) fn only<M: ToString, T: AsRef<str>>(calls: impl IntoIterator<Item = (M, T)>) -> Self {
        let call = |(method, template): (M, T)| {
            let parts = template.as_ref().trim_start_matches('/').split('/').map(str::to_owned).collect();
            (method.to_string(), parts)
        };
        Self::Only(calls.into_iter().map(call).collect())
    }

    /// Whether a call may be made; `parts` are those of its path behind the base path.
    pub(crate) fn allows(&self, method: &str, parts: &[String]) -> bool {
        let Self::Only(calls) = self else { return true };
        calls.iter().any(|(allowed, template)| allowed == method && fits(template, parts))
    }
}

fn fits(template: &[String], parts: &[String]) -> bool {
    template.len() == parts.len()
        && template.iter().zip(parts).all(|(expected, part)| expected.starts_with('{') || expected == part)
}
