//! `migrations.sum`: a line for each migration, each hashed over the one that it comes after. Two branches that both add
//! one change the same place, so that version control tells before we do.

use std::path::Path;

use super::damage::Damage;
use super::id::MigrationId;
use crate::state::Hash;

/// What the file is called.
pub(super) const NAME: &str = "migrations.sum";
/// What it begins with.
const HEAD: &str = "sutler-migrations 1";
const RESTORE: &str = "restore it from version control; it is written by `sutler generate` and not by hand";

/// What is written of one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) id: MigrationId,
    /// The one that it comes after.
    pub(super) parent: Option<MigrationId>,
    /// SHA-256 of `steps.yaml`.
    pub(super) steps: Hash,
    /// SHA-256 of `snapshot.json`.
    pub(super) snapshot: Hash,
    /// Over all of this and that of the parent.
    pub(super) chain: Hash,
}

impl Line {
    /// The line of a migration with these files.
    pub(super) fn new(
        (id, parent): (&MigrationId, Option<(&MigrationId, Hash)>),
        (steps, snapshot): (&[u8], &[u8]),
    ) -> Self {
        let (steps, snapshot) = (Hash::of(&[steps]), Hash::of(&[snapshot]));
        let chain = chain((id, parent.map(|(_, chain)| chain)), (steps, snapshot));
        let parent = parent.map(|(id, _)| id.clone());
        Self { id: id.clone(), parent, steps, snapshot, chain }
    }

    /// Whether it hangs on the parent with this chain.
    pub(super) fn hangs_on(&self, parent: Option<Hash>) -> bool {
        chain((&self.id, parent), (self.steps, self.snapshot)) == self.chain
    }

    fn written(&self) -> String {
        let parent = self.parent.as_ref().map_or("-", MigrationId::as_str);
        let Self { id, steps, snapshot, chain, .. } = self;
        format!("{id} after={parent} steps={steps} snapshot={snapshot} chain={chain}\n")
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let id = MigrationId::new(words.next()?).ok()?;
        let mut field = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        let parent = match field("after")?.as_str() {
            "-" => None,
            parent => Some(MigrationId::new(parent).ok()?),
        };
        let mut hash = |name: &str| field(name)?.parse::<Hash>().ok();
        let line =
            Self { id, parent, steps: hash("steps")?, snapshot: hash("snapshot")?, chain: hash("chain")? };
        words.next().is_none().then_some(line)
    }
}

fn chain((id, parent): (&MigrationId, Option<Hash>), (steps, snapshot): (Hash, Hash)) -> Hash {
    let parent = parent.map(|hash| hash.to_string()).unwrap_or_default();
    let (steps, snapshot) = (steps.to_string(), snapshot.to_string());
    Hash::of(&[
        b"migration",
        parent.as_bytes(),
        id.as_str().as_bytes(),
        steps.as_bytes(),
        snapshot.as_bytes(),
    ])
}

/// The file with these lines.
pub(super) fn written<'l>(lines: impl IntoIterator<Item = &'l Line>) -> String {
    let mut text = format!("{HEAD}\n");
    text.extend(lines.into_iter().map(Line::written));
    text
}

/// The lines, each with its number.
///
/// # Errors
/// Every line that is none.
pub(super) fn read(path: &Path, text: &str) -> Result<Vec<(usize, Line)>, Vec<Damage>> {
    let mut lines = (1..).zip(text.lines());
    match lines.next() {
        Some((_, HEAD)) => {}
        Some((_, newer)) if newer.starts_with("sutler-migrations ") => {
            let what = "it was written by a newer program";
            return Err(vec![Damage::at((path, 1), what, "install the version that wrote it")]);
        }
        _ => return Err(vec![Damage::at((path, 1), format!("it does not begin with '{HEAD}'"), RESTORE)]),
    }
    if !text.ends_with('\n') {
        let what = "it ends in the middle of a line";
        return Err(vec![Damage::at((path, text.lines().count()), what, RESTORE)]);
    }
    let (mut found, mut damages) = (Vec::new(), Vec::new());
    for (number, text) in lines {
        match Line::read(text) {
            Some(line) => found.push((number, line)),
            None if is_conflict(text) => damages.push(Damage::at(
                (path, number),
                "two branches added a migration",
                "keep the lines of both and remove the markers, then: sutler migrations rebase ID",
            )),
            None => damages.push(Damage::at((path, number), "this line is not what was written", RESTORE)),
        }
    }
    if damages.is_empty() { Ok(found) } else { Err(damages) }
}

fn is_conflict(text: &str) -> bool {
    ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|marker| text.starts_with(marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> MigrationId {
        MigrationId::new(text).unwrap()
    }

    fn two() -> [Line; 2] {
        let first = Line::new((&id("0001_init"), None), (b"s", b"n"));
        let second = Line::new((&id("0002_more"), Some((&first.id, first.chain))), (b"s", b"n"));
        [first, second]
    }

    #[test]
    fn what_was_written_is_read_again_with_its_line_numbers() {
        let lines = two();
        let read = read(Path::new("m.sum"), &written(&lines)).unwrap();
        assert_eq!(read, [(2, lines[0].clone()), (3, lines[1].clone())]);
        assert!(lines[1].hangs_on(Some(lines[0].chain)) && lines[0].hangs_on(None));
        assert!(!lines[1].hangs_on(None) && lines[0].chain != lines[1].chain);
    }

    #[test]
    fn a44_any_change_of_the_file_is_noticed_and_its_line_is_named() {
        let text = written(&two());
        let broken = |text: &str| match read(Path::new("m.sum"), text) {
            Err(damages) => Some(damages[0].to_string()),
            Ok(lines) => {
                let mut before = None;
                let bad = lines.iter().find(|(_, line)| !line.hangs_on(before.replace(line.chain)));
                bad.map(|(number, _)| format!("m.sum:{number}: the chain"))
            }
        };
        assert_eq!(broken(&text), None);
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            let line = text[..at].matches('\n').count() + 1;
            match broken(&changed) {
                Some(told) => {
                    let same_lines = changed.lines().count() == 3;
                    assert!(!same_lines || told.starts_with(&format!("m.sum:{line}")), "{at}: {told}");
                }
                // who the parent is, the chain of all of them tells
                None => {
                    assert!(text[..=at].rsplit([' ', '\n']).next().unwrap().starts_with("after="), "{at}")
                }
            }
        }
        let conflict = text.replace("0002_more", "<<<<<<< HEAD\n0002_more");
        assert!(broken(&conflict).unwrap().contains("m.sum:3: two branches"), "{conflict}");
        assert!(broken(&text[..text.len() - 1]).unwrap().contains("m.sum:3"));
    }
}
