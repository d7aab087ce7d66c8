//! Rate limits across the VMs of a process: a schedule of slots in shared memory, a few of them reserved by a worker.
//!
//! A reserved slot is void after its time, exactly as unused credit would be, so reserving several at once lets nothing more
//! through. What a refused request had reserved stays with the worker for the next one, or goes back with the next tick.
//! Where nothing can be shared, each VM has a schedule of its own. Invariant: what passes in any stretch of time is at most
//! the burst and what came in since.

use portcullis_engine::limit::{LimitKind, RateClaim, Slots};
use portcullis_engine::{Bucket, Rate, Reason, Refusal, Standing};

use super::slots::{Record, Write, update};
use crate::codec::Reader;
use crate::hash::{IdMap, slot};
use crate::host::Host;
use crate::live::Names;
use crate::timer::SECOND;

/// How recently a worker must have used up its slots to be given several.
const RECENT_NANOS: u64 = 100_000_000;
/// Slots that a worker reserves at once, at most.
const MOST_SLOTS: u32 = 8;
/// Lists that buckets are divided among; each is some dozens of bytes as long as it is in use.
const LISTS: u64 = 4096;
/// Buckets that a VM keeps track of.
const MOST_LOCAL: usize = 8 << 10;

/// A bucket as shared: the time of its next free slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shared {
    bucket: Bucket,
    next: u64,
}

impl Record for Shared {
    #[inline(never)]
    fn decode(bytes: &[u8]) -> Vec<Self> {
        let mut reader = Reader::new(bytes);
        let mut one = || Some(Self { bucket: Bucket::from_bytes(reader.array()?), next: reader.u64()? });
        core::iter::from_fn(&mut one).collect()
    }

    #[inline(never)]
    fn encode(records: &[Self]) -> Vec<u8> {
        records.iter().flat_map(|it| it.bucket.as_bytes().iter().copied().chain(it.next.to_le_bytes())).collect()
    }
}

/// One worker's slots of one bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Local {
    slots: Slots,
    /// When the last of them was used.
    used_up: u64,
    /// Since the last tick.
    touched: bool,
    /// Credit left in the bucket when they were reserved.
    credit: u32,
}

/// One VM's rate limits.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// Where nothing is shared: the time of each bucket's next free slot.
    own: IdMap<Bucket, u64>,
    local: IdMap<Bucket, Local>,
    workers: u32,
}

impl Rates {
    /// How many workers share the buckets.
    pub(super) fn set_workers(&mut self, workers: u32) {
        self.workers = workers;
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

    /// Takes one slot; tells how many more could be had, or for how many nanoseconds there is none.
    fn take_one(&mut self, host: &impl Host, names: Option<&Names>, claim: &RateClaim, now: u64) -> Result<u32, u64> {
        if self.local.len() >= MOST_LOCAL {
            self.local.retain(|_, local| local.slots.count > 0);
        }
        let workers = self.workers.max(1);
        let local = self.local.entry(claim.bucket).or_default();
        if !local.slots.take(now) {
            let is_busy = now.saturating_sub(local.used_up) <= RECENT_NANOS;
            let wanted =
                |credit: u32| if is_busy && credit > claim.rate.burst() / 2 { credit / (4 * workers) } else { 1 };
            let (slots, credit) = match names {
                Some(names) => shared(host, names, claim, now, wanted)?,
                None => own(&mut self.own, claim, now)?,
            };
            (local.slots, local.credit) = (slots, credit);
            local.slots.take(now);
        }
        local.touched = true;
        if local.slots.count == 0 {
            local.used_up = now;
        }
        Ok(local.credit.saturating_add(local.slots.count))
    }

    /// Puts back what was just taken.
    pub(super) fn put_back(&mut self, claims: &[Option<RateClaim>]) {
        for claim in claims.iter().flatten() {
            if let Some(local) = self.local.get_mut(&claim.bucket) {
                local.slots.put_back();
            }
        }
    }

    /// Gives back slots that were not needed since the last tick, unless somebody reserved behind them.
    pub(super) fn tick(&mut self, host: &impl Host, names: Option<&Names>, now: u64) {
        if self.own.len() > MOST_LOCAL {
            self.own.retain(|_, next| *next > now);
        }
        self.local.retain(|bucket, local| {
            if core::mem::take(&mut local.touched) {
                return true;
            }
            if local.slots.count > 0 && local.slots.end() > now {
                give_back(host, names, &mut self.own, *bucket, local.slots);
            }
            false
        });
    }
}

/// Reserves slots; tells what credit is left behind them.
fn shared(
    host: &impl Host,
    names: &Names,
    claim: &RateClaim,
    now: u64,
    wanted: impl Fn(u32) -> u32,
) -> Result<(Slots, u32), u64> {
    let name = names.rates(slot(claim.bucket.as_bytes(), LISTS));
    let reserved = update(host, &name, |buckets: &mut Vec<Shared>| {
        let mut none = 0;
        let stored = buckets.iter_mut().find(|it| it.bucket == claim.bucket).map_or(&mut none, |it| &mut it.next);
        let next = claim.rate.settle(*stored, now);
        let credit = claim.rate.credit(next, now);
        let slots = match claim.rate.reserve(next, now, wanted(credit).clamp(1, MOST_SLOTS)) {
            Ok(slots) => slots,
            Err(wait) => {
                let write = if next == *stored { Write::No } else { Write::Yes };
                *stored = next;
                return (Err(wait), write);
            }
        };
        // What is full again is the same as what is not there.
        buckets.retain(|it| it.next > now && it.bucket != claim.bucket);
        buckets.push(Shared { bucket: claim.bucket, next: slots.end() });
        (Ok((slots, credit.saturating_sub(slots.count))), Write::Yes)
    });
    // Nothing can be told of a bucket that cannot be written; it will be soon.
    reserved.unwrap_or(Err(claim.rate.interval()))
}

fn own(own: &mut IdMap<Bucket, u64>, claim: &RateClaim, now: u64) -> Result<(Slots, u32), u64> {
    let next = own.entry(claim.bucket).or_default();
    *next = claim.rate.settle(*next, now);
    let slots = claim.rate.reserve(*next, now, 1)?;
    *next = slots.end();
    Ok((slots, claim.rate.credit(*next, now)))
}

#[inline(never)]
fn give_back(host: &impl Host, names: Option<&Names>, own: &mut IdMap<Bucket, u64>, bucket: Bucket, slots: Slots) {
    let Some(names) = names else {
        if let Some(next) = own.get_mut(&bucket).filter(|next| **next == slots.end()) {
            *next = slots.first;
        }
        return;
    };
    // Should it fail, the slots are void after their time.
    let _ = update(host, &names.rates(slot(bucket.as_bytes(), LISTS)), |buckets: &mut Vec<Shared>| {
        match buckets.iter_mut().find(|it| it.bucket == bucket && it.next == slots.end()) {
            Some(shared) => {
                shared.next = slots.first;
                ((), Write::Yes)
            }
            None => ((), Write::No),
        }
    });
}

fn standing(rate: &Rate, remaining: u32, reset: u64) -> Standing {
    let (limit, window) = (u64::from(rate.requests()), u64::from(rate.seconds()));
    let reset = if remaining == 0 { reset.max(1) } else { reset };
    Standing { kind: LimitKind::Rate, limit, window, remaining: u64::from(remaining), reset }
}

/// The standing with the smaller share left.
pub(super) fn nearer(first: Option<Standing>, second: Standing) -> Option<Standing> {
    let share = |of: &Standing, other: &Standing| u128::from(of.remaining) * u128::from(other.limit);
    first.filter(|first| share(first, &second) <= share(&second, first)).or(Some(second))
}
