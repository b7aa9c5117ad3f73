//! The one thread that uses the file. Commits that wait together are written together and flushed once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::commit::{self, Waiting};
use super::failure::storage;
use super::file::Place;
use super::locking::Key;
use super::recent::Recent;
use crate::state::StateError;
use crate::state::journal::Stamp;
use crate::state::prepare::Prepared;

/// So many commits at most share a flush.
const LARGEST_GROUP: usize = 256;
/// How long to wait for one more commit, while commits come in company. A flush takes many times as long.
const COMPANY: Duration = Duration::from_micros(60);

type Task = Box<dyn FnOnce(&mut Connection, &Place) + Send>;

enum Job {
    Commit(Waiting),
    Task(Task),
}

/// Speaks to the thread. When it is dropped, the file is closed.
pub(super) struct Writer {
    place: Place,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Opens the file on a thread of its own.
    pub(super) async fn start(place: Place) -> Result<Self, StateError> {
        let (jobs, received) = channel();
        let (opened, answer) = oneshot::channel();
        let theirs = place.clone();
        let work = move || match theirs.open() {
            Ok(connection) => {
                let _ = opened.send(Ok(()));
                serve(connection, &theirs, &received);
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("state".to_owned()).spawn(work);
        let thread = thread.map_err(|error| storage(&place, "open", error))?;
        answer.await.map_err(|_| stopped(&place))??;
        Ok(Self { place, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs something on the thread.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Place) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let (done, answer) = oneshot::channel();
        self.send(Job::Task(Box::new(move |connection, place| drop(done.send(work(connection, place))))))?;
        answer.await.map_err(|_| stopped(&self.place))?
    }

    /// Commits, together with whoever else is waiting.
    pub(super) async fn commit(
        &self,
        key: Key,
        stamp: Stamp,
        changes: Vec<Prepared>,
    ) -> Result<u64, StateError> {
        let (done, answer) = oneshot::channel();
        self.send(Job::Commit(Waiting { key, stamp, changes, done }))?;
        answer.await.map_err(|_| stopped(&self.place))?
    }

    fn send(&self, job: Job) -> Result<(), StateError> {
        match &self.jobs {
            Some(jobs) => jobs.send(job).map_err(|_| stopped(&self.place)),
            None => Err(stopped(&self.place)),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs something that blocks, away from the runtime's threads.
pub(super) async fn in_background<T: Send + 'static>(
    place: &Place,
    work: impl FnOnce() -> Result<T, StateError> + Send + 'static,
) -> Result<T, StateError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| stopped(place))?
}

fn serve(mut connection: Connection, place: &Place, jobs: &Receiver<Job>) {
    let (mut company, mut recent) = (false, Recent::default());
    while let Ok(job) = jobs.recv() {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                // A panic would take every later commit with it; the one who asked sees that no answer came.
                Job::Task(task) => drop(catch_unwind(AssertUnwindSafe(|| task(&mut connection, place)))),
                Job::Commit(first) => {
                    let mut group = vec![first];
                    next = gather(&mut group, jobs, if company { COMPANY } else { Duration::ZERO });
                    company = group.len() > 1;
                    commit::group(&mut connection, place, (&mut recent, group));
                }
            }
        }
    }
}

/// Takes every commit that waits already or comes soon, and gives back the first job that is something else.
fn gather(group: &mut Vec<Waiting>, jobs: &Receiver<Job>, patience: Duration) -> Option<Job> {
    while group.len() < LARGEST_GROUP {
        let next = if patience.is_zero() { jobs.try_recv().ok() } else { jobs.recv_timeout(patience).ok() };
        match next? {
            Job::Commit(waiting) => group.push(waiting),
            other @ Job::Task(_) => return Some(other),
        }
    }
    None
}

fn stopped(place: &Place) -> StateError {
    storage(place, "use", "the thread that writes it has stopped")
}
