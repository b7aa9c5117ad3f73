//! What refs used to be: `moved:` gives a record another ref, `removed:` forgets one without deleting.

use indexmap::{IndexMap, IndexSet};

use super::Gather;
use crate::{
    config::{
        Declaration,
        problem::{At, Finding},
        strict::Entries,
    },
    name::InstanceRef,
    nearest::{listed, nearest},
};

/// What each ref is called now, however often it moved. An instance has one past: two old refs for one new one are refused.
pub(super) fn moved(
    file: Entries<String>,
    instances: &IndexMap<InstanceRef, Declaration>,
    gather: &mut Gather,
) -> IndexMap<InstanceRef, InstanceRef> {
    let mut moved: IndexMap<InstanceRef, InstanceRef> = IndexMap::with_capacity(file.0.len());
    for (old, new) in file.0 {
        let (key, value) = (|| At::key(&["moved", &old]), || At::value(&["moved", &old]));
        let (Some(from), Some(to)) =
            (gather.name(InstanceRef::new(&old), key), gather.name(InstanceRef::new(&new), value))
        else {
            continue;
        };
        if instances.contains_key(&from) {
            let message = format!("'{from}' is said to have moved, and is declared all the same");
            let help = format!("give the other one another ref, or take '{from}' out of moved");
            gather.add(Finding::new(message).at(key()).help(help));
        }
        if let Some((other, _)) = moved.iter().find(|(_, known)| **known == to) {
            let message = format!("both '{other}' and '{from}' are said to have become '{to}'");
            gather
                .add(Finding::new(message).at(value()).help("one instance has one past: leave one of them"));
        }
        if moved.contains_key(&from) {
            gather.duplicates = true;
        }
        moved.insert(from, to);
    }
    for (from, to) in &moved {
        if !instances.contains_key(to) && !moved.contains_key(to) {
            gather.add(nowhere(from, to, instances));
        } else if end(&moved, from).is_none() {
            let message = format!("'{from}' is said to have moved in a circle");
            let at = At::key(&["moved", from.as_str()]);
            gather.add(Finding::new(message).at(at).help("say what each is called now"));
        }
    }
    moved.keys().filter_map(|from| Some((from.clone(), end(&moved, from)?.clone()))).collect()
}

/// What a ref is called now, at the end of all its moves; nothing when they go round in a circle.
fn end<'m>(moved: &'m IndexMap<InstanceRef, InstanceRef>, from: &InstanceRef) -> Option<&'m InstanceRef> {
    let mut now = moved.get(from)?;
    for _ in 0..moved.len() {
        match moved.get(now) {
            None => return Some(now),
            Some(next) => now = next,
        }
    }
    None
}

fn nowhere(from: &InstanceRef, to: &InstanceRef, instances: &IndexMap<InstanceRef, Declaration>) -> Finding {
    let known = || instances.keys().map(InstanceRef::as_str);
    let help = match nearest(to.as_str(), known()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("declared instances: {}", listed(known())),
    };
    let message = format!("'{from}' is said to have become '{to}', which is not declared");
    Finding::new(message).at(At::value(&["moved", from.as_str()])).help(help)
}

/// Which refs are to be forgotten.
pub(super) fn removed(
    file: Vec<String>,
    instances: &IndexMap<InstanceRef, Declaration>,
    gather: &mut Gather,
) -> IndexSet<InstanceRef> {
    let mut removed = IndexSet::with_capacity(file.len());
    for (at, written) in file.iter().enumerate() {
        let position = at.to_string();
        let place = || At::value(&["removed", &position]);
        let Some(reference) = gather.name(InstanceRef::new(written), place) else { continue };
        if instances.contains_key(&reference) {
            let message = format!("'{reference}' is to be forgotten, and is declared all the same");
            let help = "take its declaration out, or take it out of removed";
            gather.add(Finding::new(message).at(place()).help(help));
        }
        removed.insert(reference);
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> InstanceRef {
        InstanceRef::new(text).unwrap()
    }

    #[test]
    fn the_end_of_a_chain_of_moves_is_found_and_a_circle_has_none() {
        let of = |pairs: &[(&str, &str)]| -> IndexMap<_, _> {
            pairs.iter().map(|(from, to)| (name(from), name(to))).collect()
        };
        let chain = of(&[("a", "b"), ("b", "c")]);
        assert_eq!(end(&chain, &name("a")), Some(&name("c")));
        assert_eq!(end(&chain, &name("c")), None);
        let circle = of(&[("a", "b"), ("b", "a")]);
        assert_eq!(end(&circle, &name("a")), None);
    }
}
