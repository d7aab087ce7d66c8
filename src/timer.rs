//! Deadlines on a wall clock that may jump.
//!
//! Invariant: a clock that is set back makes a timer due at once; it never makes it wait longer than it was meant to.

/// One second, in nanoseconds.
pub const SECOND: u64 = 1_000_000_000;

/// Due once some time has passed. The default is due at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer {
    started: u64,
    wait: u64,
}

impl Timer {
    /// Due that many nanoseconds after `now`.
    pub fn start(now: u64, wait: u64) -> Self {
        Self { started: now, wait }
    }

    /// Whether its time has come, or can no longer be told.
    pub fn is_due(&self, now: u64) -> bool {
        now.checked_sub(self.started).is_none_or(|passed| passed >= self.wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_back_makes_it_due() {
        for (now, due) in [(100, false), (104, false), (105, true), (1000, true), (99, true), (0, true)] {
            assert_eq!(Timer::start(100, 5).is_due(now), due, "{now}");
        }
        assert!(Timer::default().is_due(0));
    }
}
