//! I-42: the campaign is able to find mistakes. All of them: `scripts/campaign --mutants`.

use sutler_tests::faultkit::{HUNTS, hunt};

/// The ones that are found fast.
const CHEAP: [&str; 5] =
    ["doubt_forgotten", "delete_ends_early", "conflict_means_success", "secret_logged", "credentials_kept"];

#[tokio::test(flavor = "multi_thread")]
async fn i_42_mistakes_made_on_purpose_are_found_and_without_them_nothing_is() {
    let _turn = crate::share::TURN.lock().await;
    for name in CHEAP {
        let one = HUNTS.iter().find(|hunt| hunt.mutant == name).expect("it is hunted");
        let found = hunt(one, true).await.expect("the lane comes up");
        assert!(!found.is_empty(), "{name} was not found");
        let found = hunt(one, false).await.expect("the lane comes up");
        assert!(
            found.is_empty(),
            "the cases that find {name} find something in the broker as it is: {found:#?}"
        );
    }
}
