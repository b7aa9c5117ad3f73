//! The only thread that writes: it takes all jobs that wait, runs each in a savepoint, commits once, answers after.
//!
//! One `fsync` serves everyone who waited, which makes full durability nearly free under load.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    faults::{self, Injected},
    store::StoreError,
};

/// How many jobs share a commit at most.
const LARGEST_GROUP: usize = 512;

/// A job does its work and gives back what answers its caller, once it is known whether the commit succeeded.
type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), Arc<rusqlite::Error>>) + Send>;

/// Where writes are handed in. Dropping it lets the thread finish what waits and waits for that.
pub(super) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

/// What the thread did, for metrics.
#[derive(Default)]
struct Counts {
    commits: AtomicU64,
    writes: AtomicU64,
    waiting: AtomicU64,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let counts = Arc::new(Counts::default());
        let counting = counts.clone();
        let thread = std::thread::Builder::new()
            .name("sutler-store".to_owned())
            .spawn(move || write_groups(&connection, &waiting, &counting))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), counts })
    }

    /// One that refuses everything.
    pub(super) fn none() -> Self {
        Self { jobs: None, thread: None, counts: Arc::default() }
    }

    /// Does the work in a transaction and returns once it is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_past(|| Ok(()), work).await
    }

    /// The same, with a point between the commit and the answer to the caller.
    pub(super) async fn write_past<T: Send + 'static>(
        &self,
        point: impl FnOnce() -> Result<(), Injected> + Send + 'static,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = in_savepoint(connection, work);
            Box::new(move |committed| {
                let unknown = |injected: Injected| Arc::new(rusqlite::Error::from(injected));
                let committed = committed.and_then(|()| point().map_err(unknown));
                // nobody listens any more: the request was given up, the work is done all the same
                let _ = sender.send(committed.map_err(|error| StoreError::Commit(error)).and(result));
            })
        });
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        self.jobs.as_ref().ok_or(StoreError::Closed)?.send(job).map_err(|_| StoreError::Closed)?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    /// Commits, writes, and writes that wait.
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.counts.commits), count(&self.counts.writes), count(&self.counts.waiting))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // it can only have panicked, which the panic hook has told
            let _ = thread.join();
        }
    }
}

fn write_groups(connection: &Connection, waiting: &Receiver<Job>, counts: &Counts) {
    while let Ok(first) = waiting.recv() {
        let group: Vec<Job> =
            std::iter::once(first).chain(waiting.try_iter().take(LARGEST_GROUP - 1)).collect();
        let size = group.len() as u64;
        let (answers, committed) = run(connection, group);
        counts.waiting.fetch_sub(size, Ordering::Relaxed);
        if committed.is_ok() {
            counts.commits.fetch_add(1, Ordering::Relaxed);
            counts.writes.fetch_add(size, Ordering::Relaxed);
        }
        for answer in answers {
            answer(committed.clone());
        }
    }
}

fn run(connection: &Connection, group: Vec<Job>) -> (Vec<Answer>, Result<(), Arc<rusqlite::Error>>) {
    let begun = execute(connection, "BEGIN IMMEDIATE");
    let mut answers: Vec<Answer> = group.into_iter().map(|job| job(connection)).collect();
    if begun.is_ok() && faults::mutant("answer_before_commit") {
        answers.drain(..).for_each(|answer| answer(Ok(())));
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    let committed = begun.and_then(|()| execute(connection, "COMMIT"));
    if committed.is_err() && !connection.is_autocommit() {
        // the commit's error is what is told
        let _ = execute(connection, "ROLLBACK");
    }
    (answers, committed.map_err(Arc::new))
}

/// A job that fails leaves nothing behind and does not disturb those that share its commit.
fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    execute(connection, "SAVEPOINT job").map_err(StoreError::write)?;
    let result = work(connection);
    if result.is_err() {
        execute(connection, "ROLLBACK TO job").map_err(StoreError::write)?;
    }
    execute(connection, "RELEASE job").map_err(StoreError::write)?;
    result
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}
