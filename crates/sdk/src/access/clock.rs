//! Time and chance, in one place, so that tests can have their own.
//!
//! Invariant: nothing here knows what day it is: a wrong wall clock, or one that is set, matters nowhere.

use std::time::{Duration, Instant};

/// The monotonic clock, sleep, and randomness.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    Monotonic,
    #[cfg(test)]
    Manual(std::sync::Arc<super::tests::manual::Manual>),
}

impl Clock {
    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::Monotonic => Instant::now(),
            #[cfg(test)]
            Self::Manual(clock) => clock.now(),
        }
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        match self {
            Self::Monotonic => tokio::time::sleep(duration).await,
            #[cfg(test)]
            Self::Manual(clock) => clock.sleep(duration),
        }
    }

    /// Any number, as likely as any other.
    pub(crate) fn chance(&self) -> u32 {
        match self {
            Self::Monotonic => {
                // Without randomness the pause is the middle one: worse than jitter, better than none.
                let mut bytes = (u32::MAX / 2).to_ne_bytes();
                let _ = getrandom::fill(&mut bytes);
                u32::from_ne_bytes(bytes)
            }
            #[cfg(test)]
            Self::Manual(_) => u32::MAX / 2 + 1,
        }
    }
}
