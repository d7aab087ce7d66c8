//! A version waits a moment for its floors: the tokens without which its first metered requests would be refused.
//!
//! Invariant: no version waits longer than some ticks, and none whose floors cannot be had waits at all.

use super::download::Download;
use super::{FLOOR_TICKS, Phase, Sync};
use crate::host::Host;
use crate::metrics::Metrics;

impl Sync {
    /// The version that is being downloaded.
    pub fn downloading(&self) -> Option<u64> {
        match &self.phase {
            Phase::Fetching(download) => Some(download.version()),
            Phase::Idle | Phase::Polling(_) => None,
        }
    }

    /// The floors up to that version are there, or cannot be had: a download that waited for them may go live. Tells whether
    /// one did.
    pub fn floors_are_there(&mut self, host: &impl Host, metrics: &mut Metrics, version: u64) -> bool {
        self.floors = self.floors.max(version);
        self.release(host, metrics)
    }

    pub(super) fn release(&mut self, host: &impl Host, metrics: &mut Metrics) -> bool {
        let is_ready = |it: &Download| it.is_complete() && (self.floors >= it.version() || self.held > FLOOR_TICKS);
        match core::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Fetching(download) if is_ready(&download) => {
                self.floors = self.floors.max(download.version());
                let step = self.advance(host, download);
                self.finish(host, metrics, step)
            }
            other => {
                self.phase = other;
                false
            }
        }
    }
}
