//! Floors: the few tokens of every metered subject that a process holds before anybody asks.
//!
//! They are asked for while a version is being downloaded, so that they are there with it; but no version waits for them
//! longer than a moment. Invariant: the version up to which floors are there is written only when the last of them is.

use super::Limits;
use super::calls::Call;
use super::wire::{FloorsAfter, FloorsUpTo};
use crate::hash::head;
use crate::host::{Expect, Host};
use crate::live::Names;
use crate::timer::Timer;

/// Between two attempts that failed.
const AGAIN_NANOS: u64 = 1_000_000_000;

/// One VM's part in fetching floors.
#[derive(Debug, Default)]
pub(super) struct Floors {
    /// The version for which there is nothing more to wait for.
    pub(super) settled: u64,
    /// The version for which they are being fetched.
    wanted: u64,
    again: Timer,
}

impl Limits {
    /// Fetches the floors of what changed up to that version, unless they are there or on their way.
    pub fn fetch_floors(&mut self, host: &impl Host, version: u64, now: u64) {
        let Some(names) = self.names.clone() else { return };
        let is_new = version > self.floors.wanted;
        if self.floors.settled >= version && !is_new || Floors::is_under_way(&self.calls) {
            return;
        }
        if is_new || self.floors.again.is_due(now) {
            let there = host.shared(&names.floors()).map_or(0, |it| head(&it.value));
            self.floors.wanted = version;
            self.floors.again = Timer::start(now, AGAIN_NANOS);
            let after = FloorsAfter { version: there, subject: None };
            // A call that cannot be made holds nothing up.
            if there >= version || !self.call(host, &names, &[], Some(after), now) {
                self.floors.settled = version;
            }
        }
    }

    /// Whether a version need not wait for its floors any more.
    pub fn has_floors(&self, version: u64) -> bool {
        self.names.is_none() || self.floors.settled >= version
    }

    /// Fetches floors that could not be had before.
    pub(super) fn retry_floors(&mut self, host: &impl Host, version: u64, now: u64) {
        let Some(names) = &self.names else { return };
        if version > 0 && self.floors.again.is_due(now) && !Floors::is_under_way(&self.calls) {
            let there = host.shared(&names.floors()).map_or(0, |it| head(&it.value));
            if there < version {
                self.floors.wanted = 0;
                self.fetch_floors(host, version, now);
            } else {
                self.floors.again = Timer::start(now, AGAIN_NANOS);
            }
        }
    }

    pub(super) fn fail_floors(&mut self, call: &Call) {
        if call.floors {
            // Nothing is held up by it; the leader tries again.
            self.floors.settled = self.floors.wanted;
        }
    }

    pub(super) fn follow_floors(
        &mut self,
        host: &impl Host,
        names: &Names,
        call: &Call,
        floors: Option<FloorsUpTo>,
        now: u64,
    ) {
        if !call.floors {
            return;
        }
        let Some(FloorsUpTo { version, subject }) = floors else {
            self.floors.settled = self.floors.wanted;
            return;
        };
        if subject.is_none() {
            // A lost race means that another VM has them too.
            let _ = host.set_shared(&names.floors(), &version.to_le_bytes(), Expect::Anything);
            self.floors.settled = version.max(self.floors.wanted);
            return;
        }
        let there = host.shared(&names.floors()).map_or(0, |it| head(&it.value));
        if !self.call(host, names, &[], Some(FloorsAfter { version: there, subject }), now) {
            self.floors.settled = self.floors.wanted;
        }
    }
}
