//! One meter as all VMs of the process see it: what was granted of a period's tokens, and what became of them.
//!
//! `granted`, `spent` and `returned` only ever move so that what may still be spent was granted and not given away: tokens in
//! workers' hands count as spent. A meter is forgotten only long after its period, or an answer that comes late would grant
//! its tokens anew. Invariant: `spent + returned <= granted`.

use portcullis_engine::Subject;

use super::slots::Record;
use super::wire::Grant;
use crate::codec::Reader;
use crate::timer::SECOND;

/// After a period, for calls that are still on their way.
const GRACE_SECONDS: u64 = 120;
/// Tokens that a worker takes at once, at most.
const MOST_CHUNK: u64 = 32;
/// Bytes of a meter in shared memory.
const SIZE: usize = 12 + 19 * 8;
/// For so long an answer counts as the latest word: while tokens are held there is one a second.
const FRESH_NANOS: u64 = 2 * SECOND;
/// What was spent in less time than that tells little about a minute.
const STEADY_NANOS: u64 = 5 * SECOND;
/// No meter asks for less: a burst should not have to wait for an answer after each request.
const LEAST_WANT: u64 = 16;

/// What the control plane said last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// Nothing yet.
    #[default]
    Unknown,
    /// There was something to give.
    Granted,
    /// Others hold what is left.
    Busy,
    /// Nothing is left.
    Exhausted,
    /// Nobody counts this subject.
    Unmetered,
}

/// One meter in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    /// Whose.
    pub(super) subject: Subject,
    /// What the control plane said last.
    pub(super) state: State,
    /// Unix seconds; 0 = none is known yet.
    pub(super) period: u64,
    /// Unix seconds.
    pub(super) ends: u64,
    /// Cumulative.
    pub(super) granted: u64,
    /// Taken by workers.
    pub(super) spent: u64,
    /// Given back to the control plane.
    pub(super) returned: u64,
    /// Of the period.
    pub(super) limit: u64,
    /// Left for everybody, as of the last answer.
    pub(super) remaining: u64,
    /// Seconds after which asking again makes sense, as of the last answer.
    pub(super) retry_after: u64,
    /// Held when nothing is going on.
    pub(super) floor: u64,
    /// Of the validity under which it was granted.
    pub(super) era: u64,
    /// The number of the call whose answer counted last.
    pub(super) answer: u64,
    /// When that was answered, in nanoseconds like the times below.
    pub(super) answered_at: u64,
    /// Available then.
    pub(super) held_then: u64,
    /// Spent by then.
    pub(super) spent_then: u64,
    /// When somebody last asked for more.
    pub(super) asked_at: u64,
    /// When a worker last took of it.
    pub(super) used_at: u64,
    /// Counts changes of `spent` and `returned`.
    pub(super) changes: u64,
    /// As of so many changes it was told.
    pub(super) told: u64,
    /// Until then everything goes back at once.
    pub(super) recalled_until: u64,
}

impl Meter {
    /// One of which nothing is known.
    pub(super) fn new(subject: Subject, period: u64, ends: u64, era: u64) -> Self {
        Self { period, ends, era, ..Self::blank(subject) }
    }

    /// One that the control plane knows. What the process had told of it and forgot, since the clock stepped over the end of its period
    /// and back, is as good as spent.
    pub(super) fn resumed(subject: Subject, grant: &Grant, era: u64) -> Self {
        let spent = if grant.revision > 0 { grant.granted } else { 0 };
        Self { granted: spent, spent, changes: grant.revision, ..Self::new(subject, grant.period, grant.ends, era) }
    }

    fn blank(subject: Subject) -> Self {
        Self {
            subject,
            state: State::Unknown,
            period: 0,
            ends: 0,
            granted: 0,
            spent: 0,
            returned: 0,
            limit: 0,
            remaining: 0,
            retry_after: 0,
            floor: 0,
            era: 0,
            answer: 0,
            answered_at: 0,
            held_then: 0,
            spent_then: 0,
            asked_at: 0,
            used_at: 0,
            changes: 0,
            told: 0,
            recalled_until: 0,
        }
    }

    /// What may still be taken.
    pub(super) fn available(&self) -> u64 {
        self.granted.saturating_sub(self.spent.saturating_add(self.returned))
    }

    /// Gives up all but so many of the tokens that nobody took; tells how many.
    pub(super) fn give_up(&mut self, keep: u64) -> u64 {
        let surplus = self.available().saturating_sub(keep);
        if surplus > 0 {
            self.returned += surplus;
            self.changes += 1;
        }
        surplus
    }

    /// What was granted before the process' leases lapsed is not spent after.
    pub(super) fn enter_era(&mut self, era: u64) {
        if self.era != era {
            self.give_up(0);
            self.era = era;
        }
    }

    /// Takes tokens: at least so many, more if there are plenty; 0 if there are fewer.
    pub(super) fn take(&mut self, least: u64, now: u64) -> u64 {
        let available = self.available();
        if available < least {
            return 0;
        }
        let plenty = if now < self.recalled_until { 0 } else { (available / 16).clamp(1, MOST_CHUNK) };
        let taken = least.max(plenty).min(available);
        self.spent += taken;
        self.used_at = now;
        self.changes += 1;
        taken
    }

    /// A worker gives back what it took; to the control plane if it `is_over`.
    pub(super) fn put_back(&mut self, tokens: u64, is_over: bool, now: u64) {
        let tokens = tokens.min(self.spent);
        self.spent -= tokens;
        if is_over || now < self.recalled_until {
            self.returned += tokens;
        }
        self.changes += 1;
    }

    /// Whether half of what there was is gone.
    pub(super) fn is_low(&self) -> bool {
        self.available().saturating_mul(2) <= self.held_then
    }

    /// Whether the control plane said just now that so little is left for everybody that it comes in small portions.
    pub(super) fn is_nearly_gone(&self, now: u64) -> bool {
        let is_fresh = now.checked_sub(self.answered_at).is_some_and(|age| age <= FRESH_NANOS);
        is_fresh && self.is_scarce()
    }

    /// Whether that little was left when it last said so.
    fn is_scarce(&self) -> bool {
        self.remaining <= self.limit / 10
    }

    /// How many tokens it should hold, going by what was spent since the last answer.
    pub(super) fn want(&self, now: u64) -> u64 {
        self.minute(now).max(self.held_then.saturating_mul(2)).max(LEAST_WANT)
    }

    /// How many it should hold so that the control plane can be silent for a minute at any moment; 0 = as many as it does.
    /// Near the limit no more than is needed now: others may be short.
    pub(super) fn top_up(&self, now: u64) -> u64 {
        let is_time = now.saturating_sub(self.answered_at) >= STEADY_NANOS;
        let is_plenty = self.state == State::Granted && !self.is_scarce();
        let minute = self.minute(now);
        if is_time && is_plenty && self.available() < minute { minute.saturating_add(minute / 4) } else { 0 }
    }

    /// How many a minute takes, going by what was spent since the last answer.
    fn minute(&self, now: u64) -> u64 {
        let spent = self.spent.saturating_sub(self.spent_then);
        let passed = now.saturating_sub(self.answered_at).max(SECOND);
        let in_a_minute = u128::from(spent) * u128::from(60 * SECOND) / u128::from(passed);
        u64::try_from(in_a_minute).unwrap_or(u64::MAX)
    }

    /// Whether its period is running.
    pub(super) fn runs(&self, now: u64) -> bool {
        (self.period..self.ends).contains(&(now / SECOND))
    }

    /// Whether its period is over.
    pub(super) fn is_over(&self, now: u64) -> bool {
        self.ends <= now / SECOND
    }

    /// Whether nothing about it can matter any more.
    pub(super) fn is_forgotten(&self, now: u64) -> bool {
        let idle = |since: u64| now.saturating_sub(since) > GRACE_SECONDS * SECOND;
        match self.period {
            0 => idle(self.asked_at) && idle(self.answered_at),
            _ => self.ends.saturating_add(GRACE_SECONDS) <= now / SECOND,
        }
    }

    /// Whether the control plane does not know yet where it stands.
    pub(super) fn is_untold(&self) -> bool {
        self.changes > self.told
    }

    fn numbers(&mut self) -> [&mut u64; 19] {
        [
            &mut self.period,
            &mut self.ends,
            &mut self.granted,
            &mut self.spent,
            &mut self.returned,
            &mut self.limit,
            &mut self.remaining,
            &mut self.retry_after,
            &mut self.floor,
            &mut self.era,
            &mut self.answer,
            &mut self.answered_at,
            &mut self.held_then,
            &mut self.spent_then,
            &mut self.asked_at,
            &mut self.used_at,
            &mut self.changes,
            &mut self.told,
            &mut self.recalled_until,
        ]
    }
}

impl Record for Meter {
    #[inline(never)]
    fn decode(bytes: &[u8]) -> Vec<Self> {
        let mut reader = Reader::new(bytes);
        core::iter::from_fn(|| one(&mut reader)).collect()
    }

    #[inline(never)]
    fn encode(meters: &[Self]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(meters.len() * SIZE);
        for meter in meters {
            let mut meter = *meter;
            bytes.extend(meter.subject.to_bytes());
            bytes.push(meter.state as u8);
            meter.numbers().iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        }
        bytes
    }
}

#[inline(never)]
fn one(reader: &mut Reader<'_>) -> Option<Meter> {
    let mut meter = Meter::blank(Subject::from_bytes(&reader.array()?)?);
    meter.state = match reader.u8()? {
        1 => State::Granted,
        2 => State::Busy,
        3 => State::Exhausted,
        4 => State::Unmetered,
        _ => State::Unknown,
    };
    for number in meter.numbers() {
        *number = reader.u64()?;
    }
    Some(meter)
}

#[cfg(test)]
mod tests {
    use portcullis_engine::KeyId;

    use super::*;

    #[test]
    fn meters_read_back() {
        let mut first = Meter::new(Subject::Key(KeyId::from_bytes([7; 10])), 1, 2, 3);
        first.numbers().into_iter().enumerate().for_each(|(index, number)| *number = index as u64);
        for state in [State::Unknown, State::Granted, State::Busy, State::Exhausted, State::Unmetered] {
            first.state = state;
            let second = Meter::new(first.subject, 4, 5, 6);
            assert_eq!(Meter::decode(&Meter::encode(&[first, second])), [first, second]);
        }
        assert_eq!(Meter::decode(&[1; 40]), []);
    }

    #[test]
    fn nothing_is_spent_that_was_not_granted() {
        let mut meter =
            Meter { granted: 100, held_then: 100, ..Meter::new(Subject::Key(KeyId::from_bytes([7; 10])), 1, 9, 0) };
        assert_eq!([meter.take(1, 1), meter.take(10, 1), meter.take(90, 1)], [6, 10, 0]);
        meter.put_back(3, false, 2);
        assert_eq!((meter.available(), meter.is_low()), (87, false));
        assert_eq!((meter.take(50, 3), meter.is_low(), meter.want(3)), (50, true, 3780));
        assert_eq!((meter.give_up(7), meter.available()), (30, 7));
        meter.put_back(u64::MAX, true, 5);
        assert_eq!((meter.spent, meter.available()), (0, 7));
        meter.enter_era(1);
        assert_eq!((meter.available(), meter.returned), (0, 100));
    }
}
