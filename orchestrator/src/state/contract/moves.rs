//! A place that a state leaves and arrives at: what others see of it meanwhile, and that nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sutler_secrets::KeyRing;

use super::{Harm, Storage, expired, locked, put, refs};
use crate::state::movable::Swap;
use crate::state::relocation::{self, Route, Start, Terms, abort, compare, relocate, remove_source};
use crate::state::samples::{claim, entry, record, reference, stack};
use crate::state::standing::{Cargo, Copied, Move, Remains, Side, Standing, current};
use crate::state::{
    Change, Claim, Entry, Extent, Holder, Kind, LedgerKind, Movable, Notice, Secrecy, SqliteBackend, State,
    StateBackend, StateError, Vault,
};

/// Another place, in a file of its own.
struct Elsewhere(tempfile::TempDir);

impl Elsewhere {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn StateBackend> {
        Arc::new(SqliteBackend::new(self.0.path().join("state.db"), stack("shop")))
    }

    fn open_to_move(&self) -> Arc<dyn Movable> {
        Arc::new(SqliteBackend::to_move(self.0.path().join("state.db"), stack("shop")))
    }
}

fn terms() -> Terms {
    let (lease, patience) = (Duration::from_secs(60), Duration::ZERO);
    Terms { holder: Holder::this_process("ada", "state migrate"), lease, patience, notice: Notice::none() }
}

fn route(source: Arc<dyn Movable>, target: Arc<dyn Movable>) -> Route {
    let (from, to) = (source.location(), target.location());
    Route { source, from, target, to }
}

/// From a file to the place under test.
fn arriving_at(storage: &impl Storage, elsewhere: &Elsewhere) -> Route {
    route(elsewhere.open_to_move(), storage.open_to_move())
}

/// From the place under test to a file.
fn leaving(storage: &impl Storage, elsewhere: &Elsewhere) -> Route {
    route(storage.open_to_move(), elsewhere.open_to_move())
}

/// A state with records, a removal, and two revisions.
async fn fill(backend: &dyn StateBackend) {
    let lock = locked(backend).await;
    for name in ["a", "b", "c"] {
        put(backend, &lock, name).await;
    }
    backend.compact(&lock, 9).await.unwrap();
    put(backend, &lock, "a").await;
    backend.commit(&lock, vec![Change::remove(reference("c"), "deleted")]).await.unwrap();
    backend.compact(&lock, 9).await.unwrap();
    backend.unlock(&lock).await.unwrap();
}

/// Everything that must be the same wherever a state is.
#[derive(Debug, PartialEq)]
struct All {
    state: State,
    journal: Vec<Entry>,
    of_one: Vec<Entry>,
    revisions: Vec<crate::state::Revision>,
    snapshots: Vec<Option<crate::state::Snapshot>>,
}

async fn all(backend: &dyn StateBackend) -> All {
    backend.verify(Extent::Everything).await.unwrap();
    let revisions = backend.revisions().await.unwrap();
    let mut snapshots = Vec::new();
    for revision in &revisions {
        snapshots.push(backend.revision(revision.serial).await.unwrap());
    }
    All {
        state: backend.load().await.unwrap(),
        journal: backend.journal(0, usize::MAX >> 1).await.unwrap(),
        of_one: backend.history(&reference("a"), 0, 99).await.unwrap(),
        revisions,
        snapshots,
    }
}

fn a_move() -> Move {
    let head = crate::state::journal::of_text("head");
    let cargo = Cargo { serial: 1, sequence: 1, head, records: 1, revisions: 1 };
    let ends = ("sqlite:/from.db".to_owned(), "sqlite:/to.db".to_owned());
    Move::begin(ends, &Holder::this_process("ada", "state migrate"), cargo)
}

/// Makes a place say something, from one standing to another.
async fn say(place: &dyn Movable, from: &Standing, to: &Standing) {
    let lock = place.lock(&claim(place, "test").await).await.unwrap();
    place.stand(&lock, Swap { from, to }).await.unwrap();
    assert_eq!(&place.standing().await.unwrap(), to);
    place.unlock(&lock).await.unwrap();
}

pub(in crate::state) async fn a_place_that_never_moved_is_what_it_is(storage: &impl Storage) {
    let place = storage.open_to_move();
    assert_eq!(place.standing().await.unwrap(), Standing::Nothing);
    assert!(place.identity().await.unwrap().is_none());
    fill(&*storage.open()).await;
    assert_eq!(storage.open_to_move().standing().await.unwrap(), Standing::Current);
    assert_eq!(all(&*storage.open_to_move()).await, all(&*storage.open()).await);
}

pub(in crate::state) async fn what_leaves_can_be_read_and_not_changed(storage: &impl Storage) {
    let backend = storage.open();
    fill(&*backend).await;
    let before = all(&*backend).await;
    let to_lock = claim(&*backend, "apply").await;
    say(&*storage.open_to_move(), &Standing::Current, &Standing::Leaving(a_move())).await;
    for backend in [backend, storage.open()] {
        assert_eq!(all(&*backend).await, before);
        assert!(backend.lock_holder().await.unwrap().is_none());
        let error = backend.lock(&to_lock).await.unwrap_err();
        assert!(matches!(error, StateError::Leaving { .. }) && error.kind() == Kind::Locked, "{error}");
        let text = error.to_string();
        for told in ["ada", "sqlite:/to.db", "--resume", "--abort", &backend.location()] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }
}

/// Every way in is closed, with this error.
async fn closed(storage: &impl Storage, claim: &Claim, is_it: impl Fn(&StateError) -> bool) -> String {
    let backend = storage.open();
    let errors = [
        backend.load().await.err(),
        backend.verify(Extent::SinceRevision).await.err(),
        backend.lock(claim).await.err(),
        backend.lock_holder().await.err(),
        backend.journal(0, 9).await.err(),
        backend.history(&reference("a"), 0, 9).await.err(),
        backend.revisions().await.err(),
        backend.revision(3).await.err(),
        backend.force_unlock(uuid::Uuid::new_v4()).await.err(),
    ];
    for (number, error) in errors.iter().enumerate() {
        let error = error.as_ref().unwrap_or_else(|| panic!("way {number} is open"));
        assert!(is_it(error), "way {number}: {error}");
    }
    errors[0].as_ref().unwrap().to_string()
}

pub(in crate::state) async fn a_tombstone_says_where_the_state_went(storage: &impl Storage) {
    fill(&*storage.open()).await;
    let to_lock = claim(&*storage.open(), "apply").await;
    let (of, place) = (a_move(), storage.open_to_move());
    let before = all(&*place).await;
    say(&*place, &Standing::Current, &Standing::Leaving(of.clone())).await;
    say(&*place, &Standing::Leaving(of.clone()), &Standing::Left(of, Remains::Whole)).await;
    let told = closed(storage, &to_lock, |error| matches!(error, StateError::Left { .. })).await;
    assert!(told.contains("state: sqlite:/to.db") && told.contains("ada"), "{told}");
    assert_eq!(all(&*storage.open_to_move()).await, before, "a move sees everything that is there");
}

pub(in crate::state) async fn an_arriving_copy_is_nobodys_state(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    fill(&*elsewhere.open()).await;
    let to_lock = claim(&*elsewhere.open(), "apply").await;
    let identity = elsewhere.open_to_move().identity().await.unwrap().unwrap();
    let (of, place) = (a_move(), storage.open_to_move());
    let arriving = Standing::Arriving(of.clone(), Copied::default());
    place.prepare(&identity, &arriving).await.unwrap();
    assert_eq!(place.standing().await.unwrap(), arriving);
    let told = closed(storage, &to_lock, |error| matches!(error, StateError::Arriving { .. })).await;
    assert!(told.contains("sqlite:/from.db") && told.contains("--resume"), "{told}");
    // once more is not anew
    let other = Standing::Arriving(a_move(), Copied::default());
    place.prepare(&identity, &other).await.unwrap();
    assert_eq!(storage.open_to_move().standing().await.unwrap(), arriving);
    let lock = place.lock(&to_lock).await.unwrap();
    assert!(lock.fence > identity.fence, "the fence goes on");
}

pub(in crate::state) async fn only_the_holder_of_the_lock_swaps_a_standing(storage: &impl Storage) {
    let backend = storage.open();
    let lost = expired(&*backend).await;
    put(&*backend, &lost, "a").await;
    let kept = locked(&*storage.open()).await;
    let leaving = Standing::Leaving(a_move());
    let swap = Swap { from: &Standing::Current, to: &leaving };
    let place = storage.open_to_move();
    assert_eq!(place.stand(&lost, swap).await.unwrap_err().kind(), Kind::LockLost);
    assert_eq!(place.standing().await.unwrap(), Standing::Current);
    place.stand(&kept, swap).await.unwrap();
}

pub(in crate::state) async fn a_standing_is_swapped_once(storage: &impl Storage) {
    fill(&*storage.open()).await;
    let place = storage.open_to_move();
    let lock = place.lock(&claim(&*place, "test").await).await.unwrap();
    let (one, other) = (Standing::Leaving(a_move()), Standing::Leaving(a_move()));
    place.stand(&lock, Swap { from: &Standing::Current, to: &one }).await.unwrap();
    for from in [&Standing::Current, &other] {
        let error = place.stand(&lock, Swap { from, to: &other }).await.unwrap_err();
        assert!(matches!(error, StateError::Replaced { .. }), "{error}");
    }
    assert_eq!(place.standing().await.unwrap(), one);
}

pub(in crate::state) async fn a_move_that_is_given_up_leaves_everything_as_it_was(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    fill(&*storage.open()).await;
    let before = all(&*storage.open()).await;
    let route = leaving(storage, &elsewhere);
    let none = abort(&route, &terms()).await.unwrap_err();
    assert!(none.to_string().contains("none to give up"), "{none}");
    let of = Move { from: route.from.clone(), to: route.to.clone(), ..a_move() };
    say(&*route.source, &Standing::Current, &Standing::Leaving(of.clone())).await;
    let identity = route.source.identity().await.unwrap().unwrap();
    route.target.prepare(&identity, &Standing::Arriving(of.clone(), Copied::default())).await.unwrap();
    let given_up = abort(&route, &terms()).await.unwrap();
    assert_eq!((given_up.of.id, given_up.left), (of.id, None));
    assert_eq!(route.target.standing().await.unwrap(), Standing::Nothing);
    assert_eq!(std::fs::read_dir(elsewhere.0.path()).unwrap().count(), 0, "nothing is left of it");
    assert_eq!(all(&*storage.open()).await, before);
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "d").await;
    backend.verify(Extent::Everything).await.unwrap();
}

/// The whole way; then the state goes on where it is.
async fn goes_on(route: &Route, (old, new): (Arc<dyn StateBackend>, Arc<dyn StateBackend>)) {
    let before = all(&*old).await;
    let fence = route.source.identity().await.unwrap().unwrap().fence;
    let moved = relocate(route, &terms(), Start::Anew).await.unwrap();
    assert_eq!((moved.copied, moved.verified, moved.mended), (3, 3, 0), "a page and two revisions");
    assert_eq!(all(&*new).await, before);
    let sides = (route.source.standing().await.unwrap(), route.target.standing().await.unwrap());
    assert_eq!(current(&sides.0, &sides.1), Some(Side::Target));
    assert_eq!(sides.1, Standing::Current);
    assert!(matches!(old.load().await, Err(StateError::Left { .. })));
    assert_eq!(compare(route).await.unwrap().entries, before.journal.len() as u64);
    let lock = locked(&*new).await;
    assert!(lock.fence > fence, "no lock from before is as high");
    assert_eq!(put(&*new, &lock, "c").await, before.state.serial + 1);
    new.compact(&lock, 9).await.unwrap();
    new.unlock(&lock).await.unwrap();
    let last = new.history(&reference("c"), 0, 99).await.unwrap().pop().unwrap();
    assert_eq!((last.ordinal, last.incarnation), (3, 2), "counted on");
    assert_eq!(refs(&*new).await, ["a", "b", "c"]);
    assert_eq!(new.revisions().await.unwrap().len(), 3);
    new.verify(Extent::Everything).await.unwrap();
    // what came since does not hinder a comparison
    compare(route).await.unwrap();
    let again = relocate(route, &terms(), Start::Resumed).await.unwrap();
    assert_eq!((again.copied, again.verified), (0, 0), "nothing is left to do");
}

pub(in crate::state) async fn i_27_a_state_that_arrived_is_the_one_that_left(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    fill(&*elsewhere.open()).await;
    goes_on(&arriving_at(storage, &elsewhere), (elsewhere.open(), storage.open())).await;
}

pub(in crate::state) async fn i_27_a_state_that_left_is_the_one_that_arrives(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    fill(&*storage.open()).await;
    goes_on(&leaving(storage, &elsewhere), (storage.open(), elsewhere.open())).await;
}

pub(in crate::state) async fn what_is_sealed_opens_at_the_new_place(storage: &impl Storage) {
    let (elsewhere, ring) = (Elsewhere::new(), Arc::new(KeyRing::generate(Timestamp::now())));
    let vault = Vault::with_ring(Arc::clone(&ring), &State::empty(stack("shop")), "test").unwrap();
    let source = elsewhere.open();
    let holder = Holder::this_process("ada", "test");
    let to_lock = Claim { holder, lease: Duration::from_secs(60), seed: vault.seed() };
    let lock = source.lock(&to_lock).await.unwrap();
    let (db, digest) = (reference("db"), ring.digest("output", b"hunter2"));
    let mut kept = record("db");
    kept.asked.parameters = vault.seal_parameters(&db, &json!({ "password": "hunter2" }));
    kept.outputs =
        [("token".to_owned(), vault.output((&db, "token"), (json!("hunter2"), digest), Secrecy::Secret))]
            .into();
    source.commit(&lock, vec![Change::put(kept, "created")]).await.unwrap();
    source.unlock(&lock).await.unwrap();
    relocate(&arriving_at(storage, &elsewhere), &terms(), Start::Anew).await.unwrap();
    let state = storage.open().load().await.unwrap();
    let vault = Vault::with_ring(ring, &state, "there").unwrap();
    let record = &state.records[0];
    let opened = vault.open_parameters(&db, &record.asked.parameters).unwrap();
    assert_eq!(opened.expose()["password"], "hunter2");
    let opened = vault.open_output(&db, "token", &record.outputs["token"]).unwrap();
    assert_eq!(opened.expose(), &json!("hunter2"));
}

pub(in crate::state) async fn a_target_that_holds_something_is_left_alone(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    fill(&*elsewhere.open()).await;
    fill(&*storage.open()).await;
    let (ours, theirs) = (all(&*elsewhere.open()).await, all(&*storage.open()).await);
    let route = arriving_at(storage, &elsewhere);
    let of = Move { from: "sqlite:/another.db".to_owned(), ..a_move() };
    let standings = [
        Standing::Current,
        Standing::Leaving(of.clone()),
        Standing::Left(of.clone(), Remains::Whole),
        Standing::Arriving(of, Copied::default()),
    ];
    let mut before = Standing::Current;
    for standing in standings {
        if standing != before {
            say(&*route.target, &before, &standing).await;
        }
        let error = relocate(&route, &terms(), Start::Anew).await.unwrap_err();
        assert!(error.to_string().contains("holds a state already"), "{standing:?}: {error}");
        assert_eq!(route.source.standing().await.unwrap(), Standing::Current);
        assert_eq!(all(&*elsewhere.open()).await, ours);
        assert_eq!(all(&*storage.open_to_move()).await, theirs);
        before = standing;
    }
}

pub(in crate::state) async fn what_is_left_of_a_given_up_move_is_replaced(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    fill(&*elsewhere.open()).await;
    let route = arriving_at(storage, &elsewhere);
    let earlier = Move { from: route.from.clone(), to: route.to.clone(), ..a_move() };
    let identity = route.source.identity().await.unwrap().unwrap();
    let arriving = Standing::Arriving(earlier.clone(), Copied { sequence: 9, revision: 9, settled: true });
    route.target.prepare(&identity, &arriving).await.unwrap();
    let moved = relocate(&route, &terms(), Start::Anew).await.unwrap();
    assert!(moved.of.id != earlier.id && moved.copied == 3, "{moved:?}");
    assert_eq!(storage.open().load().await.unwrap().records.len(), 2);
}

/// A move that died with everything copied, and then something happened to the copy.
async fn mended(storage: &impl Storage, harm: Harm) {
    let elsewhere = Elsewhere::new();
    fill(&*elsewhere.open()).await;
    let before = all(&*elsewhere.open()).await;
    let route = arriving_at(storage, &elsewhere);
    let of = relocate(&route, &terms(), Start::Anew).await.unwrap().of;
    let copied = Copied { sequence: of.cargo.sequence, revision: of.cargo.serial, settled: true };
    say(&*route.target, &Standing::Current, &Standing::Arriving(of.clone(), copied)).await;
    let left = Standing::Left(of.clone(), Remains::Whole);
    say(&*route.source, &left, &Standing::Leaving(of)).await;
    storage.harm(harm).await;
    let route = arriving_at(storage, &elsewhere);
    let moved = relocate(&route, &terms(), Start::Resumed).await.unwrap();
    assert!(moved.mended > 0 && moved.copied == 0, "{moved:?}");
    assert_eq!(all(&*storage.open()).await, before);
}

pub(in crate::state) async fn i_27_a_damaged_entry_of_a_copy_is_noticed_and_written_again(
    storage: &impl Storage,
) {
    mended(storage, Harm::ChangedEntry).await;
}

pub(in crate::state) async fn i_27_a_damaged_revision_of_a_copy_is_noticed_and_written_again(
    storage: &impl Storage,
) {
    mended(storage, Harm::ChangedRevision).await;
}

pub(in crate::state) async fn i_27_damage_at_the_source_stops_a_move_before_it_begins(
    storage: &impl Storage,
) {
    let elsewhere = Elsewhere::new();
    fill(&*storage.open()).await;
    storage.harm(Harm::ChangedEntry).await;
    let route = leaving(storage, &elsewhere);
    let error = relocate(&route, &terms(), Start::Anew).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    assert_eq!(route.source.standing().await.unwrap(), Standing::Current);
    assert_eq!(route.target.standing().await.unwrap(), Standing::Nothing);
}

pub(in crate::state) async fn only_an_arriving_copy_is_discarded(storage: &impl Storage) {
    let place = storage.open_to_move();
    let of = a_move();
    place.discard(of.id).await.unwrap();
    fill(&*storage.open()).await;
    let before = all(&*storage.open()).await;
    let error = storage.open_to_move().discard(of.id).await.unwrap_err();
    assert!(matches!(error, StateError::Replaced { .. }), "{error}");
    say(&*storage.open_to_move(), &Standing::Current, &Standing::Arriving(of.clone(), Copied::default()))
        .await;
    let error = storage.open_to_move().discard(uuid::Uuid::new_v4()).await.unwrap_err();
    assert!(matches!(error, StateError::Replaced { .. }), "{error}");
    assert_eq!(all(&*storage.open_to_move()).await, before);
    storage.open_to_move().discard(of.id).await.unwrap();
    assert_eq!(storage.open_to_move().standing().await.unwrap(), Standing::Nothing);
    assert!(storage.open().load().await.unwrap().is_new(), "a new state can begin here");
    locked(&*storage.open()).await;
}

pub(in crate::state) async fn a_source_is_removed_only_when_everything_is_found_at_the_target(
    storage: &impl Storage,
) {
    let elsewhere = Elsewhere::new();
    fill(&*elsewhere.open()).await;
    let route = arriving_at(storage, &elsewhere);
    let early = remove_source(&route, &terms()).await.unwrap_err();
    assert!(early.to_string().contains("has not left"), "{early}");
    relocate(&route, &terms(), Start::Anew).await.unwrap();
    let before = all(&*route.source).await;
    storage.harm(Harm::ChangedEntry).await;
    let route = arriving_at(storage, &elsewhere);
    let refused = remove_source(&route, &terms()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Refused, "{refused}");
    assert_eq!(all(&*elsewhere.open_to_move()).await, before, "nothing was removed");
}

pub(in crate::state) async fn a_removed_source_keeps_its_tombstone(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    fill(&*storage.open()).await;
    let to_lock = claim(&*storage.open(), "apply").await;
    let route = leaving(storage, &elsewhere);
    relocate(&route, &terms(), Start::Anew).await.unwrap();
    for _ in 0..2 {
        remove_source(&leaving(storage, &elsewhere), &terms()).await.unwrap();
        let standing = storage.open_to_move().standing().await.unwrap();
        assert!(matches!(standing, Standing::Left(_, Remains::Nothing)), "{standing:?}");
        let told = closed(storage, &to_lock, |error| matches!(error, StateError::Left { .. })).await;
        assert!(told.contains(&route.to), "{told}");
    }
    assert_eq!(compare(&route).await.unwrap().remains, Remains::Nothing);
    let again = relocate(&route, &terms(), Start::Anew).await.unwrap_err();
    assert!(matches!(again, StateError::Left { .. }), "{again}");
}

pub(in crate::state) async fn a_second_move_of_the_same_state_is_refused(storage: &impl Storage) {
    let (one, other) = (Elsewhere::new(), Elsewhere::new());
    fill(&*storage.open()).await;
    let under_way = locked(&*storage.open()).await;
    let error = relocate(&leaving(storage, &one), &terms(), Start::Anew).await.unwrap_err();
    assert!(matches!(error, StateError::Locked { .. }), "{error}");
    storage.open().unlock(&under_way).await.unwrap();
    let route = leaving(storage, &one);
    let of = Move { from: route.from.clone(), to: route.to.clone(), ..a_move() };
    say(&*route.source, &Standing::Current, &Standing::Leaving(of)).await;
    let error = relocate(&leaving(storage, &other), &terms(), Start::Anew).await.unwrap_err();
    assert!(matches!(error, StateError::Leaving { .. }), "{error}");
    assert_eq!(other.open_to_move().standing().await.unwrap(), Standing::Nothing);
}

pub(in crate::state) async fn a_holder_that_lost_its_lock_copies_nothing(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    fill(&*elsewhere.open()).await;
    let (source, place) = (elsewhere.open_to_move(), storage.open_to_move());
    let identity = source.identity().await.unwrap().unwrap();
    let here = Standing::Arriving(a_move(), Copied::default());
    place.prepare(&identity, &here).await.unwrap();
    let to_lock = claim(&*source, "state migrate").await;
    let lost = place.lock(&Claim { lease: Duration::ZERO, ..to_lock.clone() }).await.unwrap();
    let other = storage.open_to_move();
    let kept = other.lock(&to_lock).await.unwrap();
    let swap = Swap { from: &here, to: &here };
    let (mut parts, _) = relocation::parts(&*source).await.unwrap();
    for part in &parts {
        let error = place.receive(&lost, part, swap).await.unwrap_err();
        assert_eq!(error.kind(), Kind::LockLost, "{error}");
        assert!(!place.holds(part).await.unwrap());
    }
    let part = parts.swap_remove(0);
    other.receive(&kept, &part, swap).await.unwrap();
    assert!(other.holds(&part).await.unwrap());
}

pub(in crate::state) async fn a_state_of_format_1_goes_on_counting_at_its_new_place(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/state/format-1.sqlite");
    std::fs::copy(golden, elsewhere.0.path().join("state.db")).unwrap();
    let before = elsewhere.open().load().await.unwrap();
    let hashes: Vec<_> =
        elsewhere.open().journal(0, 99).await.unwrap().iter().map(|entry| entry.hash).collect();
    relocate(&arriving_at(storage, &elsewhere), &terms(), Start::Anew).await.unwrap();
    let backend = storage.open();
    backend.verify(Extent::Everything).await.unwrap();
    assert_eq!(backend.load().await.unwrap(), before);
    let journal = backend.journal(0, 99).await.unwrap();
    assert_eq!(journal.iter().map(|entry| entry.hash).collect::<Vec<_>>(), hashes);
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "old").await;
    let told = backend.history(&reference("old"), 12, 9).await.unwrap();
    assert_eq!((told[0].ordinal, told[0].incarnation), (5, 2), "what was written before is counted");
    compare(&arriving_at(storage, &elsewhere)).await.unwrap();
}

pub(in crate::state) async fn a_state_without_records_can_move(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    let lock = locked(&*storage.open()).await;
    storage.open().unlock(&lock).await.unwrap();
    relocate(&leaving(storage, &elsewhere), &terms(), Start::Anew).await.unwrap();
    let backend = elsewhere.open();
    let state = backend.load().await.unwrap();
    assert_eq!((state.lineage, state.serial, state.records.len()), (lock.lineage, 0, 0));
    put(&*backend, &locked(&*backend).await, "a").await;
    let back = Elsewhere::new();
    backend.verify(Extent::Everything).await.unwrap();
    drop(backend);
    // its last run died before it made a revision: the move makes it
    let lapsed = expired_by_force(&elsewhere).await;
    assert!(lapsed, "somebody held it");
    let route = route(elsewhere.open_to_move(), back.open_to_move());
    relocate(&route, &terms(), Start::Anew).await.unwrap();
    assert_eq!(refs(&*back.open()).await, ["a"]);
}

/// Takes the lock away from whoever has it.
async fn expired_by_force(elsewhere: &Elsewhere) -> bool {
    let backend = elsewhere.open();
    match backend.lock_holder().await.unwrap() {
        Some(holder) => backend.force_unlock(holder.id).await.is_ok(),
        None => false,
    }
}

/// Moves a state with one revision or more, and lets something happen before each step that writes.
pub(in crate::state) async fn step_by_step(route: &Route, before: impl Fn(), after: impl AsyncFn(&str)) {
    let Route { source, target, .. } = route;
    let to_lock = claim(&**source, "state migrate").await;
    before();
    let lock = source.lock(&to_lock).await.unwrap();
    after("lock").await;
    let of = a_move();
    let leaving = Standing::Leaving(of.clone());
    before();
    source.stand(&lock, Swap { from: &Standing::Current, to: &leaving }).await.unwrap();
    after("begin").await;
    let (parts, settled) = relocation::parts(&**source).await.unwrap();
    let mut here = Standing::Arriving(of.clone(), Copied::default());
    before();
    target.prepare(&source.identity().await.unwrap().unwrap(), &here).await.unwrap();
    after("prepare").await;
    let arriving = target.lock(&to_lock).await.unwrap();
    for (number, part) in parts.iter().enumerate() {
        let there =
            Standing::Arriving(of.clone(), Copied { sequence: number as u64 + 1, ..Copied::default() });
        before();
        target.receive(&arriving, part, Swap { from: &here, to: &there }).await.unwrap();
        after("receive").await;
        assert!(target.holds(part).await.unwrap());
        here = there;
    }
    let whole = Standing::Arriving(of.clone(), Copied { settled: true, ..Copied::default() });
    before();
    target.settle(&arriving, &settled, Swap { from: &here, to: &whole }).await.unwrap();
    after("settle").await;
    let left = Standing::Left(of, Remains::Whole);
    before();
    source.stand(&lock, Swap { from: &leaving, to: &left }).await.unwrap();
    after("flip").await;
    before();
    target.stand(&arriving, Swap { from: &whole, to: &Standing::Current }).await.unwrap();
    after("arrive").await;
    assert_eq!(target.standing().await.unwrap(), Standing::Current);
    target.unlock(&arriving).await.unwrap();
    let Standing::Left(of, _) = left.clone() else { unreachable!("it was written just now") };
    let part = Standing::Left(of, Remains::Part);
    before();
    source.stand(&lock, Swap { from: &left, to: &part }).await.unwrap();
    after("begin to remove").await;
    before();
    let remaining = source.strip(&lock, &part).await.unwrap();
    after("strip").await;
    assert_eq!(remaining, crate::state::Remaining::More);
}

pub(in crate::state) async fn the_ledger_moves_with_the_state(storage: &impl Storage) {
    let elsewhere = Elsewhere::new();
    let source = elsewhere.open();
    let lock = locked(&*source).await;
    put(&*source, &lock, "m").await;
    let rows = [entry(LedgerKind::Migration, "0001_init"), entry(LedgerKind::StateRekey, "k-1")];
    let changes = rows.iter().map(|row| Change::enter(row.clone(), "entered")).collect();
    source.commit(&lock, changes).await.unwrap();
    source.unlock(&lock).await.unwrap();
    relocate(&arriving_at(storage, &elsewhere), &terms(), Start::Anew).await.unwrap();
    let state = storage.open().load().await.unwrap();
    assert_eq!(state.ledger, rows);
    assert_eq!(refs(&*storage.open()).await, ["m"]);
    storage.open().verify(Extent::Everything).await.unwrap();
}
