//! Stats of one process, by name, and the ids by which each VM knows them.
//!
//! Not the histogram's buckets: a histogram only counts its samples. Invariant: two VMs that define the same name
//! share the stat; every definition, also a repeated one, gets a new id.

use std::collections::BTreeMap;

use crate::abi::Status;

/// Values by name, shared by all VMs.
pub(crate) type Stats = BTreeMap<String, u64>;

/// The ids of one VM.
#[derive(Debug, Default)]
pub(crate) struct MetricIds {
    names: BTreeMap<u32, String>,
    defined: [u32; 3],
}

const COUNTER: u32 = 0;
const GAUGE: u32 = 1;

/// The two low bits of an id say what it is.
fn kind(id: u32) -> u32 {
    id & 3
}

impl MetricIds {
    pub(crate) fn define(&mut self, stats: &mut Stats, kind: u32, name: &[u8]) -> Result<u32, Status> {
        let slot = usize::try_from(kind).ok().and_then(|kind| self.defined.get_mut(kind));
        let defined = slot.ok_or(Status::BadArgument)?;
        *defined += 1;
        let id = *defined * 4 + kind;
        let name = String::from_utf8_lossy(name).into_owned();
        stats.entry(name.clone()).or_default();
        self.names.insert(id, name);
        Ok(id)
    }

    pub(crate) fn increment(&self, stats: &mut Stats, id: u32, offset: i64) -> Result<(), Status> {
        let counter = kind(id) == COUNTER;
        if !counter && kind(id) != GAUGE {
            return Err(Status::BadArgument);
        }
        let value = self.value(stats, id)?;
        if counter && offset <= 0 {
            return Err(Status::BadArgument);
        }
        *value = value.saturating_add_signed(offset);
        Ok(())
    }

    pub(crate) fn record(&self, stats: &mut Stats, id: u32, sample: u64) -> Result<(), Status> {
        let value = self.value(stats, id)?;
        *value = match kind(id) {
            COUNTER => value.saturating_add(sample),
            GAUGE => sample,
            _ => value.saturating_add(1),
        };
        Ok(())
    }

    pub(crate) fn get(&self, stats: &mut Stats, id: u32) -> Result<u64, Status> {
        match kind(id) {
            COUNTER | GAUGE => self.value(stats, id).copied(),
            _ => Err(Status::BadArgument),
        }
    }

    fn value<'a>(&self, stats: &'a mut Stats, id: u32) -> Result<&'a mut u64, Status> {
        self.names.get(&id).and_then(|name| stats.get_mut(name)).ok_or(Status::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_vms_share_a_stat_by_name_and_never_an_id() {
        let (mut stats, mut one, mut two) = (Stats::new(), MetricIds::default(), MetricIds::default());
        assert_eq!(one.define(&mut stats, COUNTER, b"denied"), Ok(4));
        assert_eq!(one.define(&mut stats, COUNTER, b"denied"), Ok(8), "defining again is not idempotent");
        assert_eq!(one.define(&mut stats, GAUGE, b"age"), Ok(5));
        assert_eq!(one.define(&mut stats, 3, b"odd"), Err(Status::BadArgument));
        assert_eq!(two.define(&mut stats, COUNTER, b"denied"), Ok(4));
        for (vm, id) in [(&one, 4), (&one, 8), (&two, 4)] {
            assert_eq!(vm.increment(&mut stats, id, 2), Ok(()));
        }
        assert_eq!(one.increment(&mut stats, 4, 0), Err(Status::BadArgument), "increment by zero");
        assert_eq!(one.increment(&mut stats, 12, 1), Err(Status::NotFound), "an id never given out");
        assert_eq!(one.record(&mut stats, 5, 7), Ok(()));
        assert_eq!(one.increment(&mut stats, 5, -2), Ok(()));
        assert_eq!((one.get(&mut stats, 4), one.get(&mut stats, 5)), (Ok(6), Ok(5)));
    }
}
