//! Lets requests to one broker out, as many as its window says.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sutler_broker_client::ClientError;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::window::{Admission, Load, Window};

/// The gate before one broker.
#[derive(Debug)]
pub(crate) struct Gate {
    window: Mutex<Window>,
    left: Notify,
}

/// A request under way. One that is dropped without an answer makes room all the same.
#[derive(Debug)]
pub(crate) struct Ticket<'g> {
    gate: &'g Gate,
    epoch: u64,
    load: Load,
}

impl Gate {
    /// At most so many at once.
    pub(crate) fn new(largest: usize) -> Self {
        Self { window: Mutex::new(Window::new(largest)), left: Notify::new() }
    }

    /// Waits until one more may go out.
    pub(super) async fn enter(&self) -> Ticket<'_> {
        loop {
            // Registered before looking: whoever leaves in between is not missed.
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            match self.admit() {
                Ok(ticket) => return ticket,
                Err(Admission::At(at)) => tokio::time::sleep_until(at).await,
                Err(_) => left.await,
            }
        }
    }

    /// The same, until then; nothing once it is certain that none may go out before.
    pub(crate) async fn enter_by(&self, deadline: Instant) -> Option<Ticket<'_>> {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            match self.admit() {
                Ok(ticket) => return Some(ticket),
                Err(Admission::At(at)) if at > deadline => return None,
                Err(Admission::At(at)) => tokio::time::sleep_until(at).await,
                Err(_) => timeout_at(deadline, left).await.ok()?,
            }
        }
    }

    /// Goes out whatever the window says.
    pub(crate) fn enter_at_once(&self) -> Ticket<'_> {
        let epoch = self.window().enter();
        Ticket { gate: self, epoch, load: Load::Fine }
    }

    /// Lets one out, or says what it waits for.
    fn admit(&self) -> Result<Ticket<'_>, Admission> {
        let mut window = self.window();
        match window.admission(Instant::now()) {
            Admission::Now => Ok(Ticket { gate: self, epoch: window.enter(), load: Load::Fine }),
            other => Err(other),
        }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<'_> {
    /// The answer has come.
    pub(crate) fn came_back(mut self, error: Option<&ClientError>) {
        self.load = error.map_or(Load::Fine, load);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.gate.window().leave(self.epoch, self.load, Instant::now());
        self.gate.left.notify_waiters();
    }
}

/// Whether an error says no more than that it is not the time: too much is asked (429, or 503 with a time to come
/// back), or another request is at the same thing.
pub(crate) fn asks_to_wait(error: &ClientError) -> bool {
    load(error) != Load::Fine
}

/// What an error says about the load.
fn load(error: &ClientError) -> Load {
    if error.is_concurrency_error() {
        return Load::Collision;
    }
    match error.status() {
        Some(429) => Load::TooMuch(error.retry_after()),
        Some(503) if error.retry_after().is_some() => Load::TooMuch(error.retry_after()),
        _ => Load::Fine,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use sutler_spec::ErrorBody;

    use super::*;

    fn too_many(seconds: u64) -> ClientError {
        let retry_after = Some(Duration::from_secs(seconds));
        ClientError::Rejected { status: 429, body: ErrorBody::default(), retry_after }
    }

    #[tokio::test(start_paused = true)]
    async fn everyone_waits_out_what_the_broker_asked_one_of_them_for() {
        let gate = Arc::new(Gate::new(3));
        let begun = Instant::now();
        gate.enter().await.came_back(Some(&too_many(9)));
        let entered = futures_util::future::join_all((0..3).map(|_| async {
            let _ticket = gate.enter().await;
            begun.elapsed()
        }))
        .await;
        assert!(entered.iter().all(|waited| *waited >= Duration::from_secs(9)), "{entered:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_time_is_told_at_once_that_it_is_too_short() {
        let gate = Gate::new(1);
        let begun = Instant::now();
        gate.enter().await.came_back(Some(&too_many(9)));
        assert!(gate.enter_by(begun + Duration::from_secs(8)).await.is_none());
        assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits for what will not come");
        let ticket = gate.enter_by(begun + Duration::from_secs(10)).await.expect("there is time");
        assert_eq!(begun.elapsed(), Duration::from_secs(9));
        assert!(gate.enter_by(begun + Duration::from_secs(20)).await.is_none(), "one at a time");
        assert_eq!(begun.elapsed(), Duration::from_secs(20));
        drop(ticket);
        assert!(gate.enter_by(begun).await.is_some(), "what is free takes no time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_dropped_makes_room() {
        let gate = Gate::new(1);
        drop(gate.enter().await);
        let second = gate.enter().await;
        assert!(tokio::time::timeout(Duration::from_secs(60), gate.enter()).await.is_err(), "one at a time");
        drop(second);
        tokio::time::timeout(Duration::from_secs(1), gate.enter()).await.expect("there is room");
    }
}
