//! The rows: every requirement of the specification on a broker, and what platforms do beyond it, each in a few words.

mod bindings;
mod general;
mod instances;
mod quirks;

use std::sync::LazyLock;

/// How binding a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names are the specification's words")]
pub enum Level {
    Must,
    MustNot,
    Should,
    ShouldNot,
    May,
    /// What the specification states without such a word.
    Fact,
    /// What follows from other rows.
    Derived,
}

impl Level {
    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::May => "MAY",
            Self::Fact => "FACT",
            Self::Derived => "DERIVED",
        }
    }

    /// Whether the specification leaves no choice.
    #[must_use]
    pub fn is_demand(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }
}

/// A requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `B-…` from the specification, `Q-…` from platforms.
    pub id: &'static str,
    /// How binding it is. What platforms want is advice.
    pub level: Level,
    /// What is required, in a few words.
    pub words: &'static str,
}

/// A table of rows: id, level, words.
macro_rules! rows {
    ($($id:literal $level:ident $words:literal;)*) => {
        pub(super) const PART: &[$crate::conformance::Row] = &[
            $($crate::conformance::Row { id: $id, level: $crate::conformance::Level::$level, words: $words },)*
        ];
    };
}

use rows;

/// Every row, in the order of the specification.
pub static ROWS: LazyLock<Vec<Row>> =
    LazyLock::new(|| [general::PART, instances::PART, bindings::PART, quirks::PART].concat());

/// The row of that id.
pub(super) fn row(id: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.id == id)
}

/// The chapter an id belongs to.
#[must_use]
pub(super) fn topic(id: &str) -> &'static str {
    let group = id.split('-').nth(1).unwrap_or_default();
    match group {
        "VER" => "Version header",
        "OID" | "RID" => "Originating identity, request identity",
        "EXT" => "Vendor extensions, changes of the specification",
        "AUTH" => "Authentication and transport",
        "URL" => "Identifiers in URLs",
        "ERR" => "Errors",
        "CT" => "Content type",
        "CAT" => "Catalog",
        "CSV" => "Service offering",
        "CPL" => "Service plan",
        "CSC" => "Schemas",
        "CMI" => "Maintenance info",
        "SYN" => "Synchronous and asynchronous",
        "CON" => "Concurrency",
        "LOI" => "Last operation of instances",
        "LOB" | "POL" => "Last operation of bindings",
        "PROV" => "Provision",
        "FIN" => "Fetch instance",
        "UPD" => "Update",
        "MET" => "Instance metadata",
        "BIND" => "Bind",
        "BRO" => "What a binding yields",
        "ROT" => "Rotation",
        "FBN" => "Fetch binding",
        "UNB" => "Unbind",
        "DEP" => "Deprovision",
        "ORP" => "Orphans",
        "PROF" => "Profile",
        _ => "What platforms want beyond the specification",
    }
}
