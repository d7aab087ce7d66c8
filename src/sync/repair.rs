//! Whether everything has to be fetched again: a worker found a part missing and set the flag in shared memory.
//!
//! The flag stays until a whole version is there, so that it outlives a leader. Invariant: a version that does not stay
//! whole is fetched again ever more rarely, not in a loop.

use crate::host::{Expect, Host};
use crate::live::Names;
use crate::timer::Timer;

/// The pause after fetching a version again, doubled each time.
const PAUSE_NANOS: u64 = 10_000_000_000;
/// Ten seconds doubled that often are some ten minutes.
const MAX_DOUBLINGS: u32 = 6;

/// One leader's repairs.
#[derive(Debug, Default)]
pub(super) struct Repair {
    wanted: bool,
    /// The version that is live, and how often it was fetched again.
    version: u64,
    times: u32,
    pause: Timer,
}

impl Repair {
    /// Whether nothing that is live may be taken for granted.
    pub(super) fn wanted(&self) -> bool {
        self.wanted
    }

    /// Looks at the flag. Tells whether a repair is wanted that was not before.
    pub(super) fn look(&mut self, host: &impl Host, names: &Names, now: u64) -> bool {
        if self.wanted || !self.pause.is_due(now) {
            return false;
        }
        self.wanted = host.shared(&names.repair()).is_some_and(|shared| !shared.value.is_empty());
        self.wanted
    }

    /// A version is live, all of it `fetched_again` or only what changed.
    pub(super) fn applied(&mut self, host: &impl Host, names: &Names, version: u64, fetched_again: bool) {
        if version != self.version {
            (self.times, self.pause) = (0, Timer::default());
        }
        if fetched_again {
            // Should this fail, the pause still holds.
            let _ = host.set_shared(&names.repair(), b"", Expect::Anything);
            self.pause = Timer::start(host.now_nanos(), PAUSE_NANOS << self.times.min(MAX_DOUBLINGS));
            self.times = self.times.saturating_add(1);
            self.wanted = false;
        }
        self.version = version;
    }

    /// Another VM leads now; the flag is still there for it.
    pub(super) fn leave(&mut self) {
        self.wanted = false;
    }
}
