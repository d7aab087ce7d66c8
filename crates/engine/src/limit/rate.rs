//! The generic cell rate algorithm (ITU-T I.371, virtual scheduling): a rate limit is a schedule of slots, one interval apart.
//!
//! The whole state of a bucket is the time of its next free slot (TAT). A slot may be taken as long before its time as the burst allows and
//! is void after it, like credit that a full bucket does not keep. How workers share a bucket is in `hold`. Invariant: no arithmetic
//! overflows; a clock that went back hands out nothing twice.

const SECOND: u64 = 1_000_000_000;
/// A day: longer periods are quotas.
const MAX_SECONDS: u32 = 24 * 60 * 60;
const MAX_BURST: u32 = 10_000_000;

/// So many requests in so many seconds, and how many of them may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    requests: u32,
    seconds: u32,
    burst: u32,
}

/// A rate that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRate {
    /// Nothing would ever pass.
    #[error("`requests` and `burst` must be at least 1")]
    Zero,
    /// Not a number of seconds that makes a rate.
    #[error("a rate counts over 1 second to 1 day")]
    Seconds,
    /// More than can be told apart in nanoseconds.
    #[error("a rate is at most 1,000,000 requests a second, and a burst at most 10,000,000")]
    TooFast,
}

impl Rate {
    /// The largest burst.
    pub const MAX_BURST: u32 = MAX_BURST;

    /// `requests` in `seconds`, up to `burst` of them at once.
    pub const fn new(requests: u32, seconds: u32, burst: u32) -> Result<Self, InvalidRate> {
        if requests == 0 || burst == 0 {
            return Err(InvalidRate::Zero);
        }
        if seconds == 0 || seconds > MAX_SECONDS {
            return Err(InvalidRate::Seconds);
        }
        if requests as u64 > 1_000_000 * seconds as u64 || burst > MAX_BURST {
            return Err(InvalidRate::TooFast);
        }
        Ok(Self { requests, seconds, burst })
    }

    /// Requests in [`seconds`](Self::seconds).
    pub const fn requests(&self) -> u32 {
        self.requests
    }

    /// The seconds that requests are counted over.
    pub const fn seconds(&self) -> u32 {
        self.seconds
    }

    /// How many may come at once.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// Nanoseconds from one slot to the next; rounded up, so that rounding lets nothing through.
    pub const fn interval(&self) -> u64 {
        (self.seconds as u64 * SECOND).div_ceil(self.requests as u64)
    }

    /// How long before its time a slot may be taken.
    const fn tolerance(&self) -> u64 {
        self.interval().saturating_mul(self.burst as u64 - 1)
    }

    /// A bucket's TAT as it can be at that moment. One that is later is of a time when the rate was another, or the clock ahead: the
    /// bucket is empty, and no more than that.
    pub fn settle(&self, tat: u64, now: u64) -> u64 {
        let latest = now.saturating_add(self.tolerance()).saturating_add(self.interval());
        if tat > latest.saturating_add(SECOND) { latest } else { tat }
    }

    /// How many could be taken now.
    pub fn credit(&self, tat: u64, now: u64) -> u32 {
        let latest = now.saturating_add(self.tolerance());
        let first = tat.max(now);
        let free = latest.checked_sub(first).map_or(0, |room| room / self.interval() + 1);
        u32::try_from(free).unwrap_or(u32::MAX).min(self.burst)
    }

    /// The time of the next free slot, if it may be taken now; or in how many nanoseconds it may be. The bucket's TAT is then
    /// [`Self::behind`] it.
    pub fn take(&self, tat: u64, now: u64) -> Result<u64, u64> {
        let slot = tat.max(now);
        match slot.saturating_sub(now.saturating_add(self.tolerance())) {
            0 => Ok(slot),
            wait => Err(wait),
        }
    }

    /// The time of the slot so many slots on.
    pub fn behind(&self, slot: u64, count: u32) -> u64 {
        slot.saturating_add(self.interval().saturating_mul(u64::from(count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rate_is_refused() {
        for (requests, seconds, burst, expected) in [
            (0, 1, 1, Err(InvalidRate::Zero)),
            (1, 1, 0, Err(InvalidRate::Zero)),
            (1, 0, 1, Err(InvalidRate::Seconds)),
            (1, 86_401, 1, Err(InvalidRate::Seconds)),
            (1_000_001, 1, 1, Err(InvalidRate::TooFast)),
            (1, 1, 10_000_001, Err(InvalidRate::TooFast)),
            (3, 1, 5, Ok(333_333_334)),
            (1, 86_400, 1, Ok(86_400 * SECOND)),
            (1_000_000, 1, 10_000_000, Ok(1_000)),
        ] {
            let interval = Rate::new(requests, seconds, burst).map(|rate| rate.interval());
            assert_eq!(interval, expected, "{requests} in {seconds}, {burst}");
        }
    }

    /// Takes one slot at each time (in tenths of the interval) and tells which passed.
    fn check(burst: u32, tenths: &[u64], expected: &[bool]) {
        let rate = Rate::new(10, 1, burst).unwrap();
        let mut tat = 0;
        for (index, (at, passes)) in tenths.iter().zip(expected).enumerate() {
            let now = SECOND * 1000 + at * rate.interval() / 10;
            let taken = rate.take(tat, now);
            tat = taken.map_or(tat, |slot| rate.behind(slot, 1));
            assert_eq!(taken.is_ok(), *passes, "request {index} of burst {burst} at {at}");
            if let Err(wait) = taken {
                assert!(rate.take(tat, now + wait).is_ok(), "after waiting as told");
                assert!(rate.take(tat, now + wait - 1).is_err(), "a moment before");
            }
        }
    }

    #[test]
    fn bursts_and_their_refill() {
        check(1, &[0, 1, 9, 10, 19, 20, 35, 40, 45], &[true, false, false, true, false, true, true, false, true]);
        check(3, &[0, 0, 0, 0, 10, 10, 30, 30, 30], &[true, true, true, false, true, false, true, true, false]);
        check(2, &[0, 0, 1000, 1000, 1000], &[true, true, true, true, false]);
    }

    #[test]
    fn a_clock_that_went_back_gives_nothing_twice() {
        let rate = Rate::new(10, 1, 2).unwrap();
        let tat = rate.behind(rate.take(0, 50 * SECOND).unwrap(), 2);
        assert!(rate.take(tat, 49 * SECOND).is_err());
        assert!(rate.take(rate.settle(tat, 49 * SECOND), 49 * SECOND).is_err(), "a second is nothing");
        let settled = rate.settle(tat, 40 * SECOND);
        assert_eq!(rate.take(settled, 40 * SECOND), Err(rate.interval()), "the bucket is empty, no more");
    }
}
