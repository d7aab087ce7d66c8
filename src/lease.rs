//! Who syncs: one VM of the process holds a lease in shared memory and renews it on every tick.
//!
//! The lease runs out by itself, since a VM that trapped cannot give it back. Invariant: a VM that does not hold an
//! unexpired lease writes nothing that others read, its own lease bids apart.

use crate::boot;
use crate::host::{Expect, Host};
use crate::live::Names;

/// How long a lease lasts unless renewed. Ten ticks, so that a busy event loop does not lose it.
const TTL_NANOS: u64 = 1_000_000_000;

/// One VM's standing in the election.
#[derive(Debug)]
pub struct Lease {
    owner: u64,
    held_until: u64,
}

impl Lease {
    /// A bidder with a number of its own. Shared state is touched, so never in `on_configure`, which a VM runs that
    /// dies at once.
    pub fn enter(host: &impl Host, names: &Names) -> Option<Self> {
        boot::next(host, &names.counter()).map(|number| Self { owner: number, held_until: 0 })
    }

    /// This VM's number.
    pub fn owner(&self) -> u64 {
        self.owner
    }

    /// Whether the last bid won it.
    pub fn was_won(&self) -> bool {
        self.held_until != 0
    }

    /// Whether the lease is held at that moment.
    pub fn is_held(&self, now: u64) -> bool {
        runs(now, self.held_until)
    }

    /// Whether another VM holds the lease.
    pub fn is_anothers(&self, host: &impl Host, names: &Names) -> bool {
        let current = host.shared(&names.lease());
        let owner = current.and_then(|it| read(&it.value)).filter(|(_, until)| runs(host.now_nanos(), *until));
        owner.is_some_and(|(owner, _)| owner != self.owner)
    }

    /// Lets go of the lease, so that another VM's next bid takes it.
    pub fn give_up(&mut self, host: &impl Host, names: &Names) {
        self.held_until = 0;
        let Some(current) = host.shared(&names.lease()) else { return };
        if read(&current.value).is_some_and(|(owner, _)| owner == self.owner) {
            // A lost race means that another VM has it already.
            let value = [self.owner.to_le_bytes(), 0_u64.to_le_bytes()].concat();
            let _ = host.set_shared(&names.lease(), &value, Expect::Unchanged(current.cas));
        }
    }

    /// Renews the lease, or takes it if nobody holds it. Tells whether it is held now.
    pub fn bid(&mut self, host: &impl Host, names: &Names) -> bool {
        let now = host.now_nanos();
        let current = host.shared(&names.lease());
        let expect = current.as_ref().map_or(Expect::Absent, |it| Expect::Unchanged(it.cas));
        if let Some((owner, until)) = current.as_ref().and_then(|it| read(&it.value))
            && owner != self.owner
            && runs(now, until)
        {
            self.held_until = 0;
            return false;
        }
        let until = now.saturating_add(TTL_NANOS);
        let value = [self.owner.to_le_bytes(), until.to_le_bytes()].concat();
        let won = host.set_shared(&names.lease(), &value, expect).is_ok();
        self.held_until = if won { until } else { 0 };
        won
    }
}

/// How many VMs took a number in this process so far, dead ones included.
pub fn count(host: &impl Host, names: &Names) -> u64 {
    host.shared(&names.counter()).and_then(|it| read_u64(&it.value, 0)).unwrap_or(0)
}

/// A clock that jumped back must not leave a lease that outlives its term.
fn runs(now: u64, until: u64) -> bool {
    until.checked_sub(now).is_some_and(|left| left > 0 && left <= TTL_NANOS)
}

fn read(value: &[u8]) -> Option<(u64, u64)> {
    Some((read_u64(value, 0)?, read_u64(value, 8)?))
}

fn read_u64(value: &[u8], offset: usize) -> Option<u64> {
    value.get(offset..)?.first_chunk::<8>().map(|raw| u64::from_le_bytes(*raw))
}
