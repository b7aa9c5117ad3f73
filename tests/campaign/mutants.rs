//! I-42: the campaign is able to find mistakes. All of them: `scripts/campaign --mutants`.

use sutler_tests::faultkit::{HUNTS, StoreChoice, hunt};

/// The ones that are found fast.
const CHEAP: [&str; 5] =
    ["doubt_forgotten", "delete_ends_early", "conflict_means_success", "secret_logged", "credentials_kept"];
/// The ones that are about a store.
const OF_THE_STORE: [&str; 4] = ["doubt_forgotten", "event_lost", "no_fence_check", "terminal_overwritten"];

async fn are_found(store: &StoreChoice, names: &[&str]) {
    for name in names {
        let one = HUNTS.iter().find(|hunt| hunt.mutant == *name).expect("it is hunted");
        let found = hunt(one, store, true).await.expect("the lane comes up");
        assert!(!found.is_empty(), "{name} was not found");
        let found = hunt(one, store, false).await.expect("the lane comes up");
        assert!(
            found.is_empty(),
            "the cases that find {name} find something in the broker as it is: {found:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_42_mistakes_made_on_purpose_are_found_and_without_them_nothing_is() {
    let _turn = crate::share::TURN.lock().await;
    are_found(&StoreChoice::Sqlite, &CHEAP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_42_mistakes_of_the_store_are_found_on_postgres_too() {
    let store = crate::share::postgres();
    let _turn = crate::share::TURN.lock().await;
    are_found(&store, &OF_THE_STORE).await;
}
