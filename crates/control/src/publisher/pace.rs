//! How soon a version may follow one that was large.
//!
//! Edges fetch what is new in a version before they go on to the next. Whoever writes thousands of keys a second makes all of
//! each version new: versions that came faster than they can be fetched would never be applied, and no revocation with them.
//! Invariants: what is small is published at once; nothing waits longer than [`LONGEST`].

use std::time::{Duration, Instant};

/// What edges are taken to fetch and apply in a second, on machines that do other things as well.
const BYTES_A_SECOND: f64 = 20e6;
/// So much may be new at once: a million keys, all of them changed.
const AT_ONCE: f64 = 64e6;
/// However much is new, since changes that wait are published together.
const LONGEST: Duration = Duration::from_secs(4);

/// What edges have still to fetch, by that rate.
#[derive(Debug, Default)]
pub(super) struct Pace {
    bytes: f64,
    /// As of then.
    at: Option<Instant>,
}

impl Pace {
    /// A version was published in which so much is new.
    pub(super) fn published(&mut self, now: Instant, bytes: usize) {
        let most = AT_ONCE + LONGEST.as_secs_f64() * BYTES_A_SECOND;
        self.bytes = (self.left(now) + bytes as f64).min(most);
        self.at = Some(now);
    }

    /// How long the next one has to wait.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        Duration::from_secs_f64((self.left(now) - AT_ONCE).max(0.0) / BYTES_A_SECOND)
    }

    fn left(&self, now: Instant) -> f64 {
        let since = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        (self.bytes - since.as_secs_f64() * BYTES_A_SECOND).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits after versions of such sizes, each published as soon as it may be.
    fn waits(sizes: &[usize]) -> Vec<f64> {
        let (mut now, mut pace) = (Instant::now(), Pace::default());
        let mut wait = |size: &usize| {
            pace.published(now, *size);
            let wait = pace.wait(now);
            now += wait;
            (wait.as_secs_f64() * 1000.0).round() / 1000.0
        };
        sizes.iter().map(&mut wait).collect()
    }

    #[test]
    fn what_edges_cannot_keep_up_with_waits_and_nothing_else_does() {
        assert_eq!(waits(&[170_000; 100]), [0.0; 100], "a hundred revocations at once");
        assert_eq!(waits(&[61_000_000, 170_000]), [0.0, 0.0], "everything replaced, then a revocation");
        assert_eq!(waits(&[60_000_000; 4]), [0.0, 2.8, 3.0, 3.0]);
        assert_eq!(waits(&[620_000_000, 1]), [4.0, 0.0], "ten million keys");
    }

    #[test]
    fn what_was_fetched_is_forgotten() {
        let (now, mut pace) = (Instant::now(), Pace::default());
        pace.published(now, 100_000_000);
        assert!(pace.wait(now) > Duration::ZERO);
        assert_eq!(pace.wait(now + LONGEST), Duration::ZERO);
        pace.published(now + Duration::from_secs(5), 64_000_000);
        assert_eq!(pace.wait(now + Duration::from_secs(5)), Duration::ZERO);
    }
}
