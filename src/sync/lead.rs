//! Which VM leads: rather one that serves no requests, so that none waits while a version is applied.
//!
//! Envoy has such a VM, on its main thread; nothing tells a VM that it is that one but that no request ever comes.
//! Invariant: if no other VM takes the lead, one that serves requests does.

use crate::host::Host;
use crate::lease::Lease;
use crate::live::Names;
use crate::plugin::TICK_MS;

/// Ticks without the lease after which any other VM has had its chance to take it.
const PATIENCE: u32 = 3;
/// Ticks after which a leader that serves requests asks again whether another VM will: one that was slow may be back.
const TERM: u32 = 5 * 60 * 1000 / TICK_MS;

/// Whether one VM should lead.
#[derive(Debug, Default)]
pub(super) struct Lead {
    serves: bool,
    /// Ticks for which it does not bid, whoever has the lease.
    sits_out: u32,
    /// Ticks for which it has seen nobody with the lease.
    vacant: u32,
    /// Ticks for which it may go on leading although it serves requests, since nobody else would.
    term: u32,
}

impl Lead {
    /// A request came.
    pub(super) fn serves(&mut self) {
        self.serves = true;
    }

    /// Whether requests wait while it works.
    pub(super) fn is_beside_requests(&self) -> bool {
        self.serves
    }

    /// Renews the lease, or takes it if nobody better does; who is `fetching` a version ends that first. Tells whether it is
    /// held now.
    pub(super) fn bid(&mut self, host: &impl Host, names: &Names, lease: &mut Lease, fetching: bool) -> bool {
        if self.sits_out > 0 {
            self.sits_out -= 1;
            return false;
        }
        if !self.serves {
            return lease.bid(host, names);
        }
        if lease.was_won() && (self.term > 0 || fetching) {
            self.term = self.term.saturating_sub(1);
            return lease.bid(host, names);
        }
        if lease.was_won() {
            lease.give_up(host, names);
            self.vacant = 0;
            return false;
        }
        self.vacant = if lease.is_anothers(host, names) { 0 } else { self.vacant + 1 };
        if self.vacant <= PATIENCE {
            return false;
        }
        (self.vacant, self.term) = (0, TERM);
        lease.bid(host, names)
    }

    /// Gives the lease up, and leaves it to others for a while.
    pub(super) fn give_up(&mut self, host: &impl Host, names: &Names, lease: &mut Lease) {
        lease.give_up(host, names);
        self.sits_out = PATIENCE;
    }
}
