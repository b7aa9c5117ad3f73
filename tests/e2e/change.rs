//! After the first apply: what cannot be changed is replaced, refs move, prices are kept within a budget.

use crate::shop::{
    apply, assert_exactly_the_shop, assert_nothing_left, is_as_declared, mutating_calls, run, world,
};

#[tokio::test(flavor = "multi_thread")]
async fn a08_a21_what_is_replaced_reaches_every_transitive_consumer_before_the_earlier_one_goes() {
    let world = world().await;
    apply(&world).await;
    let before = world.fake().ledger().await.expect("answers").len();
    let text = world.config().expect("readable");
    world.write_config(&text.replace("location_hint: weur", "location_hint: eeur")).expect("writable");
    let plan = run(&world, &["plan"], 0).await;
    for told in
        ["± db ", "~ api-token", "~ worker-secrets", "the earlier one", "update schema does not take it"]
    {
        assert!(plan.stdout.contains(told), "{told}: {}", plan.stdout);
    }
    apply(&world).await;
    assert_exactly_the_shop(&world).await;
    let ledger = world.fake().ledger().await.expect("answers");
    let last = |wanted: &dyn Fn(&str, &str) -> bool| {
        let calls = ledger[before..].iter();
        calls.filter(|call| wanted(&call.method, &call.path)).map(|call| call.sequence).collect::<Vec<_>>()
    };
    let made = last(&|method, path| method == "POST" && path.ends_with("/d1/database"));
    let told = last(&|method, path| method != "GET" && path.contains("/scripts/"));
    let gone = last(&|method, path| method == "DELETE" && path.contains("/d1/"));
    assert_eq!((made.len(), gone.len()), (1, 1), "a new database, and the old one goes");
    assert!(made.last() < told.first() && told.last() < gone.first(), "{made:?} {told:?} {gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_a_replacement_killed_anywhere_in_the_middle_is_finished_by_the_next_run() {
    let world = world().await;
    apply(&world).await;
    let text = world.config().expect("readable");
    let mut hint = "weur";
    for (point, next) in
        [("O24-intent=kill@1", "eeur"), ("O24-sent=kill@2", "enam"), ("O24-before=kill@1", "wnam")]
    {
        world
            .write_config(&text.replace("location_hint: weur", &format!("location_hint: {next}")))
            .expect("writable");
        let fault = ("SUTLER_FAULTS".to_owned(), point.to_owned());
        let killed = world.start_sutler_with(&["apply", "--yes"], &[fault]).expect("starts");
        assert_eq!(killed.wait().await.expect("ends").code, None, "{point} after {hint}");
        let left = run(&world, &["plan"], 0).await;
        assert!(left.stdout.contains("the earlier one"), "{point}: {}", left.everything());
        apply(&world).await;
        assert_exactly_the_shop(&world).await;
        hint = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ref_moves_without_a_call_to_any_vendor_and_keeps_its_history() {
    let world = world().await;
    apply(&world).await;
    let calls = mutating_calls(&world).await;
    let text = world.config().expect("readable");
    let renamed = text
        .replace("  db:\n", "  orders-db:\n")
        .replace("@db.", "@orders-db.")
        .replace("${db.", "${orders-db.");
    world.write_config(&renamed).expect("writable");
    let offered = run(&world, &["plan"], 0).await;
    assert!(offered.stdout.contains("`moved: { db: orders-db }`"), "{}", offered.everything());
    world.write_config(&format!("{renamed}\nmoved: {{ db: orders-db }}\n")).expect("writable");
    let plan = run(&world, &["plan", "--json"], 0).await.json().expect("JSON");
    assert_eq!(plan["moves"], serde_json::json!([{ "from": "db", "to": "orders-db" }]));
    apply(&world).await;
    assert_eq!(mutating_calls(&world).await, calls, "nobody was asked for anything");
    assert_exactly_the_shop(&world).await;
    let history = run(&world, &["history", "orders-db"], 0).await;
    assert!(history.stdout.contains("renamed from 'db'"), "{}", history.everything());
    // what is forgotten stays where it is
    let fewer = renamed.split("\n  www:").next().expect("a text").to_owned();
    world.write_config(&format!("{fewer}\nremoved: [www]\n")).expect("writable");
    apply(&world).await;
    assert!(is_as_declared(&world).await);
    assert_eq!(mutating_calls(&world).await, calls);
    assert_eq!(world.fake().live().await.expect("answers").pages_domains(), ["www.shop.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a20_protection_that_is_declared_later_holds_against_a_teardown() {
    let world = world().await;
    apply(&world).await;
    let text = world.config().expect("readable");
    world
        .write_config(&text.replace("name: shop-db\n", "name: shop-db\n    protected: true\n"))
        .expect("writable");
    let plan = run(&world, &["plan", "--detailed-exitcode"], 3).await;
    assert!(plan.stdout.contains("protected"), "{}", plan.everything());
    let changed = world.config().expect("readable").replace("location_hint: weur", "location_hint: eeur");
    apply(&world).await;
    world.write_config(&changed).expect("writable");
    let refused = run(&world, &["plan"], 2).await;
    assert!(
        refused.everything().contains("db would be replaced, but it is protected"),
        "{}",
        refused.everything()
    );
    run(&world, &["teardown", "--yes"], 0).await;
    assert_eq!(world.fake().live().await.expect("answers").databases().len(), 1, "the protected one stays");
    run(&world, &["teardown", "--yes", "--force"], 0).await;
    assert_nothing_left(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_told_and_a_budget_is_kept() {
    let world = world().await;
    let told = run(&world, &["plan", "--budget", "5 pounds"], 2).await;
    assert!(told.everything().contains("--budget 5 pounds is no amount"), "{}", told.everything());
    let catalog = run(&world, &["catalog", "--json"], 0).await;
    assert!(catalog.stdout.contains("free"), "{}", catalog.stdout);
    // everything of the shop is free: nothing is spent, nothing is refused
    run(&world, &["apply", "--yes", "--budget", "0"], 0).await;
    assert_exactly_the_shop(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ref_that_a_configuration_refuses_is_refused_by_hand_too() {
    let world = world().await;
    apply(&world).await;
    for arguments in
        [&["state", "mv", "db", "var", "--yes"][..], &["adopt", "each", "--object", "x", "--yes"]]
    {
        let refused = run(&world, arguments, 2).await;
        assert!(refused.stderr.contains("no instance can be called"), "{}", refused.everything());
    }
    assert_exactly_the_shop(&world).await;
}
