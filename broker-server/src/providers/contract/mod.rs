//! What every provider must do, as tests that run against any of them: one line for its author.
//!
//! ```text
//! #[tokio::test(flavor = "multi_thread")]
//! async fn the_service_keeps_the_contract() {
//!     contract::run::<MyStage>().await;
//! }
//! ```
//!
//! The author sets a stage ([`Staged`]): the provider with its vendor as a fake. The suite then lives whole lives of
//! instances through the real engine on a real store, and disturbs each step and each vendor call of each request in turn:
//! repeated, failed, lost, killed between call and record. After every request it compares what is at the vendor with
//! what an undisturbed life has there (I-01, I-02, I-03), and it reads everything that was said for secrets (I-28).

mod cases;
mod disturbed;
mod life;
mod platform;
mod report;
mod staged;
mod trouble;

pub use report::{Outcome, Report};
pub use staged::{Fault, Object, Page, Staged, Target, Wishes};

/// Stands in every answer that a vendor should not have given; must never reach a user.
const CANARY: &str = "canary-6f1d0b2e";

/// Runs every case, prints what came of each, and gives the report.
///
/// # Panics
/// When the provider breaks its contract: the message names each case that failed, the step or call that was
/// disturbed, and what was wrong then.
#[expect(
    clippy::print_stdout,
    reason = "a test's author wants to see what was tried; the test harness captures it"
)]
pub async fn run<S: Staged>() -> Report {
    let report = examine::<S>(&[]).await;
    println!("{report}");
    assert!(report.is_kept(), "{report}");
    report
}

/// Runs the cases of these names, or all if there are none. An unknown name is not in the report.
pub async fn examine<S: Staged>(only: &[&str]) -> Report {
    cases::chosen::<S>(only).await
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Broken(String);

impl Broken {
    fn new(what: &str) -> Self {
        Self(what.to_owned())
    }

    fn because(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self(format!("{what}: {}", crate::logging::chain(error)))
    }

    fn after(self, work: crate::operation::Work) -> Self {
        self.during(&format!("after {}", work.as_str()))
    }

    fn during(self, when: &str) -> Self {
        Self(format!("{when}: {}", self.0))
    }
}
