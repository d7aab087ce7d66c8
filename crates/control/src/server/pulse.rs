//! Whether a connection is alive: when bytes last moved on it, and whether a request's head is on its way.
//!
//! It closes nothing itself. Invariant: time spent answering counts as life only while bytes move or the idle limit,
//! which is longer than any long poll, is not over.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// The life of one connection.
#[derive(Debug)]
pub(super) struct Pulse(Mutex<State>);

#[derive(Debug)]
struct State {
    moved: Instant,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// A head is expected or half here, since then.
    Head(Instant),
    /// A request is being answered.
    Busy,
    /// Answered; nothing of the next request is here.
    Idle,
}

impl Pulse {
    /// Of a new connection, whose peer owes a request.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self(Mutex::new(State { moved: now, phase: Phase::Head(now) }))
    }

    /// A request's head is here.
    pub(super) fn asked(&self) {
        self.state().phase = Phase::Busy;
    }

    /// Its answer is on the way.
    pub(super) fn answered(&self) {
        self.state().phase = Phase::Idle;
    }

    /// Returns once the peer has taken too long: for a head, or for anything at all.
    pub(super) async fn stalled(&self, head_within: Duration, idle: Duration) {
        loop {
            let now = Instant::now();
            let deadline = self.deadline(head_within, idle);
            if now >= deadline {
                return;
            }
            // A head may begin at any time, and is due sooner than what is waited for here.
            sleep_until(deadline.min(now + head_within / 4)).await;
        }
    }

    fn deadline(&self, head_within: Duration, idle: Duration) -> Instant {
        let state = self.state();
        match state.phase {
            Phase::Head(since) => since + head_within,
            Phase::Busy | Phase::Idle => state.moved + idle,
        }
    }

    fn received(&self) {
        let mut state = self.state();
        state.moved = Instant::now();
        if let Phase::Idle = state.phase {
            state.phase = Phase::Head(state.moved);
        }
    }

    fn sent(&self) {
        self.state().moved = Instant::now();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection whose pulse is felt.
#[derive(Debug)]
pub(super) struct Felt<'a> {
    stream: TcpStream,
    pulse: &'a Pulse,
}

impl<'a> Felt<'a> {
    pub(super) fn new(stream: TcpStream, pulse: &'a Pulse) -> Self {
        Self { stream, pulse }
    }

    fn felt(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(bytes)) if bytes > 0) {
            self.pulse.sent();
        }
        written
    }
}

impl AsyncRead for Felt<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.received();
        }
        done
    }
}

impl AsyncWrite for Felt<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.felt(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.felt(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
