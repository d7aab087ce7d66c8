//! Requests that wait, a moment, for tokens of their quota that are on their way.
//!
//! A request whose tokens are at hand never comes here. Invariant: there are few, and each is decided within
//! [`MOST_WAIT_NANOS`] and a tick, whoever answers.

use crate::timer::Timer;

/// No request waits longer: whoever has not answered by then is not there.
pub const MOST_WAIT_NANOS: u64 = 500_000_000;
/// More than that do not wait at all: each is decided again with each answer.
const MOST: usize = 128;

/// The requests of one plugin that wait, oldest first.
#[derive(Debug, Default)]
pub struct Waiting {
    streams: Vec<Stream>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// As the proxy calls it.
    pub id: u32,
    /// Decided when it is due, whatever is there.
    pub patience: Timer,
}

impl Waiting {
    /// Whether another may wait.
    pub fn has_room(&self) -> bool {
        self.streams.len() < MOST
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.streams.len()
    }

    /// One waits from now on.
    pub fn begin(&mut self, id: u32, now: u64) {
        self.streams.push(Stream { id, patience: Timer::start(now, MOST_WAIT_NANOS) });
    }

    /// One goes on waiting.
    pub fn go_on(&mut self, stream: Stream) {
        self.streams.push(stream);
    }

    /// All of them, to be decided again.
    pub fn take(&mut self) -> Vec<Stream> {
        core::mem::take(&mut self.streams)
    }
}
