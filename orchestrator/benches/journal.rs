//! What a durable step costs in a state of so many instances (perf P11): it must not grow with the state.
//!
//! ```text
//! cargo bench -p sutler --bench journal                         1,000, 10,000 and 100,000 instances, beside controls
//! cargo bench -p sutler --bench journal -- --steps 10000 3000   one state and so many steps, also for callgrind
//! ```
//!
//! A step is a record that changes, written down with its line in the journal; ten share a flush, as in an apply of ten at
//! once. Beside it: SQLite itself with one row for each step, which is what a flush and a row cost here, and a state that
//! is one file and is written anew for each step. Every measurement is a process of its own.

mod layered;

use std::{
    error::Error,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};
use sutler::{
    config::{Format, Source, parse},
    name::StackName,
    state::{
        Begin, Change, Holder, Notice, SqliteBackend, begin,
        record::InstanceRecord,
        status::{BindingStatus, Status},
    },
};
use sutler_secrets::KeyRing;

/// So many share a flush.
const TOGETHER: usize = 10;

type Failure = Box<dyn Error>;

/// What some steps took.
struct Taken {
    wall: Duration,
    processor: Duration,
    bytes: u64,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let taken = match words[..] {
        ["--steps", size, steps] => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(journal(size.parse()?, steps.parse()?))?
        }
        ["--bare", steps] => bare(steps.parse()?)?,
        ["--rewritten", size, steps] => rewritten(size.parse()?, steps.parse()?)?,
        _ => return [1_000, 10_000, 100_000].into_iter().try_for_each(compare),
    };
    let [wall, processor] = [taken.wall, taken.processor].map(|time| time.as_secs_f64() * 1e6);
    Ok(writeln!(io::stdout(), "{wall} {processor} {}", taken.bytes)?)
}

/// Steps in a state of this size.
async fn journal(size: usize, steps: usize) -> Result<Taken, Failure> {
    let folder = tempfile::tempdir()?;
    let backend = Arc::new(SqliteBackend::new(folder.path().join("state.db"), StackName::new("bench")?));
    let claim = Begin {
        keys: folder.path().join("keys"),
        holder: Holder::this_process("bench".to_owned(), "bench"),
        lease: Duration::from_secs(3600),
        patience: Duration::ZERO,
        notice: Notice::none(),
    };
    let session = begin(backend, claim).await?;
    let mut records = records(size, session.vault.ring());
    for part in records.chunks(256) {
        let changes = part.iter().map(|record| Change::put(record.clone(), "begin")).collect();
        session.backend.commit(&session.lock, changes).await?;
    }
    let (instances, begun) = (steps.div_ceil(3 * TOGETHER), Started::now()?);
    for wave in 0..instances {
        let members = |n: usize| (wave * TOGETHER + n) * 7919 % size;
        for stage in 0..3 {
            let changes = (0..TOGETHER).map(|n| {
                let record = &mut records[members(n)];
                advance(record, stage);
                Change::put(record.clone(), "a step of the benchmark")
            });
            session.backend.commit(&session.lock, changes.collect()).await?;
        }
    }
    // The last connection to be closed moves what is in the log to its place: that is written, too.
    drop(session);
    begun.taken()
}

/// The three times that an apply writes a record down.
fn advance(record: &mut InstanceRecord, stage: usize) {
    let (status, binding) = match stage {
        0 => (Status::ChangeIntended, BindingStatus::Bound),
        1 => (Status::Ready, BindingStatus::Intended),
        _ => (Status::Ready, BindingStatus::Bound),
    };
    record.status = status;
    if let Some(known) = &mut record.binding {
        known.status = binding;
    }
}

fn records(size: usize, ring: &KeyRing) -> Vec<InstanceRecord> {
    let source = Source {
        path: "sutler.json".into(),
        text: layered::configuration(size).into(),
        format: Format::Json,
    };
    layered::records(&parse(&source).expect("a good configuration"), ring)
}

/// One row for each step, and as many of them in a transaction.
fn bare(steps: usize) -> Result<Taken, Failure> {
    let folder = tempfile::tempdir()?;
    let body = serde_json::to_string(&records(1, &KeyRing::generate(jiff::Timestamp::UNIX_EPOCH))[0])?;
    let mut connection = Connection::open(folder.path().join("bare.db"))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")?;
    let begun = Started::now()?;
    for _ in 0..steps.div_ceil(TOGETHER) {
        let transaction = connection.transaction()?;
        for _ in 0..TOGETHER {
            transaction.prepare_cached("INSERT INTO row (body) VALUES (?1)")?.execute(params![body])?;
        }
        transaction.commit()?;
    }
    drop(connection);
    begun.taken()
}

/// A file with everything in it, written beside the old one, flushed and put in its place for each step.
fn rewritten(size: usize, steps: usize) -> Result<Taken, Failure> {
    let folder = tempfile::tempdir()?;
    let mut records = records(size, &KeyRing::generate(jiff::Timestamp::UNIX_EPOCH));
    let begun = Started::now()?;
    for step in 0..steps {
        advance(&mut records[step / 3 % size], step % 3);
        replace(folder.path(), &records)?;
    }
    begun.taken()
}

fn replace(folder: &Path, records: &[InstanceRecord]) -> Result<(), Failure> {
    let [new, old] = ["state.new", "state.json"].map(|name| folder.join(name));
    let mut file = BufWriter::new(File::create(&new)?);
    serde_json::to_writer(&mut file, records)?;
    file.into_inner()?.sync_all()?;
    std::fs::rename(new, old)?;
    Ok(File::open(folder)?.sync_all()?)
}

fn compare(size: usize) -> Result<(), Failure> {
    let (steps, rewrites) = (6_000, (100_000 / size).clamp(5, 60));
    let [mut ours, mut bare, mut whole] = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..3 {
        ours.push(run(&["--steps", &size.to_string(), &steps.to_string()], steps)?);
        bare.push(run(&["--bare", &steps.to_string()], steps)?);
        whole.push(run(&["--rewritten", &size.to_string(), &rewrites.to_string()], rewrites)?);
    }
    let [ours, bare, whole] = [ours, bare, whole].map(middle);
    Ok(writeln!(
        io::stdout(),
        "{size:>7} instances: {:6.0} durable steps/s, {:5.1} µs CPU and {:6.0} bytes written for each; SQLite itself \
         {:6.0} rows/s, {:5.1} µs ({:4.2} of its rate); a file written anew {:8.1} steps/s, {:8.0} µs, {:9.0} bytes",
        1e6 / ours[0],
        ours[1],
        ours[2],
        1e6 / bare[0],
        bare[1],
        bare[0] / ours[0],
        1e6 / whole[0],
        whole[1],
        whole[2],
    )?)
}

/// What each step took: microseconds, microseconds of processor time, bytes.
fn run(arguments: &[&str], steps: usize) -> Result<[f64; 3], Failure> {
    let output = Command::new(std::env::current_exe()?).args(arguments).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let numbers: [f64; 3] = numbers.try_into().map_err(|_| "a measurement failed")?;
    Ok(numbers.map(|number| number / steps as f64))
}

/// For each number the one in the middle.
fn middle(mut measured: Vec<[f64; 3]>) -> [f64; 3] {
    [0, 1, 2].map(|part| {
        measured.sort_by(|one, other| one[part].total_cmp(&other[part]));
        measured[measured.len() / 2][part]
    })
}

struct Started {
    at: Instant,
    processor: Duration,
    bytes: u64,
}

impl Started {
    fn now() -> Result<Self, Failure> {
        Ok(Self { at: Instant::now(), processor: processor_time()?, bytes: written()? })
    }

    fn taken(self) -> Result<Taken, Failure> {
        let (processor, bytes) = (processor_time()? - self.processor, written()? - self.bytes);
        Ok(Taken { wall: self.at.elapsed(), processor, bytes })
    }
}

fn processor_time() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// Bytes that this process has handed to the kernel to be written.
fn written() -> Result<u64, Failure> {
    let counters = std::fs::read_to_string("/proc/self/io")?;
    let line = counters.lines().find_map(|line| line.strip_prefix("wchar: ")).ok_or("no such counter")?;
    Ok(line.trim().parse()?)
}
