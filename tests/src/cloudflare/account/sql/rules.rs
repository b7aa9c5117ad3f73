//! What D1 does not let SQL do, as its engine was seen to decide: `scripts/compare-d1` asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, Error};

/// Limits of D1, which are far below those of SQLite. The length is that of the text from a statement to its end.
const LIMITS: [(Limit, i32); 7] = [
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_LENGTH, 2_200_000),
    (Limit::SQLITE_LIMIT_COLUMN, 100),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
];
const PRAGMAS: [&str; 18] = [
    "case_sensitive_like",
    "data_version",
    "defer_foreign_keys",
    "foreign_key_check",
    "foreign_key_list",
    "foreign_keys",
    "ignore_check_constraints",
    "index_info",
    "index_list",
    "index_xinfo",
    "legacy_alter_table",
    "optimize",
    "quick_check",
    "recursive_triggers",
    "reverse_unordered_selects",
    "table_info",
    "table_list",
    "table_xinfo",
];
const MODULES: [&str; 2] = ["fts5", "fts5vocab"];
/// What would tell about the engine, or leave it.
const FUNCTIONS: [&str; 5] =
    ["fts5_source_id", "load_extension", "sqlite_compileoption_used", "sqlite_source_id", "sqlite_version"];
/// Tables of Cloudflare's own.
const RESERVED: &str = "_cf_";

/// Whether what is prepared is somebody's SQL, and not ours about it.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard(Arc<AtomicBool>);

impl Guard {
    /// Puts the rules on a connection; they hold while the guard is on.
    pub(super) fn watch(&self, connection: &mut Connection) -> Result<(), Error> {
        for (limit, most) in LIMITS {
            connection.set_limit(limit, most)?;
        }
        let on = Arc::clone(&self.0);
        connection.authorizer(Some(move |asked: AuthContext<'_>| {
            if !on.load(Ordering::Relaxed) || is_allowed(&asked.action) {
                Authorization::Allow
            } else {
                Authorization::Deny
            }
        }))
    }

    /// Runs something under the rules.
    pub(super) fn held<Done>(&self, work: impl FnOnce() -> Done) -> Done {
        self.0.store(true, Ordering::Relaxed);
        let done = work();
        self.0.store(false, Ordering::Relaxed);
        done
    }
}

fn is_allowed(action: &AuthAction<'_>) -> bool {
    let is_one_of = |names: &[&str], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    match action {
        AuthAction::Pragma { pragma_name, .. } => is_one_of(&PRAGMAS, pragma_name),
        AuthAction::Function { function_name } => !is_one_of(&FUNCTIONS, function_name),
        AuthAction::CreateVtable { module_name, .. } => is_one_of(&MODULES, module_name),
        AuthAction::CreateTable { table_name }
        | AuthAction::DropTable { table_name }
        | AuthAction::AlterTable { table_name, .. }
        | AuthAction::Read { table_name, .. }
        | AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => !is_reserved(table_name),
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => false,
        _ => true,
    }
}

fn is_reserved(table: &str) -> bool {
    table.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED))
}
