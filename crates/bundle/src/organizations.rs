//! An organisation shard: the organisations whose keys do not simply work.
//!
//! ```text
//! "POS1" · records sorted by id · record = id 10 · state 1 (1 suspended, 2 quota exhausted) · u64 until
//! ```
//! An organisation that is not listed is active, so this blob is usually empty. Invariant: an unreadable record is an
//! error, never "active".

use portcullis_engine::{OrganizationId, OrganizationState};

use crate::read::{Malformed, array};

pub(crate) const MAGIC: &[u8; 4] = b"POS1";
pub(crate) const RECORD: usize = 19;
const MALFORMED: Malformed = Malformed("organization shard");

/// A shard's bytes, seen as records.
#[derive(Clone, Copy, Debug)]
pub struct OrganizationShard<'a> {
    records: &'a [u8],
}

impl<'a> OrganizationShard<'a> {
    /// Sees a blob as a shard.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let records = bytes.strip_prefix(MAGIC).ok_or(MALFORMED)?;
        if records.len() % RECORD == 0 { Ok(Self { records }) } else { Err(MALFORMED) }
    }

    /// Whether every organisation of this shard is active.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The state of an organisation.
    pub fn state(&self, id: &OrganizationId) -> Result<OrganizationState, Malformed> {
        let (mut low, mut high) = (0, self.records.len() / RECORD);
        while low < high {
            let middle = low.midpoint(high);
            let record = self.records.get(middle * RECORD..(middle + 1) * RECORD).ok_or(MALFORMED)?;
            match record.first_chunk::<10>().ok_or(MALFORMED)?.cmp(id.as_bytes()) {
                core::cmp::Ordering::Equal => return decode(record).ok_or(MALFORMED),
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(OrganizationState::Active)
    }
}

fn decode(record: &[u8]) -> Option<OrganizationState> {
    match record.get(10)? {
        1 => Some(OrganizationState::Suspended),
        2 => Some(OrganizationState::QuotaExhausted { until: u64::from_le_bytes(array(record, 11)?) }),
        _ => None,
    }
}
