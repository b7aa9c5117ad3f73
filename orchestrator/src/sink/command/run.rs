//! Running a program: what goes in, how long it may take, what it said when it failed.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, Command};
use tokio::time::timeout;
use zeroize::Zeroizing;

/// What of our environment a program gets: how to find programs, and how people want to be spoken to.
const PASSED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
/// So much of what it complains is kept.
const COMPLAINT: u64 = 4096;
/// So long its complaint may go on once it has ended: a child of its own may hold on to it.
const AFTERWARDS: Duration = Duration::from_secs(1);

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
    pub(super) fn run(&self, input: &[u8]) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| format!("could not be waited for: {error}"))?.block_on(self.work(input))
    }

    async fn work(&self, input: &[u8]) -> Result<(), String> {
        let (program, arguments) = self.words.split_first().ok_or("there is no program to run")?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().current_dir(&self.folder).kill_on_drop(true);
        command.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("could not be started: {error}"))?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let talk = async { tokio::join!(feed(stdin, input), listen(stderr)).1 };
        tokio::pin!(talk);
        let mut said = None;
        let ended = timeout(self.patience, async {
            loop {
                tokio::select! {
                    ended = child.wait() => break ended,
                    text = &mut talk, if said.is_none() => said = Some(text),
                }
            }
        });
        let status = match ended.await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return Err(format!("could not be waited for: {error}")),
            Err(_) => {
                // It may have ended just now; then there is nobody to kill.
                let _ended = child.kill().await;
                return Err(format!("did not end within {:?} and was killed", self.patience));
            }
        };
        if status.success() {
            return Ok(());
        }
        let said = match said {
            Some(said) => said,
            None => timeout(AFTERWARDS, talk).await.unwrap_or_default(),
        };
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        Err(format!("ended with {status}; it said: {}", last.trim()))
    }
}

/// A program that closes its input early says by its exit code whether that is well.
async fn feed(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        let _closed = stdin.write_all(input).await;
    }
}

/// All of what it complains, so that it is not held up; the beginning is kept.
async fn listen(stderr: Option<ChildStderr>) -> String {
    let mut kept = Zeroizing::new(Vec::new());
    if let Some(mut stderr) = stderr {
        let _closed = (&mut stderr).take(COMPLAINT).read_to_end(&mut kept).await;
        let _closed = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    }
    if kept.len() as u64 == COMPLAINT {
        // Half a line may hold half a secret, which nobody would recognize.
        let whole = kept.iter().rposition(|byte| *byte == b'\n').unwrap_or_default();
        kept.truncate(whole);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
