//! Rate limits across the VMs of a process: buckets in shared memory, of which a worker that uses one often holds a few requests.
//!
//! What a worker let through of what it held is said when that is used up, or when it was idle for a second. Where nothing can be shared, each VM has buckets of its own. Invariant: what passes in any stretch of time is at most the burst
//! and what came in since.

use portcullis_engine::limit::{Hold, Level, LimitKind, RateClaim};
use portcullis_engine::{Bucket, Rate, Reason, Refusal, Standing};

use super::slots::{Record, Write, update};
use crate::codec::Reader;
use crate::hash::{IdMap, slot};
use crate::host::Host;
use crate::live::Names;
use crate::timer::{SECOND, Timer};

/// Who did not use a bucket for so long holds nothing of it.
const IDLE_NANOS: u64 = SECOND;
/// Requests that a worker holds of one bucket, at most.
const MOST_HELD: u16 = 16;
/// Lists that buckets are divided among; each is some dozens of bytes as long as it is in use.
const LISTS: u64 = 4096;
/// Buckets of which a VM holds something.
const MOST_LOCAL: usize = 16 << 10;
/// Buckets that it keeps track of: of others nothing is put back.
const MOST_KNOWN: usize = 4 * MOST_LOCAL;
/// Buckets that are given back in one tick, at most: a tick keeps requests waiting.
const MOST_GIVEN_BACK: usize = 256;

/// A bucket as shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shared {
    bucket: Bucket,
    level: Level,
}

impl Record for Shared {
    #[inline(never)]
    fn decode(bytes: &[u8]) -> Vec<Self> {
        let mut reader = Reader::new(bytes);
        let mut one = || {
            let bucket = Bucket::from_bytes(reader.array()?);
            let (tat, held, generation) = (reader.u64()?, reader.u32()?, reader.u32()?);
            let (lost, lost_at) = (reader.u32()?, reader.u64()?);
            Some(Self { bucket, level: Level { tat, held, generation, lost, lost_at } })
        };
        core::iter::from_fn(&mut one).collect()
    }

    #[inline(never)]
    fn encode(records: &[Self]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(records.len() * SIZE);
        for Self { bucket, level: Level { tat, held, generation, lost, lost_at } } in records {
            bytes.extend_from_slice(bucket.as_bytes());
            bytes.extend_from_slice(&tat.to_le_bytes());
            [held, generation, lost].iter().for_each(|it| bytes.extend_from_slice(&it.to_le_bytes()));
            bytes.extend_from_slice(&lost_at.to_le_bytes());
        }
        bytes
    }
}

/// Bytes of a bucket in shared memory.
const SIZE: usize = 16 + 8 + 3 * 4 + 8;

/// One worker's part of one bucket.
#[derive(Clone, Copy, Debug)]
struct Local {
    hold: Hold,
    rate: Rate,
    /// Credit left in the bucket beside it.
    credit: u32,
}

/// One VM's rate limits.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// Where nothing is shared: the time of each bucket's next free slot.
    own: IdMap<Bucket, u64>,
    local: IdMap<Bucket, Local>,
    workers: u32,
    sweep: Timer,
}

/// What one looks for in a bucket.
struct Look<'a> {
    claim: &'a RateClaim,
    /// What this worker has of it so far.
    before: Option<Hold>,
    may_hold: bool,
    workers: u32,
    now: u64,
}

impl Rates {
    /// How many workers there have been so far. What earlier ones held is lost with those who died.
    pub(super) fn set_workers(&mut self, workers: u32) {
        if self.workers != workers {
            self.workers = workers;
            self.local.retain(|_, local| local.hold.is_of(workers));
        }
    }

    /// Takes one slot of each, or none and says which has none. Tells where the one nearest to its end stands.
    pub(super) fn take(
        &mut self,
        host: &impl Host,
        names: Option<&Names>,
        claims: &[Option<RateClaim>],
        now: u64,
    ) -> Result<Option<Standing>, Refusal> {
        let mut nearest = None;
        for (index, claim) in claims.iter().enumerate() {
            let Some(claim) = claim else { continue };
            match self.take_one(host, names, claim, now) {
                Ok(left) => nearest = nearer(nearest, standing(&claim.rate, left, 0)),
                Err(wait) => {
                    self.put_back(claims.get(..index).unwrap_or_default());
                    let retry_after = wait.div_ceil(SECOND).max(1);
                    let standing = Some(standing(&claim.rate, 0, retry_after));
                    return Err(Refusal { reason: Reason::RateLimited, standing, retry_after });
                }
            }
        }
        Ok(nearest)
    }

    /// Lets one through; tells how many more could be had, or for how many nanoseconds there is none.
    fn take_one(&mut self, host: &impl Host, names: Option<&Names>, claim: &RateClaim, now: u64) -> Result<u32, u64> {
        let local = self.local.get_mut(&claim.bucket);
        let before = local.as_ref().map(|it| it.hold);
        if let Some(local) = local
            && local.hold.take(&claim.rate, now)
        {
            return Ok(local.credit.saturating_add(local.hold.left()));
        }
        let Some(names) = names else { return own(&mut self.own, claim, now) };
        let may_hold = before.is_some() && self.local.len() < MOST_LOCAL;
        let look = Look { claim, before, may_hold, workers: self.workers.max(1), now };
        // Nothing can be told of a bucket that cannot be written; it will be soon.
        let (taken, credit) = shared(host, names, &look).ok_or_else(|| claim.rate.interval())?;
        let hold = taken.unwrap_or_default();
        if before.is_some() || self.local.len() < MOST_KNOWN {
            self.local.insert(claim.bucket, Local { hold, rate: claim.rate, credit });
        }
        taken.map(|hold| credit.saturating_add(hold.left()))
    }

    /// Puts back what was just taken.
    pub(super) fn put_back(&mut self, claims: &[Option<RateClaim>]) {
        for claim in claims.iter().flatten() {
            if let Some(local) = self.local.get_mut(&claim.bucket) {
                local.hold.put_back(&claim.rate);
            } else if let Some(next) = self.own.get_mut(&claim.bucket) {
                *next = next.saturating_sub(claim.rate.interval());
            }
        }
    }

    /// Gives back what was held of buckets that nobody asks for.
    pub(super) fn tick(&mut self, host: &impl Host, names: Option<&Names>, now: u64) {
        if self.own.len() > MOST_LOCAL {
            self.own.retain(|_, next| *next > now);
        }
        if !self.sweep.is_due(now) {
            return;
        }
        let mut given_back = 0;
        self.local.retain(|bucket, local| {
            // A clock that went back makes everybody idle.
            let is_idle = now.checked_sub(local.hold.last()).is_none_or(|idle| idle >= IDLE_NANOS);
            if !is_idle || given_back >= MOST_GIVEN_BACK {
                return true;
            }
            if let Some(names) = names.filter(|_| local.hold.is_open()) {
                given_back += 1;
                give_back(host, names, *bucket, local);
            }
            false
        });
        // All of them are looked at, so not each time; but what could not be given back yet comes soon.
        let is_done = given_back < MOST_GIVEN_BACK;
        self.sweep = Timer::start(now, if is_done { IDLE_NANOS } else { 0 });
    }
}

/// Settles what the worker had, and takes one or several; tells what credit is left behind them. `None` if it could not be written.
fn shared(host: &impl Host, names: &Names, look: &Look<'_>) -> Option<(Result<Hold, u64>, u32)> {
    let Look { claim: RateClaim { bucket, rate }, before, may_hold, workers, now } = look;
    let name = names.rates(slot(bucket.as_bytes(), LISTS));
    update(host, &name, |buckets: &mut Vec<Shared>| {
        let stored = buckets.iter().find(|it| it.bucket == *bucket).map_or(Level::default(), |it| it.level);
        let mut level = stored;
        level.enter(rate, *workers, *now);
        level.settle(rate, &before.unwrap_or_default());
        level.tat = rate.settle(level.tat, *now);
        let credit = level.credit(rate, *now);
        let is_plenty = *may_hold && credit > rate.burst() / 2;
        let wanted = if is_plenty { credit / (8 * workers) } else { 1 };
        let taken = level.take(rate, u16::try_from(wanted).unwrap_or(MOST_HELD).clamp(1, MOST_HELD), *now);
        let left = level.credit(rate, *now);
        if level == stored {
            return ((taken, left), Write::No);
        }
        put(buckets, *bucket, level, *now);
        ((taken, left), Write::Yes)
    })
}

/// Puts a bucket in its place. What is full is the same as what is not there.
fn put(buckets: &mut Vec<Shared>, bucket: Bucket, level: Level, now: u64) {
    let is_there = |level: &Level| level.tat > now || level.held > 0 || level.lost > 0;
    buckets.retain(|it| it.bucket != bucket && is_there(&it.level));
    if is_there(&level) {
        buckets.push(Shared { bucket, level });
    }
}

fn own(own: &mut IdMap<Bucket, u64>, claim: &RateClaim, now: u64) -> Result<u32, u64> {
    let next = own.entry(claim.bucket).or_default();
    *next = claim.rate.settle(*next, now);
    *next = claim.rate.behind(claim.rate.take(*next, now)?, 1);
    Ok(claim.rate.credit(*next, now))
}

#[inline(never)]
fn give_back(host: &impl Host, names: &Names, bucket: Bucket, local: &Local) {
    // Should it fail, it is kept free until the next VM starts: less passes, never more.
    let _ = update(host, &names.rates(slot(bucket.as_bytes(), LISTS)), |buckets: &mut Vec<Shared>| {
        let Some(stored) = buckets.iter_mut().find(|it| it.bucket == bucket) else { return ((), Write::No) };
        let mut level = stored.level;
        level.settle(&local.rate, &local.hold);
        let write = if level == stored.level { Write::No } else { Write::Yes };
        stored.level = level;
        ((), write)
    });
}

fn standing(rate: &Rate, remaining: u32, reset: u64) -> Standing {
    let (limit, window) = (u64::from(rate.requests()), u64::from(rate.seconds()));
    let reset = if remaining == 0 { reset.max(1) } else { reset };
    Standing { kind: LimitKind::Rate, limit, window, remaining: u64::from(remaining), reset }
}

/// The standing with less left.
pub(super) fn nearer(first: Option<Standing>, second: Standing) -> Option<Standing> {
    first.filter(|first| first.remaining <= second.remaining).or(Some(second))
}
