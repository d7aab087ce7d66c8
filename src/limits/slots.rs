//! Lists in shared memory that all VMs change: read, change, write if nobody else did.
//!
//! Invariant: a change is made to what is there, whole, or not at all.

use crate::host::{Expect, Host};

/// Another VM may write at the same moment; with a handful of VMs this many tries fail for no reason but a host that cannot
/// share.
const TRIES: usize = 32;

/// How a kind of record stands in a slot.
pub(super) trait Record: Sized {
    /// The records of these bytes.
    fn decode(bytes: &[u8]) -> Vec<Self>;
    /// The bytes of these records.
    fn encode(records: &[Self]) -> Vec<u8>;
}

/// Whether there is something to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// The list changed.
    Yes,
    /// It did not.
    No,
}

/// Changes the list under that name; `change` may be called again on another list. `None` if it could not be written.
pub(super) fn update<T: Record, R>(
    host: &impl Host,
    name: &str,
    mut change: impl FnMut(&mut Vec<T>) -> (R, Write),
) -> Option<R> {
    for _ in 0..TRIES {
        let current = host.shared(name);
        let expect = current.as_ref().map_or(Expect::Absent, |it| Expect::Unchanged(it.cas));
        let mut records = current.map(|it| T::decode(&it.value)).unwrap_or_default();
        let (result, write) = change(&mut records);
        if write == Write::No || host.set_shared(name, &T::encode(&records), expect).is_ok() {
            return Some(result);
        }
    }
    None
}

/// The list under that name.
pub(super) fn read<T: Record>(host: &impl Host, name: &str) -> Vec<T> {
    host.shared(name).map(|it| T::decode(&it.value)).unwrap_or_default()
}
