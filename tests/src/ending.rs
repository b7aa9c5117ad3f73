//! How a fake that runs as a program ends: told by a signal, or with whoever started it.

use std::io::{self, Read as _};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// What a program waits for when it has nothing left to do but serve.
#[derive(Debug)]
pub struct Ending {
    terminate: Signal,
    interrupt: Signal,
    parent: Option<oneshot::Receiver<()>>,
}

/// Whether the end of standard input ends the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// It does: whoever started the program is gone then.
    Matters,
    /// It does not.
    DoesNotMatter,
}

impl Ending {
    /// Listens from now on, so that nothing that comes before [`wait`](Self::wait) is lost.
    ///
    /// # Errors
    /// When the system does not let us listen to signals.
    pub fn expect(parent: Parent) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            parent: (parent == Parent::Matters).then(end_of_input),
        })
    }

    /// Returns when it is time to end.
    pub async fn wait(mut self) {
        let orphaned = async {
            match self.parent {
                Some(ended) => drop(ended.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = orphaned => {}
        }
    }
}

/// Reads standard input on a thread of its own, which the end of the process takes along.
fn end_of_input() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        let mut input = io::stdin().lock();
        while matches!(input.read(&mut buffer), Ok(length) if length > 0) {}
        // Nobody listens any more when the process is ending anyway.
        let _ = sender.send(());
    });
    receiver
}
