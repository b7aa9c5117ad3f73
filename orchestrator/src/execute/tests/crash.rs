//! Killed at each commit, before it or after it; then run again: nothing is lost, nothing is there twice.

use super::World;
use super::create::CHAIN;
use super::world::Moment;

/// What a run does before it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    Create,
    Update,
    Delete,
    Replace,
    Teardown,
}

const CHANGED: &str = "
  db: { service: thing, plan: large, params: { size: 4, password: pw }, bind: { id: DB_ID, token: DB_TOKEN } }
  web: { service: thing, plan: small, params: { uses: ['@db.token', 'size ${db.size}'] }, bind: { token: WEB_TOKEN } }
";

const LESS: &str = "
  db: { service: thing, plan: small, params: { size: 3 }, bind: { id: DB_ID, ports: DB_PORTS } }
";

async fn killed_at(story: Story, asynchronous: bool, commits: usize, moment: Moment) -> bool {
    let mut world = World::new(CHAIN).await;
    if asynchronous {
        world.fake.asynchronous();
    }
    if story != Story::Create {
        assert!(world.apply().await.is_complete());
    }
    match story {
        Story::Update => world.declare(CHANGED),
        Story::Delete => world.declare(LESS),
        Story::Replace => world.declare(&CHAIN.replace("size: 3", "size: 3, region: weur")),
        Story::Create | Story::Teardown => {}
    }
    world.backend.break_at(commits, moment);
    let run = async |world: &World| match story {
        Story::Teardown => world.teardown().await,
        _ => world.apply().await,
    };
    let report = run(&world).await;
    let broke = world.backend.is_broken();
    world.backend.break_at(usize::MAX, moment);
    if broke {
        assert!(!report.is_complete(), "{story:?} {commits} {moment:?}: {report:#?}");
    }
    let report = run(&world).await;
    assert!(report.is_complete(), "{story:?} {commits} {moment:?}: {report:#?}");
    world.is_consistent().await;
    let expected = match story {
        Story::Create | Story::Update | Story::Replace => 3,
        Story::Delete => 2,
        Story::Teardown => 0,
    };
    assert_eq!(world.variables().len(), expected, "{story:?} {commits} {moment:?}");
    if story != Story::Teardown {
        world.has_nothing_to_do().await;
    }
    broke
}

async fn killed_everywhere(story: Story, asynchronous: bool) {
    for moment in [Moment::BeforeCommit, Moment::AfterCommit] {
        let mut commits = 1;
        while killed_at(story, asynchronous, commits, moment).await {
            commits += 1;
            assert!(commits < 60, "it never ends");
        }
        assert!(commits > 4, "{story:?}: only {commits} commits");
    }
}

#[tokio::test]
async fn a01_a_creation_killed_anywhere_is_finished_by_the_next_run() {
    killed_everywhere(Story::Create, false).await;
}

#[tokio::test]
async fn a05_an_accepted_creation_killed_anywhere_is_finished_by_the_next_run() {
    killed_everywhere(Story::Create, true).await;
}

#[tokio::test]
async fn a_change_killed_anywhere_is_finished_by_the_next_run() {
    killed_everywhere(Story::Update, false).await;
}

#[tokio::test]
async fn an_accepted_change_killed_anywhere_is_finished_by_the_next_run() {
    killed_everywhere(Story::Update, true).await;
}

#[tokio::test]
async fn a08_a_replacement_killed_anywhere_is_finished_by_the_next_run() {
    killed_everywhere(Story::Replace, false).await;
    killed_everywhere(Story::Replace, true).await;
}

#[tokio::test]
async fn a_deletion_killed_anywhere_is_finished_by_the_next_run() {
    killed_everywhere(Story::Delete, false).await;
    killed_everywhere(Story::Delete, true).await;
}

#[tokio::test]
async fn a_teardown_killed_anywhere_is_finished_by_the_next_run() {
    killed_everywhere(Story::Teardown, false).await;
    killed_everywhere(Story::Teardown, true).await;
}
