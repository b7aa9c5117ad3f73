//! A run of `sutler` that is killed, lied to or cut off is finished by the next one, wherever its state is: of every kind
//! of trouble some. `scripts/campaign --only runs` does the rest.

use std::sync::Arc;

use sutler_tests::{
    applykit::{Backend, LaneOptions, Manner, Operation, Part, Pool, Running, Servers, run_rows},
    faultkit::Counts,
};

/// Worlds at the same time: much of a case is waiting.
const LANES: usize = 3;

/// Of messages one after another, the first few.
const DEEPEST: usize = 4;

/// Every n-th row of a part, for these operations; at least so many have to meet what they are about.
struct Share {
    part: Part,
    backend: Backend,
    operations: &'static [Operation],
    nth: usize,
    least: u64,
}

impl Share {
    async fn run(self) -> Counts {
        let _turn = crate::share::TURN.lock().await;
        let servers = Servers::start(&[self.backend]).await.expect("the server comes up");
        let options =
            LaneOptions { manner: Manner::Sync, backend: self.backend, servers, program: None, mutant: None };
        let pool = Arc::new(Pool::new(options));
        let mut rows = Vec::new();
        for operation in self.operations {
            let (scout, _) = pool.take().await.expect("a lane comes up");
            // a fixed seed: a change is not to fail for what another one did
            let all = self.part.rows(&scout, *operation, 20_261_201).await.expect("undisturbed, it is done");
            pool.put(scout).await;
            let some = all.into_iter().step_by(self.nth);
            rows.extend(some.map(|row| row.into_iter().take(DEEPEST).collect::<Vec<_>>()));
        }
        // a server that crashes is nobody else's
        let lanes = if self.part == Part::Restarts { 1 } else { LANES };
        let counts = run_rows(rows, &Running { until: None, lanes, pool }).await.expect("the lanes come up");
        assert!(counts.violations.is_empty(), "{counts}");
        assert!(counts.struck() >= self.least, "{counts}");
        counts
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f02_a_run_that_is_killed_at_a_system_call_is_finished_by_the_next_one() {
    let operations = &[Operation::Create, Operation::Update, Operation::Rekey];
    Share { part: Part::Calls, backend: Backend::Sqlite, operations, nth: 41, least: 6 }.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f05_a_disk_that_is_full_or_broken_is_told_and_loses_nothing() {
    let operations = &[Operation::Update, Operation::Create];
    Share { part: Part::Disks, backend: Backend::Sqlite, operations, nth: 13, least: 4 }.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_what_happens_between_a_run_and_its_broker_makes_no_twin_and_loses_nothing() {
    let operations = &[Operation::Create, Operation::Teardown];
    Share { part: Part::Brokers, backend: Backend::Sqlite, operations, nth: 13, least: 4 }.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_f10_what_happens_between_a_run_and_its_state_makes_no_twin_and_loses_nothing() {
    for (backend, nth, operations) in
        [(Backend::Postgres, 5, &[Operation::Update]), (Backend::Bucket, 7, &[Operation::Create])]
    {
        Share { part: Part::Messages, backend, operations, nth, least: 5 }.run().await;
    }
    let operations = &[Operation::Create];
    Share { part: Part::Restarts, backend: Backend::Postgres, operations, nth: 3, least: 3 }.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f14_two_runs_at_once_do_the_work_once_on_each_backend() {
    for backend in Backend::ALL {
        Share { part: Part::Twins, backend, operations: &[Operation::Create], nth: 3, least: 1 }.run().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f06_i_26_a_state_file_that_is_not_what_was_written_is_told_and_never_written_over() {
    Share {
        part: Part::Damage,
        backend: Backend::Sqlite,
        operations: &[Operation::Update],
        nth: 41,
        least: 5,
    }
    .run()
    .await;
}
