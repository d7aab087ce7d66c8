//! An organisation shard: the organisations whose keys do not simply work, or not without limits.
//!
//! ```text
//! "POS2" · records sorted by id
//! record = id 10 · state 1 (0 active, 1 suspended, 2 quota exhausted) · u64 until · flags 1 (1 metered, 2 has a rate)
//!          · rate: u32 requests · u32 seconds · u32 burst
//! ```
//! An organisation that is not listed is active and has no limits. Invariant: an unreadable record is an error, never "active",
//! and a flag that this version does not know is no smaller an error.

use portcullis_engine::{OrganizationId, OrganizationLimits, OrganizationState, Rate};

use crate::read::{Malformed, array, u32_at};

pub(crate) const MAGIC: &[u8; 4] = b"POS2";
pub(crate) const RECORD: usize = 32;
pub(crate) const METERED: u8 = 1;
pub(crate) const HAS_RATE: u8 = 2;
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

    /// Whether every organisation of this shard is active and without limits.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The state and limits of an organisation.
    pub fn find(&self, id: &OrganizationId) -> Result<(OrganizationState, OrganizationLimits), Malformed> {
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
        Ok(Default::default())
    }
}

fn decode(record: &[u8]) -> Option<(OrganizationState, OrganizationLimits)> {
    let state = match record.get(10)? {
        0 => OrganizationState::Active,
        1 => OrganizationState::Suspended,
        2 => OrganizationState::QuotaExhausted { until: u64::from_le_bytes(array(record, 11)?) },
        _ => return None,
    };
    let flags = *record.get(19)?;
    if flags & !(METERED | HAS_RATE) != 0 {
        return None;
    }
    let rate = match flags & HAS_RATE {
        0 => None,
        _ => Some(Rate::new(u32_at(record, 20)?, u32_at(record, 24)?, u32_at(record, 28)?).ok()?),
    };
    Some((state, OrganizationLimits { metered: flags & METERED != 0, rate }))
}
