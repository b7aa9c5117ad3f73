//! Running a program: what goes in, how long it may take, what it said when it failed.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// What of our environment a program gets: how to find programs, and how people want to be spoken to.
const PASSED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
/// So much of what it complains is kept.
const COMPLAINT: u64 = 4096;
const GLANCE: Duration = Duration::from_millis(5);

/// A program, its arguments, the folder it runs in, and how long it may take.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) words: Vec<String>,
    pub(super) folder: PathBuf,
    pub(super) patience: Duration,
}

impl Program {
    /// Runs it with this on its standard input.
    ///
    /// # Errors
    /// What is wrong, in words, which may hold what the program said.
    pub(super) fn run(&self, input: &Zeroizing<Vec<u8>>) -> Result<(), String> {
        let (program, arguments) = self.words.split_first().ok_or("there is no program to run")?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().current_dir(&self.folder);
        command.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("could not be started: {error}"))?;
        feed(&mut child, input.clone());
        let complaint = listen(&mut child);
        let status = self.wait(&mut child)?;
        if status.success() {
            return Ok(());
        }
        let said = complaint.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        Err(format!("ended with {status}; it said: {}", last.trim()))
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + self.patience;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(GLANCE),
                waited => {
                    // It may have ended just now; then there is nobody to kill.
                    let _ended = child.kill();
                    let _ended = child.wait();
                    return Err(match waited {
                        Err(error) => format!("could not be waited for: {error}"),
                        Ok(_) => format!("did not end within {:?} and was killed", self.patience),
                    });
                }
            }
        }
    }
}

/// Writes beside the waiting: a program may read late, or not at all.
fn feed(child: &mut Child, input: Zeroizing<Vec<u8>>) {
    if let Some(mut stdin) = child.stdin.take() {
        // A program that closes its input early says by its exit code whether that is well.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
}

/// Reads what it complains, all of it so that it is not held up, and keeps the beginning.
fn listen(child: &mut Child) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    if let Some(mut stderr) = child.stderr.take() {
        thread::spawn(move || {
            let mut kept = Vec::new();
            let _closed = (&mut stderr).take(COMPLAINT).read_to_end(&mut kept);
            let _closed = std::io::copy(&mut stderr, &mut std::io::sink());
            let _gone = tell.send(String::from_utf8_lossy(&kept).into_owned());
        });
    }
    told
}
