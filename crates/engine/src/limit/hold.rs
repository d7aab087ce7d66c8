//! A bucket that several workers share: where it stands, and the few requests of it that one of them may let through before it says so.
//!
//! What is held is kept free: nobody else takes it. So a worker says only every so many requests what it let through, and still the
//! bucket lets through no more than its burst and what came in since. What it says late is counted as of its last request, and exactly
//! if nobody else touched the bucket meanwhile. Invariant: what was taken and what is held, said or not, is never more than the burst.

use super::Rate;

/// Within that time every worker that lives has heard of a new generation, and lets nothing of earlier ones through any more.
pub const HEARD_NANOS: u64 = 3_000_000_000;

/// A bucket as workers share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// The time of the next free slot, in nanoseconds.
    pub tat: u64,
    /// How many requests all workers together may let through before they say so.
    pub held: u32,
    /// Of the workers that hold them; a new one comes where another died.
    pub generation: u32,
    /// Held by earlier generations, of which some may live and not have heard yet.
    pub lost: u32,
    /// When they were lost.
    pub lost_at: u64,
}

/// One worker's part of a bucket. It is small: a worker that serves many keys has one of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// 0 = one slot was taken alone.
    count: u16,
    /// Of these; of one slot alone, 0 = it was put back.
    used: u16,
    generation: u32,
    /// The bucket's TAT when this was held; of one slot alone, its time.
    base: u64,
    /// What the TAT would be by now if nobody else had touched the bucket.
    tat: u64,
    /// When one was last used.
    last: u64,
}

impl Level {
    /// Begins that generation, if it is new. What earlier ones held is lost: it stays free for [`HEARD_NANOS`], and then counts as let
    /// through.
    pub fn enter(&mut self, rate: &Rate, generation: u32, now: u64) {
        if generation > self.generation {
            self.lost = self.lost.saturating_add(core::mem::take(&mut self.held));
            (self.generation, self.lost_at) = (generation, now);
        }
        // A clock that went back waits anew.
        self.lost_at = self.lost_at.min(now);
        if self.lost > 0 && now.saturating_sub(self.lost_at) >= HEARD_NANOS {
            self.tat = rate.behind(self.tat.max(now), core::mem::take(&mut self.lost));
        }
    }

    /// Counts what a worker let through, and frees what it did not. Its hold is over then.
    pub fn settle(&mut self, rate: &Rate, hold: &Hold) {
        if hold.count == 0 {
            // A slot that nobody needed is free again, unless somebody stands behind it.
            if hold.is_free() && self.tat == rate.behind(hold.base, 1) {
                self.tat = hold.base;
            }
        } else if hold.generation == self.generation {
            self.held = self.held.saturating_sub(hold.count.into());
            if hold.used > 0 {
                let is_alone = self.tat == hold.base;
                self.tat = if is_alone { hold.tat } else { rate.behind(self.tat.max(hold.last), hold.used.into()) };
            }
        }
    }

    /// How many could be taken now.
    pub fn credit(&self, rate: &Rate, now: u64) -> u32 {
        rate.credit(self.next(rate, now), now)
    }

    /// Lets one request through and holds others, `wanted` in all; or says in how many nanoseconds there will be one.
    pub fn take(&mut self, rate: &Rate, wanted: u16, now: u64) -> Result<Hold, u64> {
        rate.take(self.next(rate, now), now)?;
        let count = u16::try_from(self.credit(rate, now)).map_or(wanted, |credit| credit.min(wanted));
        let (generation, slot) = (self.generation, self.tat.max(now));
        let behind = rate.behind(slot, 1);
        if count > 1 {
            self.held = self.held.saturating_add(count.into());
            return Ok(Hold { count, used: 1, generation, base: self.tat, tat: behind, last: now });
        }
        self.tat = behind;
        Ok(Hold { count: 0, used: 1, generation, base: slot, tat: behind, last: now })
    }

    /// The next slot that nobody holds.
    fn next(&self, rate: &Rate, now: u64) -> u64 {
        rate.behind(self.tat.max(now), self.held.saturating_add(self.lost))
    }
}

impl Hold {
    /// Lets one request through, if one is held.
    pub fn take(&mut self, rate: &Rate, now: u64) -> bool {
        if self.count == 0 {
            let is_good = self.is_free() && self.base >= now;
            self.used = 1;
            return is_good;
        }
        if self.used >= self.count {
            return false;
        }
        self.used += 1;
        self.tat = rate.behind(self.tat.max(now), 1);
        self.last = self.last.max(now);
        true
    }

    /// Puts the one that was taken last back.
    pub fn put_back(&mut self, rate: &Rate) {
        if self.count > 0 && self.used > 0 {
            self.tat = self.tat.saturating_sub(rate.interval());
        }
        self.used = self.used.saturating_sub(1);
    }

    /// A slot that was taken alone and put back.
    fn is_free(&self) -> bool {
        self.count == 0 && self.used == 0 && self.base > 0
    }

    /// Whether it is of that generation, or a later one.
    pub fn is_of(&self, generation: u32) -> bool {
        self.count == 0 || self.generation >= generation
    }

    /// How many are left in it.
    pub fn left(&self) -> u32 {
        self.count.saturating_sub(self.used).into()
    }

    /// Whether the bucket is to be told of it.
    pub fn is_open(&self) -> bool {
        self.count > 0 || self.is_free()
    }

    /// When one was last used.
    pub fn last(&self) -> u64 {
        self.last
    }
}
