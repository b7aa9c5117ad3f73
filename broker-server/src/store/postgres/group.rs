//! Writes that come at the same time share a transaction: one message to the server and one wait for its disk serve all.
//!
//! ```text
//! waiting ─▶ up to 32, of different instances ─▶ BEGIN, all statements ─▶ each did what it should? ─▶ COMMIT ─▶ answers
//!                                                                             └─ no: ROLLBACK; those that did, once
//!                                                                                more together; the others alone
//! ```
//! A group is a gamble that costs nothing but time: whatever is not plainly done in it (a lease that was lost, an instance
//! that moved, a lock that somebody else has, a connection that broke) is done again alone, with [`write_again`], which
//! decides as if there were no groups. Nobody shares anybody's verdict.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, atomic::Ordering},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use sutler_spec::InstanceId;
use tokio::{
    runtime::Handle,
    sync::{
        Mutex,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::timeout,
};

use super::{
    Core,
    transact::{ATTEMPT, Conclusion, Session, Trouble, transaction, write_again},
    write,
};
use crate::{
    expense::Spending,
    faults,
    store::{Begin, Begun, Hold, Save, StoreError},
};

/// How many writes share a transaction at most.
const LARGEST_GROUP: usize = 32;
/// How many groups are under way at a time: one is written while the server waits for its disk for the other.
const LANES: usize = 2;
/// A lock that somebody has for longer keeps only those alone that need it.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '200ms'";

/// A write of an operation.
pub(super) enum Write {
    Begin(Box<Begin>),
    /// With a name for this very write.
    Save(Box<Save>, String),
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Begun(Begun),
    Saved,
}

impl Write {
    fn instance(&self) -> &InstanceId {
        match self {
            Self::Begin(begin) => &begin.operation.instance,
            Self::Save(save, _) => &save.operation.instance,
        }
    }

    /// Whether it adds up what is spent before it writes. The statements of a group take turns, so two of these in one
    /// would each not see the other.
    fn adds_up(&self) -> bool {
        let rows = match self {
            Self::Begin(begin) => &begin.rows,
            Self::Save(save, _) => &save.rows,
        };
        matches!(rows.spending, Spending::Reserve(_))
    }

    /// The point for faults between the commit and its answer.
    fn point(&self) -> &'static str {
        match self {
            Self::Begin(_) => "B03",
            Self::Save(save, _) if save.hold == Hold::End => "B17",
            Self::Save(..) => "B14",
        }
    }

    async fn run(&self, session: &Session) -> Result<Conclusion<Written>, Trouble> {
        Ok(match self {
            Self::Begin(begin) => write::begin(session, begin).await?.map(Written::Begun),
            Self::Save(save, name) => write::save(session, (save, name)).await?.map(|()| Written::Saved),
        })
    }
}

struct Job {
    write: Arc<Write>,
    answer: oneshot::Sender<Result<Written, StoreError>>,
}

/// What waits, in its order.
struct Queue {
    jobs: UnboundedReceiver<Job>,
    /// What did not fit into the group before.
    set_aside: VecDeque<Job>,
}

/// Where writes are handed in.
pub(super) struct Groups {
    jobs: UnboundedSender<Job>,
    core: Core,
}

impl Groups {
    /// Starts the lanes. They end with the runtime.
    pub(super) fn start(core: &Core, connections: usize, runtime: &Handle) -> Self {
        let (jobs, waiting) = unbounded_channel();
        let queue = Arc::new(Mutex::new(Queue { jobs: waiting, set_aside: VecDeque::new() }));
        // somebody else needs connections, too
        for _ in 0..LANES.min(connections / 2).max(1) {
            let (core, queue) = (core.clone(), queue.clone());
            runtime.spawn(async move {
                while let Some(group) = next(&core, &queue).await {
                    commit(&core, group).await;
                }
            });
        }
        Self { jobs, core: core.clone() }
    }

    /// Writes, and returns once it is durable or refused. Goes on when nobody waits for it any more.
    pub(super) async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.core.counts.waiting.fetch_add(1, Ordering::Relaxed);
        self.jobs.send(Job { write: Arc::new(write), answer }).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

/// Waits for a group; nothing when nobody can hand in anything any more.
async fn next(core: &Core, queue: &Mutex<Queue>) -> Option<Vec<Job>> {
    let mut queue = queue.lock().await;
    if queue.set_aside.is_empty() {
        let first = queue.jobs.recv().await?;
        queue.set_aside.push_back(first);
    }
    while let Ok(job) = queue.jobs.try_recv() {
        queue.set_aside.push_back(job);
    }
    let (group, rest) = gather(std::mem::take(&mut queue.set_aside));
    queue.set_aside = rest;
    core.counts.waiting.fetch_sub(group.len() as u64, Ordering::Relaxed);
    Some(group)
}

/// The first of those that wait, one for each instance, and one that adds up what is spent: two would be in each other's
/// way. In the order of their
/// instances, so that groups of two processes do not lock theirs crosswise.
fn gather(waiting: VecDeque<Job>) -> (Vec<Job>, VecDeque<Job>) {
    let (mut group, mut rest) = (Vec::new(), VecDeque::new());
    let (mut instances, mut one_adds_up) = (HashSet::new(), false);
    for job in waiting {
        let (instance, adds_up) = (job.write.instance(), job.write.adds_up());
        let is_in_the_way = instances.contains(instance) || (adds_up && one_adds_up);
        if group.len() < LARGEST_GROUP && !is_in_the_way {
            instances.insert(instance.clone());
            one_adds_up |= adds_up;
            group.push(job);
        } else {
            // whoever comes later for that instance stays behind
            instances.insert(instance.clone());
            rest.push_back(job);
        }
    }
    group.sort_by(|one, other| one.write.instance().as_str().cmp(other.write.instance().as_str()));
    (group, rest)
}

type Outcome = Result<Conclusion<Written>, Trouble>;

/// How a group ended.
enum Ended {
    /// Durable, each with what became of it.
    Committed(Vec<Written>),
    /// Nothing is written; what each found.
    Undone(Vec<Outcome>),
    /// Nobody knows.
    Unknown,
    /// Nothing is written, and nothing was found out.
    Failed,
}

async fn commit(core: &Core, group: Vec<Job>) {
    let rest = match fly(core, &group).await {
        Ended::Committed(written) => return settle(core, group, written).await,
        Ended::Undone(outcomes) if group.len() == 1 => return conclude(core, group, outcomes),
        Ended::Undone(outcomes) => sort_out(core, group, outcomes),
        ended => return each_alone(core, group, ended),
    };
    if rest.is_empty() {
        return;
    }
    match fly(core, &rest).await {
        Ended::Committed(written) => settle(core, rest, written).await,
        ended => each_alone(core, rest, ended),
    }
}

/// One transaction for all.
async fn fly(core: &Core, group: &[Job]) -> Ended {
    let mut commit_sent = false;
    let work = together(group.iter().map(|job| job.write.clone()).collect());
    let flight = transaction(core, (BEGIN, &work), (false, &mut commit_sent));
    let flown = timeout(ATTEMPT, flight).await.unwrap_or(Err(Trouble::Silence));
    match flown {
        Ok(outcomes) => match outcomes.iter().map(done).collect() {
            Some(written) => Ended::Committed(written),
            None => Ended::Undone(outcomes),
        },
        Err(_) if commit_sent => Ended::Unknown,
        Err(_) => Ended::Failed,
    }
}

/// The work of a transaction for all: it is kept only if everyone's is done.
fn together(
    writes: Arc<[Arc<Write>]>,
) -> impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Result<Conclusion<Vec<Outcome>>, Trouble>> + Send + Sync {
    move |session| {
        let writes = writes.clone();
        async move {
            let outcomes = join_all(writes.iter().map(|write| write.run(session))).await;
            let is_done = outcomes.iter().all(|outcome| done(outcome).is_some());
            Ok(if is_done { Conclusion::Commit(outcomes) } else { Conclusion::Undo(outcomes) })
        }
        .boxed()
    }
}

/// What was done, if it was.
fn done(outcome: &Outcome) -> Option<Written> {
    match outcome {
        Ok(Conclusion::Commit(written)) => Some(*written),
        Ok(Conclusion::Undo(_)) | Err(_) => None,
    }
}

/// The work of a transaction for one.
fn by_itself(write: Arc<Write>) -> impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Outcome> + Send + Sync {
    move |session| {
        let write = write.clone();
        async move { write.run(session).await }.boxed()
    }
}

/// Tells everyone what became of theirs.
async fn settle(core: &Core, group: Vec<Job>, written: Vec<Written>) {
    core.counts.committed(group.len() as u64);
    for (job, written) in group.into_iter().zip(written) {
        if faults::pass(job.write.point()).await.is_ok() {
            // nobody listens any more: the request was given up, the work is done all the same
            let _ = job.answer.send(Ok(written));
        } else {
            // an injected fault: the answer to the commit is lost
            alone(core, job, true);
        }
    }
}

/// One that was by itself anyway: what it found is what it is told, unless that may pass.
fn conclude(core: &Core, group: Vec<Job>, outcomes: Vec<Outcome>) {
    for (job, outcome) in group.into_iter().zip(outcomes) {
        let told = match outcome {
            Ok(Conclusion::Undo(written)) => Ok(written),
            Err(Trouble::Store(error)) => Err(error),
            Ok(Conclusion::Commit(_)) | Err(_) => {
                alone(core, job, false);
                continue;
            }
        };
        let _ = job.answer.send(told);
    }
}

/// Starts those alone that were in the way, and gives back those that were not.
fn sort_out(core: &Core, group: Vec<Job>, outcomes: Vec<Outcome>) -> Vec<Job> {
    let mut rest = Vec::new();
    for (job, outcome) in group.into_iter().zip(outcomes) {
        match outcome {
            Ok(Conclusion::Commit(_)) => rest.push(job),
            Err(trouble) if trouble.is_a_consequence() => rest.push(job),
            Ok(Conclusion::Undo(_)) | Err(_) => alone(core, job, false),
        }
    }
    rest
}

fn each_alone(core: &Core, group: Vec<Job>, ended: Ended) {
    let perhaps_written = matches!(ended, Ended::Unknown);
    group.into_iter().for_each(|job| alone(core, job, perhaps_written));
}

/// In a transaction of its own, beside the lanes.
fn alone(core: &Core, job: Job, perhaps_written: bool) {
    let core = core.clone();
    tokio::spawn(async move {
        let Job { write, answer } = job;
        let point = write.point();
        let told = write_again(&core, (point, perhaps_written), by_itself(write)).await;
        // see above
        let _ = answer.send(told);
    });
}
