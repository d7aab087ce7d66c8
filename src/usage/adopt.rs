//! Counts of VMs that died: the leader takes them over.
//!
//! A VM is dead when the value with which it shows that it lives did not change in some seconds, counted in looks, so that
//! neither a clock that jumps nor a process that was stopped kills anybody. Invariant: one VM takes a copy, by emptying that
//! value first.

use std::collections::{BTreeMap, BTreeSet};

use super::{Usage, copy};
use crate::host::{Expect, Host, LogLevel};
use crate::lease;
use crate::live::Names;
use crate::outbox::{Batch, Outbox};
use crate::timer::Timer;

/// The time between two looks.
const LOOK_NANOS: u64 = 2_500_000_000;
/// Looks that see the same: ten seconds.
const SAME_LOOKS: u8 = 4;
/// VM numbers that are looked at; a process that used up more keeps the counts of the first.
const MOST_VMS: u64 = 4096;

/// One leader's view of the other VMs.
#[derive(Debug, Default)]
pub struct Adopter {
    next: Timer,
    seen: BTreeMap<u64, Seen>,
    gone: BTreeSet<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    cas: u32,
    looks: u8,
}

impl Adopter {
    /// Another VM leads.
    pub fn leave(&mut self) {
        self.seen.clear();
    }

    /// Looks at the others and takes over what the dead ones left. Tells whether there was anything.
    pub fn look(
        &mut self,
        host: &impl Host,
        names: &Names,
        own: u64,
        now: u64,
        usage: &mut Usage,
        outbox: &mut Outbox,
    ) -> bool {
        if !self.next.is_due(now) {
            return false;
        }
        self.next = Timer::start(now, LOOK_NANOS);
        let last = lease::count(host, names);
        let others = (last.saturating_sub(MOST_VMS) + 1..=last).filter(|vm| *vm != own && !self.gone.contains(vm));
        let mut any = false;
        for vm in others.collect::<Vec<_>>() {
            if let Some(cas) = self.is_dead(host, names, vm) {
                // Whoever shows that it lives at this very moment is looked at again.
                let Some(took) = take(host, names, vm, cas, usage, outbox) else { continue };
                any |= took;
                self.gone.insert(vm);
            }
        }
        any
    }

    /// The number with which a VM's sign of life was read, if it is dead.
    fn is_dead(&mut self, host: &impl Host, names: &Names, vm: u64) -> Option<u32> {
        let alive = host.shared(&names.alive(vm))?;
        if alive.value.is_empty() {
            self.gone.insert(vm);
            return None;
        }
        let seen = self.seen.entry(vm).or_insert(Seen { cas: alive.cas, looks: 0 });
        if seen.cas != alive.cas {
            *seen = Seen { cas: alive.cas, looks: 0 };
        }
        seen.looks = seen.looks.saturating_add(1);
        (seen.looks > SAME_LOOKS).then_some(alive.cas)
    }
}

/// Takes over what a dead VM left; whether there was anything. `None` if it lives.
fn take(host: &impl Host, names: &Names, vm: u64, cas: u32, usage: &mut Usage, outbox: &mut Outbox) -> Option<bool> {
    host.set_shared(&names.alive(vm), b"", Expect::Unchanged(cas)).ok()?;
    let Some(shared) = host.shared(&names.usage(vm)).filter(|it| !it.value.is_empty()) else { return Some(false) };
    let decoded = copy::decode(&shared.value, &mut usage.routes);
    // It is ours now; what is left only takes room.
    let _ = host.set_shared(&names.usage(vm), b"", Expect::Anything);
    if decoded.is_torn {
        host.log(LogLevel::Warn, format_args!("usage counted by VM {vm} cannot be read, some of it is lost"));
    }
    for batch in decoded.batches {
        let lost = outbox.push(Batch::from_body(batch));
        usage.count_lost(lost);
    }
    usage.count_lost(decoded.lost);
    usage.absorb(decoded.counts);
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::{FakeHost, Memory};

    #[test]
    fn who_shows_that_it_lives_is_not_taken_over() {
        let (memory, clock) = (Memory::default(), std::rc::Rc::default());
        let (host, names) = (FakeHost::new(&memory, &clock), Names::new(&portcullis_bundle::BlobDigest::of(b"test")));
        let mut usage = Usage::default();
        let mut outbox = Outbox::default();
        for value in ["1", "2"] {
            host.set_shared(&names.alive(7), value.as_bytes(), Expect::Anything).unwrap();
        }
        let last = host.shared(&names.alive(7)).unwrap().cas;
        let mut took = |cas| take(&host, &names, 7, cas, &mut usage, &mut outbox);
        assert_eq!((took(last - 1), took(last)), (None, Some(false)));
    }
}
