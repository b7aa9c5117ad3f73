//! Start-up of the command line beside a program that does nothing (perf P13), interleaved.
//!
//! ```text
//! cargo bench -p sutler-tests --bench start
//! ```

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use sutler_tests::world::Binaries;

const PAIRS: usize = 60;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    if std::env::args().any(|argument| argument == "--nothing") {
        return Ok(());
    }
    let sutler = Binaries::build()?.sutler();
    let nothing = std::env::current_exe()?;
    let mut spent = [Duration::ZERO; 3];
    for _ in 0..PAIRS {
        spent[0] += cost(Command::new(&nothing).arg("--nothing"))?;
        spent[1] += cost(Command::new(&sutler).arg("--version"))?;
        spent[2] += cost(Command::new(&sutler).arg("--help"))?;
    }
    let each = |at: usize| spent[at].as_secs_f64() * 1e3 / PAIRS as f64;
    let mut out = std::io::stdout();
    writeln!(out, "user+system time, mean of {PAIRS} interleaved runs")?;
    writeln!(out, "a program that does nothing {:.2} ms", each(0))?;
    writeln!(out, "sutler --version {:.2} ms, ratio {:.2}   (goal P13: <= 2)", each(1), each(1) / each(0))?;
    writeln!(out, "sutler --help    {:.2} ms, ratio {:.2}   (goal P13: <= 2)", each(2), each(2) / each(0))?;
    Ok(())
}

/// What one run costs, in processor time. The kernel keeps it for waited-for children, in nanoseconds of the scheduler.
fn cost(command: &mut Command) -> Result<Duration, Failure> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let path = format!("/proc/{}/schedstat", child.id());
    let mut last = 0;
    // The last reading before the process is reaped holds all of its time: a zombie keeps its figures.
    loop {
        if let Ok(text) = std::fs::read_to_string(&path) {
            last = text
                .split_whitespace()
                .next()
                .and_then(|field| field.parse::<u64>().ok())
                .unwrap_or(last)
                .max(last);
        }
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
        if stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')) {
            break;
        }
        std::thread::yield_now();
    }
    child.wait()?;
    Ok(Duration::from_nanos(last))
}
