//! What a VM has counted and nobody has acknowledged, as it stands in shared memory for whoever takes over when it dies.
//!
//! ```text
//! u32 batches · batch bodies · tag · totals · u32 routes · (u16 id · text) · u32 rows · rows
//! row = hour u32 · key 10 · route u16 · allowed u64 · cost u64 · last u64 · u8 n · n × (reason u8 · u64)
//! ```
//! Samples and the list of refusals are not in it: these are told on a best-effort basis. Invariant: a copy is never
//! larger than [`MOST_BYTES`]; of what does not fit, the oldest rows are in it.

use std::collections::BTreeSet;

use portcullis_engine::{KeyId, Reason};

use super::routes::{RouteId, Routes};
use super::waiting::{Row, Tally, Waiting};
use crate::codec::{Reader, put_blob};
use crate::metrics::Counts;

/// The most that one VM copies to shared memory. Every copy holds a lock that all workers need, a tenth of a millisecond
/// for a mebibyte.
pub const MOST_BYTES: usize = 1 << 20;
/// Kept free for the texts of routes.
const ROUTE_BYTES: usize = 64 << 10;

/// Says how the open part is written; another version of the filter cannot read it unless its reasons are the same.
const TAG: [u8; 2] = [1, Reason::ALL.len() as u8];

/// The copy of these batches and counts.
pub fn encode<'a>(batches: impl Iterator<Item = &'a [u8]>, counts: [&Waiting; 2], routes: &Routes) -> Vec<u8> {
    let mut bytes = 0_u32.to_le_bytes().to_vec();
    let mut number = 0_u32;
    for batch in batches {
        if bytes.len() + batch.len() < MOST_BYTES / 4 * 3 {
            put_blob(&mut bytes, batch);
            number += 1;
        }
    }
    if let Some(count) = bytes.first_chunk_mut::<4>() {
        *count = number.to_le_bytes();
    }
    bytes.extend(TAG);
    let [first, second] = counts;
    let mut totals = first.totals.clone();
    totals.add(&second.totals);
    put_totals(&mut bytes, &totals);
    let (rows, used) = rows(MOST_BYTES.saturating_sub(bytes.len() + ROUTE_BYTES), counts);
    put_routes(&mut bytes, &used, routes);
    bytes.extend(rows);
    bytes
}

fn put_totals(bytes: &mut Vec<u8>, totals: &Counts) {
    bytes.extend(totals.allowed.to_le_bytes());
    put_reasons(bytes, &totals.denied);
    put_reasons(bytes, &totals.observed);
}

fn put_reasons(bytes: &mut Vec<u8>, counts: &[(Reason, u64)]) {
    bytes.push(u8::try_from(counts.len()).unwrap_or(0));
    for (reason, count) in counts.iter().take(usize::from(u8::MAX)) {
        bytes.push(*reason as u8);
        bytes.extend(count.to_le_bytes());
    }
}

fn put_routes(bytes: &mut Vec<u8>, used: &BTreeSet<RouteId>, routes: &Routes) {
    let end = bytes.len() + ROUTE_BYTES;
    let start = bytes.len();
    bytes.extend(0_u32.to_le_bytes());
    let mut number = 0_u32;
    for id in used {
        let Some(text) = routes.text(*id) else { continue };
        if bytes.len() + text.len() + 6 < end {
            bytes.extend(id.number().to_le_bytes());
            put_blob(bytes, text.as_bytes());
            number += 1;
        }
    }
    if let Some(count) = bytes.get_mut(start..).and_then(|tail| tail.first_chunk_mut::<4>()) {
        *count = number.to_le_bytes();
    }
}

fn rows(most: usize, counts: [&Waiting; 2]) -> (Vec<u8>, BTreeSet<RouteId>) {
    let (mut bytes, mut number, mut used) = (0_u32.to_le_bytes().to_vec(), 0_u32, BTreeSet::new());
    for ((hour, row), tally) in counts.into_iter().flat_map(|it| &it.rows) {
        if bytes.len() + 41 + 9 * tally.denied.len() > most {
            break;
        }
        bytes.extend(hour.to_le_bytes());
        bytes.extend(row.key.as_bytes());
        bytes.extend(row.route.number().to_le_bytes());
        bytes.extend([tally.allowed, tally.cost, tally.last].map(u64::to_le_bytes).concat());
        put_reasons(&mut bytes, &tally.denied);
        used.insert(row.route);
        number += 1;
    }
    if let Some(count) = bytes.first_chunk_mut::<4>() {
        *count = number.to_le_bytes();
    }
    (bytes, used)
}

/// A copy, read.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Bodies of batches that were sealed.
    pub batches: Vec<Vec<u8>>,
    /// Counts that were not, their routes among the reader's.
    pub counts: Waiting,
    /// Requests for which the reader had no room.
    pub lost: u64,
    /// Whether the counts could not be read.
    pub is_torn: bool,
}

/// Reads a copy; its routes are taken into `routes`.
pub fn decode(bytes: &[u8], routes: &mut Routes) -> Decoded {
    let mut decoded = Decoded::default();
    let mut reader = Reader::new(bytes);
    for _ in 0..reader.u32().unwrap_or(0) {
        let Some(batch) = reader.blob() else { break };
        decoded.batches.push(batch.to_vec());
    }
    decoded.is_torn = open(&mut reader, routes, &mut decoded).is_none();
    decoded
}

fn open(reader: &mut Reader<'_>, routes: &mut Routes, decoded: &mut Decoded) -> Option<()> {
    (reader.array::<2>()? == TAG).then_some(())?;
    let totals = Counts { allowed: reader.u64()?, denied: reasons(reader)?, observed: reasons(reader)? };
    decoded.counts.totals = totals;
    let mut known = Vec::new();
    for _ in 0..reader.u32()? {
        known.push((reader.u16()?, routes.intern(reader.text()?)));
    }
    for _ in 0..reader.u32()? {
        let (hour, key, route) = (reader.u32()?, KeyId::from_bytes(reader.array()?), reader.u16()?);
        let route = known.iter().find(|(id, _)| *id == route).map_or(RouteId::default(), |(_, route)| *route);
        let (allowed, cost, last) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let tally = Tally { allowed, cost, last, denied: reasons(reader)? };
        decoded.lost = decoded.lost.saturating_add(decoded.counts.add(hour, Row { key, route }, &tally));
    }
    Some(())
}

fn reasons(reader: &mut Reader<'_>) -> Option<Vec<(Reason, u64)>> {
    let count = reader.u8()?;
    let one = |reader: &mut Reader<'_>| Some((*Reason::ALL.get(usize::from(reader.u8()?))?, reader.u64()?));
    (0..count).map(|_| one(reader)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(rows: u16, route: RouteId) -> Waiting {
        let mut waiting = Waiting::default();
        for number in 0..rows {
            let [low, high] = number.to_le_bytes();
            let row = Row { key: KeyId::from_bytes([low, high, 0, 0, 0, 0, 0, 0, 0, 0]), route };
            let tally = Tally { allowed: 2, cost: 3, last: 4, denied: vec![(Reason::NoRule, 1)] };
            waiting.add(7, row, &tally);
        }
        waiting.totals = Counts { allowed: 5, denied: vec![(Reason::UnknownKey, 6)], observed: vec![] };
        waiting
    }

    #[test]
    fn a_copy_reads_back_whatever_ids_the_reader_has() {
        let (mut theirs, mut ours) = (Routes::default(), Routes::default());
        theirs.intern("GET /other");
        let (route, expected) = (theirs.intern("GET /a"), ours.intern("GET /a"));
        let (old, new) = (waiting(3, route), waiting(2, route));
        let bytes = encode([&b"one"[..], b"two"].into_iter(), [&old, &new], &theirs);
        let decoded = decode(&bytes, &mut ours);
        assert_eq!(
            (decoded.batches, decoded.lost, decoded.is_torn),
            (vec![b"one".to_vec(), b"two".to_vec()], 0, false)
        );
        assert_eq!(
            (decoded.counts.totals.allowed, &decoded.counts.totals.denied[..]),
            (10, &[(Reason::UnknownKey, 12)][..])
        );
        let rows: Vec<_> = decoded.counts.rows.iter().map(|((_, row), tally)| (row.route, tally.allowed)).collect();
        assert_eq!(rows, [(expected, 4), (expected, 4), (expected, 2)]);
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut], &mut ours).is_torn, "{cut}");
        }
    }

    #[test]
    fn a_copy_is_bounded_and_keeps_the_oldest() {
        let many = waiting(u16::MAX, RouteId::default());
        let batch = vec![b'x'; MOST_BYTES / 2];
        let bytes = encode([&batch[..], &batch].into_iter(), [&many, &many], &Routes::default());
        assert!((MOST_BYTES - 2 * ROUTE_BYTES..MOST_BYTES).contains(&bytes.len()), "{}", bytes.len());
        let decoded = decode(&bytes, &mut Routes::default());
        assert!((decoded.batches.len(), decoded.is_torn) == (1, false) && decoded.counts.rows.len() > 5_000);
        assert!(decoded.counts.rows.iter().zip(&many.rows).all(|(ours, theirs)| ours.0 == theirs.0));
    }
}
