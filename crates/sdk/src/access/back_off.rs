//! How long to wait between attempts: exponential, with full jitter, and never less than the server asks for.
//!
//! It waits for nothing itself. Invariant: many who failed together do not come back together.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);
/// On top of what the server asks for.
const LONGEST_EXTRA: Duration = Duration::from_secs(1);

/// The pause after so many attempts that failed before this one; `chance` is random.
pub(crate) fn pause(attempt: u32, retry_after: Option<Duration>, chance: u32) -> Duration {
    let most = FIRST.saturating_mul(1 << attempt.min(16)).min(LONGEST);
    let jitter = part(most, chance);
    retry_after.map_or(jitter, |wanted| wanted.saturating_add(jitter.min(LONGEST_EXTRA)))
}

/// `chance` of 2³² parts.
fn part(most: Duration, chance: u32) -> Duration {
    let nanoseconds = (most.as_nanos() * u128::from(chance)) >> 32;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}
