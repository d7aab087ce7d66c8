//! Sealed batches on their way: each is sent until somebody said that it arrived.
//!
//! The control plane tells by its number whether it has a batch already, so sending one again does no harm. What it refuses
//! for good is dropped, or it would hold up all that comes after it. Invariant: one call at a time, in the order in which
//! batches were sealed.

use std::collections::VecDeque;

use crate::config::Control;
use crate::host::Host;
use crate::report;
use crate::timer::Timer;

/// The pause after a failure, doubled each time up to the cap.
const RETRY_NANOS: u64 = 1_000_000_000;
const RETRY_CAP: u64 = 8_000_000_000;
/// How long after its timeout a call counts as lost.
const LOST_NANOS: u64 = 10_000_000_000;
/// Bytes that may wait, those of dead VMs included.
const MOST_BYTES: usize = 16 << 20;

/// A sealed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    body: Vec<u8>,
}

/// Sealed batches, the oldest first.
#[derive(Debug, Default)]
pub struct Outbox {
    batches: VecDeque<Batch>,
    in_flight: Option<(u32, Timer)>,
    retry: Timer,
    failures: u32,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The answer was of no batch.
    Unknown,
    /// It arrived.
    Delivered,
    /// It may not have, and is sent again.
    Again,
    /// It will never be taken: that many requests are not told.
    Dropped(u64),
}

impl Batch {
    /// The batch of this body.
    pub fn from_body(body: Vec<u8>) -> Self {
        Self { body }
    }

    /// The requests that it tells of.
    fn requests(&self) -> u64 {
        report::requests(&self.body)
    }
}

impl Outbox {
    /// Whether nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The bodies of all batches.
    pub fn batches(&self) -> impl Iterator<Item = &[u8]> {
        self.batches.iter().map(|batch| batch.body.as_slice())
    }

    /// Takes a batch in. Returns the requests of one for which there is no room.
    pub fn push(&mut self, batch: Batch) -> u64 {
        let bytes: usize = self.batches().map(<[u8]>::len).sum();
        if bytes + batch.body.len() > MOST_BYTES {
            return batch.requests();
        }
        self.batches.push_back(batch);
        0
    }

    /// Another VM has them now.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Sends the oldest, unless one is on its way or the last failure was just now.
    pub fn send(&mut self, host: &impl Host, control: &Control, now: u64) {
        let waits = self.in_flight.is_some_and(|(_, lost)| !lost.is_due(now)) || !self.retry.is_due(now);
        let Some(batch) = self.batches.front().filter(|_| !waits) else { return };
        match report::send(host, control, &batch.body) {
            Some(token) => self.in_flight = Some((token, Timer::start(now, LOST_NANOS))),
            None => self.fail(now),
        }
    }

    /// An answer arrived.
    pub fn answered(&mut self, host: &impl Host, token: u32, headers: usize, now: u64) -> Delivery {
        if self.in_flight.is_none_or(|(sent, _)| sent != token) {
            return Delivery::Unknown;
        }
        self.in_flight = None;
        let status = if headers == 0 { None } else { host.callout_header(":status") };
        match status.as_deref() {
            Some([b'2', _, _]) => self.end(Delivery::Delivered),
            // Not read yet, or made up by the proxy.
            Some(b"401" | b"403" | b"408" | b"429") => self.again(now),
            Some([b'4', _, _]) => {
                let requests = self.batches.front().map_or(0, Batch::requests);
                self.end(Delivery::Dropped(requests))
            }
            _ => self.again(now),
        }
    }

    fn end(&mut self, delivery: Delivery) -> Delivery {
        self.batches.pop_front();
        (self.failures, self.retry) = (0, Timer::default());
        delivery
    }

    fn again(&mut self, now: u64) -> Delivery {
        self.fail(now);
        Delivery::Again
    }

    fn fail(&mut self, now: u64) {
        let wait = RETRY_NANOS.saturating_mul(1 << self.failures.min(8)).min(RETRY_CAP);
        self.retry = Timer::start(now, wait);
        self.failures = self.failures.saturating_add(1);
    }
}
