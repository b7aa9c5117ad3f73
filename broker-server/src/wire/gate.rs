//! Between the socket and HTTP: lets through what is framed well and in time, one request after the other.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{Connection, Place, REFUSED_PATH, Refusal, Rules, Socket, framing::Framing, timer::Timer};

/// How much of a request is thrown away that nobody wants, so that its sender reads the answer (S-05).
const MOST_THROWN_AWAY: usize = 64 << 10;
/// How long that is done.
const THROWING_AWAY: Duration = Duration::from_secs(1);
/// Read at a time.
const PIECE: usize = 8 << 10;

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first byte of a request.
    Idle,
    /// The rest of its head.
    Head,
    /// The rest of its body.
    Body,
    /// Its answer.
    Answer,
    /// Nothing: whatever comes is not looked at any more.
    Closed,
}

/// A socket that lets only through what may be read.
pub(crate) struct Gate {
    socket: Socket,
    place: Place,
    rules: Rules,
    framing: Framing,
    phase: Phase,
    /// When the phase began.
    since: Instant,
    /// How long the phase `Idle` may last.
    patience: Duration,
    /// What was read; its first `passed` bytes may go on.
    held: BytesMut,
    passed: usize,
    /// The request under way is the last one.
    is_last: bool,
    /// A request was not read to its end.
    is_cut: bool,
    thrown_away: usize,
    /// When that began.
    throwing: Option<Instant>,
    /// When the answer began to be written, and how much of it is.
    answer: Option<(Instant, u64)>,
    read_timer: Timer,
    write_timer: Timer,
}

impl Gate {
    pub(crate) fn new(socket: Socket, place: Place, rules: Rules) -> Self {
        Self {
            socket,
            place,
            rules,
            framing: Framing::new(rules),
            phase: Phase::Idle,
            since: Instant::now(),
            patience: rules.head_deadline,
            held: BytesMut::new(),
            passed: 0,
            is_last: false,
            is_cut: false,
            thrown_away: 0,
            throwing: None,
            answer: None,
            read_timer: Timer::default(),
            write_timer: Timer::default(),
        }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        self.place.connection()
    }

    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
        if phase == Phase::Idle {
            self.connection().rest();
        }
    }

    /// Stands in for a request that must not be read: the answer to it comes in its order, like any other.
    fn refuse(&mut self, refusal: Refusal) {
        self.connection().refuse(refusal);
        self.connection().begin();
        self.answer = None;
        self.held.truncate(self.passed);
        self.held.extend_from_slice(
            format!("GET {REFUSED_PATH} HTTP/1.1\r\nhost: broker\r\nconnection: close\r\n\r\n").as_bytes(),
        );
        self.passed = self.held.len();
        self.is_last = true;
        self.is_cut = true;
        self.turn(Phase::Answer);
    }

    /// Looks at what was read, as far as the request under way goes.
    fn review(&mut self) {
        loop {
            let unseen = &self.held[self.passed..];
            if unseen.is_empty() {
                return;
            }
            match self.phase {
                Phase::Idle | Phase::Head => match self.framing.head(unseen) {
                    Ok(None) if self.phase == Phase::Idle => return self.turn(Phase::Head),
                    Ok(None) => return,
                    Ok(Some(length)) => {
                        self.passed += length;
                        self.answer = None;
                        self.connection().begin();
                        self.turn(if self.framing.in_body() { Phase::Body } else { Phase::Answer });
                    }
                    Err(refusal) => return self.refuse(refusal),
                },
                Phase::Body => match self.framing.body(unseen) {
                    Ok(length) => {
                        self.passed += length;
                        if self.framing.in_body() {
                            return;
                        }
                        self.turn(Phase::Answer);
                    }
                    Err(_) => return self.cut(),
                },
                Phase::Answer | Phase::Closed => return,
            }
        }
    }

    /// Ends the stream; whoever reads a body learns that it is not whole.
    fn cut(&mut self) {
        self.is_cut |= self.phase != Phase::Idle;
        self.held.truncate(self.passed);
        self.turn(Phase::Closed);
    }

    /// Waits until more may be read. Changes the phase where time is up.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.connection().wake(context.waker());
        match self.phase {
            Phase::Closed => Poll::Ready(()),
            Phase::Answer if !self.connection().is_answered() => Poll::Pending,
            Phase::Answer if self.is_last => {
                self.cut();
                Poll::Ready(())
            }
            Phase::Answer => {
                self.patience = self.rules.keep_alive;
                self.turn(Phase::Idle);
                self.review();
                // with its own time, which is not that of the request before
                if self.passed > 0 { Poll::Ready(()) } else { self.wait(context) }
            }
            Phase::Body => self.wait_for_reader(context),
            Phase::Idle | Phase::Head => {
                let patience =
                    if self.phase == Phase::Idle { self.patience } else { self.rules.head_deadline };
                let is_late = self.read_timer.poll(context, self.since + patience).is_ready();
                match self.phase {
                    _ if self.connection().is_evicted() => self.cut(),
                    Phase::Head if is_late => self.refuse(Refusal::Late),
                    _ if is_late => self.cut(),
                    _ => {}
                }
                Poll::Ready(())
            }
        }
    }

    /// A body is taken from the socket once somebody wants it. Of one that nobody wanted, a little is thrown away.
    fn wait_for_reader(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.connection().is_answered() {
            if self.has_thrown_enough(context) {
                self.cut();
            }
            return Poll::Ready(());
        }
        if self.connection().is_body_wanted() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn has_thrown_enough(&mut self, context: &mut Context<'_>) -> bool {
        let since = *self.throwing.get_or_insert_with(Instant::now);
        self.thrown_away > MOST_THROWN_AWAY || self.read_timer.poll(context, since + THROWING_AWAY).is_ready()
    }

    /// Reads a piece from the socket.
    fn fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [const { MaybeUninit::uninit() }; PIECE];
        let mut piece = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.socket).poll_read(context, &mut piece))?;
        if piece.filled().is_empty() {
            self.is_cut = false;
            self.phase = Phase::Closed;
            return Poll::Ready(Ok(()));
        }
        if self.phase == Phase::Body && self.connection().is_answered() {
            self.thrown_away += piece.filled().len();
        }
        self.held.extend_from_slice(piece.filled());
        self.review();
        Poll::Ready(Ok(()))
    }

    /// Whether an answer is read too slowly (S-13).
    fn is_stalled(&mut self, context: &mut Context<'_>) -> bool {
        let (began, written) = *self.answer.get_or_insert_with(|| (Instant::now(), 0));
        let deadline = began + self.rules.answer.deadline(written);
        self.write_timer.poll(context, deadline).is_ready()
    }

    /// After the last answer: takes what is still coming for a moment, so that the answer is not lost with it.
    fn throw_away(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.is_cut && !self.has_thrown_enough(context) {
            let mut space = [const { MaybeUninit::uninit() }; PIECE];
            let mut piece = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut self.socket).poll_read(context, &mut piece)) {
                Ok(()) if !piece.filled().is_empty() => self.thrown_away += piece.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Gate {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        loop {
            let length = gate.passed.min(out.remaining());
            if length > 0 {
                out.put_slice(&gate.held[..length]);
                gate.held.advance(length);
                gate.passed -= length;
                return Poll::Ready(Ok(()));
            }
            ready!(gate.wait(context));
            if gate.phase == Phase::Closed {
                return Poll::Ready(Ok(()));
            }
            if gate.passed == 0 && gate.phase != Phase::Answer {
                ready!(gate.fill(context))?;
            }
        }
    }
}

impl AsyncWrite for Gate {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        match Pin::new(&mut gate.socket).poll_write(context, bytes) {
            Poll::Ready(Ok(length)) => {
                let (_, written) = gate.answer.get_or_insert_with(|| (Instant::now(), 0));
                *written += length as u64;
                Poll::Ready(Ok(length))
            }
            Poll::Pending if gate.is_stalled(context) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            other => other,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        match Pin::new(&mut gate.socket).poll_flush(context) {
            Poll::Pending if gate.is_stalled(context) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            other => other,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        match Pin::new(&mut gate.socket).poll_shutdown(context) {
            Poll::Pending if gate.is_stalled(context) => {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            Poll::Pending => return Poll::Pending,
            Poll::Ready(ended) => ended?,
        }
        gate.throw_away(context)
    }
}
