//! One VM's row of batches, and its copy in shared memory.
//!
//! A VM shows that it lives by refreshing a small value; whoever takes its copy over empties that value first. Invariant: a
//! VM writes its copy, and seals a batch, only right after it has refreshed that value; so a copy has one owner, and a row
//! of batches is never continued by two.

use super::{Usage, copy};
use crate::host::{Expect, Host};
use crate::live::Names;
use crate::outbox::Outbox;
use crate::timer::Timer;

/// How often a copy is written while something changes.
const COPY_NANOS: u64 = 1_000_000_000;
/// How often a VM shows that it lives, at least.
pub const ALIVE_NANOS: u64 = 3_000_000_000;

/// One VM's row of batches.
#[derive(Debug, Default)]
pub struct Stream {
    vm: u64,
    /// The number of the batch sealed last.
    seq: u64,
    /// Whether the copy holds less than there is.
    pub changed: bool,
    alive: Timer,
    copied: Timer,
}

/// Another VM took this one for dead, and its counts over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenOver;

impl Stream {
    /// A new row.
    pub fn new(vm: u64) -> Self {
        Self { vm, ..Self::default() }
    }

    /// The VM whose it is; 0 = nobody's yet.
    pub fn vm(&self) -> u64 {
        self.vm
    }

    /// The next batch's number.
    pub fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Shows that the VM lives, and writes its copy, if it is time for either.
    pub fn keep(
        &mut self,
        host: &impl Host,
        names: &Names,
        now: u64,
        usage: &mut Usage,
        outbox: &Outbox,
    ) -> Result<(), TakenOver> {
        let is_due = self.changed && self.copied.is_due(now);
        if is_due || self.alive.is_due(now) {
            self.refresh(host, names, now)?;
        }
        if is_due {
            self.write(host, names, now, usage, outbox);
        }
        Ok(())
    }

    /// Shows that the VM lives, unless it was taken for dead.
    pub fn refresh(&mut self, host: &impl Host, names: &Names, now: u64) -> Result<(), TakenOver> {
        let current = host.shared(&names.alive(self.vm));
        if current.as_ref().is_some_and(|it| it.value.is_empty()) {
            return Err(TakenOver);
        }
        let expect = current.as_ref().map_or(Expect::Absent, |it| Expect::Unchanged(it.cas));
        host.set_shared(&names.alive(self.vm), &now.to_le_bytes(), expect).map_err(|_| TakenOver)?;
        self.alive = Timer::start(now, ALIVE_NANOS);
        Ok(())
    }

    /// Writes the copy of what was collected. Right after a refresh only.
    pub fn write(&mut self, host: &impl Host, names: &Names, now: u64, usage: &mut Usage, outbox: &Outbox) {
        let bytes = copy::encode(outbox.batches(), [&usage.copied, &usage.recent], &usage.routes);
        if host.set_shared(&names.usage(self.vm), &bytes, Expect::Anything).is_ok() {
            usage.recent_is_copied();
            self.changed = false;
        }
        self.copied = Timer::start(now, COPY_NANOS);
    }
}
