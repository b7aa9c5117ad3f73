//! What stands behind the last statement of a text.

/// Where a scan of SQL is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between or in statements.
    Code,
    /// In a text or a quoted name, which ends with this character.
    Quoted(u8),
    /// Behind two dashes.
    Line,
    /// Between `/*` and `*/`.
    Block,
}

/// Whether something follows the last semicolon that ended a statement, and it is no statement: a comment, or one more
/// semicolon. D1's engine takes that for a statement that is not there, and refuses the whole text. Blanks are nothing.
pub(super) fn is_without_statement(text: &str) -> bool {
    let bytes = text.trim_end().as_bytes();
    let (mut place, mut at) = (Place::Code, 0);
    let (mut has_statement, mut has_anything) = (false, false);
    while at < bytes.len() {
        let here = bytes[at];
        let two = [here, bytes.get(at + 1).copied().unwrap_or_default()];
        match place {
            Place::Code if here == b';' => {
                // the end of nothing belongs to what is not there
                has_anything = !has_statement;
                has_statement = false;
            }
            Place::Code if here.is_ascii_whitespace() => {}
            Place::Code => {
                has_anything = true;
                place = match (two, here) {
                    ([b'-', b'-'], _) => Place::Line,
                    ([b'/', b'*'], _) => Place::Block,
                    (_, b'\'' | b'"' | b'`') => Place::Quoted(here),
                    (_, b'[') => Place::Quoted(b']'),
                    _ => Place::Code,
                };
                has_statement |= !matches!(place, Place::Line | Place::Block);
            }
            Place::Quoted(end) if here == end => place = Place::Code,
            Place::Line if here == b'\n' => place = Place::Code,
            Place::Block if two == [b'*', b'/'] => {
                place = Place::Code;
                at += 1;
            }
            Place::Quoted(_) | Place::Line | Place::Block => {}
        }
        at += 1;
    }
    has_anything && !has_statement
}

#[cfg(test)]
mod tests {
    use super::is_without_statement;

    #[test]
    fn only_a_comment_or_a_semicolon_too_many_is_in_the_way() {
        for fine in [
            "SELECT 1",
            "SELECT 1;",
            "SELECT 1;\n\n",
            ";SELECT 1",
            "SELECT 1; ; SELECT ';' -- c",
            "SELECT 1 /* x */;",
        ] {
            assert!(!is_without_statement(fine), "{fine:?}");
        }
        for refused in
            ["SELECT 1; -- end", "SELECT 1; /* end */", "SELECT 1;;", "-- c", ";", "SELECT '--';\n--\n"]
        {
            assert!(is_without_statement(refused), "{refused:?}");
        }
    }
}
