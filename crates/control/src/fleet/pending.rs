//! What was heard and is not written yet.
//!
//! Invariant: it is written in short transactions, each of which is let go of once it is done, so nothing is written twice;
//! a batch is written whole, or not yet.

use std::collections::BTreeMap;

use crate::store::{Batch, Noted, Portion, Stream};

/// A transaction with so many updates does not keep other writers waiting.
const AT_ONCE: usize = 500;
/// What a batch takes beside its rows.
const OF_A_BATCH: usize = 5;
/// More is not collected before it is written.
const FULL: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Of edges that number nothing.
    noted: Noted,
    batches: BTreeMap<(Stream, u64), Batch>,
}

impl Pending {
    /// Whether it has to be written before more is taken in.
    pub(super) fn is_full(&self) -> bool {
        self.noted.len() + self.batches.values().map(rows).sum::<usize>() > FULL
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.noted == Noted::default()
    }

    /// Adds what has no number.
    pub(super) fn note(&mut self, noted: Noted) {
        self.noted.absorb(noted);
    }

    /// Adds a batch. One that waits already is the same one, told again.
    pub(super) fn queue(&mut self, stream: Stream, seq: u64, batch: Batch) {
        let Some(waiting) = self.batches.get_mut(&(stream.clone(), seq)) else {
            self.batches.insert((stream, seq), batch);
            return;
        };
        waiting.at = waiting.at.max(batch.at);
        waiting.present.absorb(batch.present);
    }

    /// Takes out what one transaction is enough for; batches first, somebody waits for them.
    pub(super) fn portion(&mut self) -> Portion {
        let (mut portion, mut room) = (Portion::default(), AT_ONCE);
        while room > 0
            && let Some((name, batch)) = self.batches.pop_first()
        {
            room = room.saturating_sub(rows(&batch));
            portion.batches.insert(name, batch);
        }
        portion.noted = self.noted.take(room);
        portion
    }

    /// Puts back what was not written.
    pub(super) fn put_back(&mut self, portion: Portion) {
        for ((stream, seq), batch) in portion.batches {
            self.queue(stream, seq, batch);
        }
        let later = std::mem::replace(&mut self.noted, portion.noted);
        self.noted.absorb(later);
    }

    /// Adds what was heard after it.
    pub(super) fn absorb(&mut self, later: Self) {
        for ((stream, seq), batch) in later.batches {
            self.queue(stream, seq, batch);
        }
        self.noted.absorb(later.noted);
    }
}

fn rows(batch: &Batch) -> usize {
    OF_A_BATCH + batch.noted.len()
}
