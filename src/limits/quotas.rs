//! Quotas as a worker sees them: a few tokens of each meter in hand, and what to do when these are gone.
//!
//! Invariant: a token is spent only while the process' leases are valid, within its period, in the era it was granted in.

use portcullis_engine::limit::LimitKind;
use portcullis_engine::{Standing, Subject};

use super::Limits;
use super::meter::{Meter, State};
use super::slots::{Write, update};
use super::validity::Validity;
use crate::hash::slot;
use crate::host::Host;
use crate::live::Names;
use crate::timer::SECOND;
use crate::waiting::MOST_WAIT_NANOS;

/// Lists that meters are divided among.
pub(super) const LISTS: u64 = 4096;
/// Between two calls for more of one meter, if the first is not answered.
const ASK_NANOS: u64 = 50_000_000;
/// If none is on its way.
const ASK_SOON_NANOS: u64 = 1_000_000;
/// The same, while the answer is that nothing is left.
const ASK_AGAIN_NANOS: u64 = 1_000_000_000;
/// How long an answer that somebody is not metered holds.
const UNMETERED_NANOS: u64 = 10_000_000_000;

/// Tokens in a worker's hands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) tokens: u64,
    pub(super) period: u64,
    ends: u64,
    era: u64,
    limit: u64,
    /// Left for everybody, as far as is known.
    remaining: u64,
    /// Since the last tick.
    pub(super) touched: bool,
}

/// Why there are no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortage {
    /// Nothing is left until the period ends.
    Exhausted(Standing),
    /// Nothing is free for a moment.
    Busy(Standing, u64),
    /// Nobody knows.
    Unavailable,
}

/// What a look at the shared meter came to.
enum Looked {
    Taken(u64, Meter),
    Unmetered,
    Short(Shortage),
}

impl Chunk {
    /// Whether its tokens may be spent.
    pub(super) fn is_good(&self, validity: &Validity, now: u64) -> bool {
        self.era == validity.era && validity.covers(now) && (self.period..self.ends).contains(&(now / SECOND))
    }

    fn standing(&self, now: u64) -> Standing {
        standing(self.limit, self.period, self.ends, self.remaining, now)
    }
}

fn standing(limit: u64, period: u64, ends: u64, remaining: u64, now: u64) -> Standing {
    let (window, reset) = (ends.saturating_sub(period), ends.saturating_sub(now / SECOND));
    Standing { kind: LimitKind::Quota, limit, window, remaining, reset }
}

/// The name of the list that a subject's meters stand in.
#[inline(never)]
pub(super) fn list(names: &Names, subject: &Subject) -> String {
    names.meters(list_number(subject))
}

pub(super) fn list_number(subject: &Subject) -> u64 {
    slot(&subject.to_bytes(), LISTS)
}

impl Limits {
    /// Takes tokens; `None` if the subject is not metered.
    pub(super) fn spend(
        &mut self,
        host: &impl Host,
        subject: Subject,
        cost: u64,
        now: u64,
    ) -> Result<Option<Standing>, Shortage> {
        let mut have = 0;
        if let Some(chunk) = self.chunks.get_mut(&subject)
            && chunk.is_good(&self.validity, now)
        {
            chunk.touched = true;
            if chunk.tokens >= cost {
                chunk.tokens -= cost;
                chunk.remaining = chunk.remaining.saturating_sub(cost);
                return Ok(Some(chunk.standing(now)));
            }
            have = chunk.tokens;
        }
        self.refill(host, subject, cost, have, now)
    }

    /// Takes tokens that were just spent back into the hand.
    pub(super) fn unspend(&mut self, subject: Subject, cost: u64) {
        if let Some(chunk) = self.chunks.get_mut(&subject) {
            chunk.tokens = chunk.tokens.saturating_add(cost);
            chunk.remaining = chunk.remaining.saturating_add(cost);
        }
    }

    fn refill(
        &mut self,
        host: &impl Host,
        subject: Subject,
        cost: u64,
        have: u64,
        now: u64,
    ) -> Result<Option<Standing>, Shortage> {
        let Some(names) = self.names.clone() else { return Err(Shortage::Unavailable) };
        if !self.validity.covers(now) {
            self.validity = Validity::load(host, &names);
        }
        if have == 0 {
            self.hand_back(host, &names, subject, now);
        }
        let validity = self.validity;
        let is_asked = self.is_asked(subject);
        let looked = update(host, &list(&names, &subject), |meters: &mut Vec<Meter>| {
            look(meters, subject, cost.saturating_sub(have), &validity, is_asked, now)
        });
        let Some((looked, ask, is_coming)) = looked else { return Err(Shortage::Unavailable) };
        let could_ask = ask.is_none_or(|meter| self.ask_for(host, &names, &meter, cost, now));
        self.coming |= is_coming && could_ask && self.is_heard(now);
        match looked {
            Looked::Short(shortage) => Err(shortage),
            Looked::Unmetered => Ok(None),
            Looked::Taken(taken, meter) => {
                let spent_since = meter.spent.saturating_sub(meter.spent_then);
                let chunk = Chunk {
                    tokens: (have + taken).saturating_sub(cost),
                    period: meter.period,
                    ends: meter.ends,
                    era: validity.era,
                    limit: meter.limit,
                    // What is in hand is not gone yet.
                    remaining: (meter.remaining.saturating_add(have + taken)).saturating_sub(spent_since + cost),
                    touched: true,
                };
                self.chunks.insert(subject, chunk);
                Ok(Some(chunk.standing(now)))
            }
        }
    }

    /// Gives back what this worker has of a meter.
    pub(super) fn hand_back(&mut self, host: &impl Host, names: &Names, subject: Subject, now: u64) {
        let Some(chunk) = self.chunks.remove(&subject).filter(|chunk| chunk.tokens > 0) else { return };
        let validity = self.validity;
        // Should it fail, these tokens are as good as spent.
        let _ = update(host, &list(names, &subject), |meters: &mut Vec<Meter>| {
            let of_chunk = |it: &&mut Meter| it.subject == subject && it.period == chunk.period;
            let Some(meter) = meters.iter_mut().find(of_chunk) else { return ((), Write::No) };
            meter.enter_era(validity.era.max(meter.era));
            let is_over = chunk.era != meter.era || meter.is_over(now) || validity.drain;
            meter.put_back(chunk.tokens, is_over, now);
            ((), Write::Yes)
        });
    }
}

/// Takes of the meter that runs, if it can; says whether more is to be asked for, and whether what lacks is on its way.
#[inline(never)]
fn look(
    meters: &mut Vec<Meter>,
    subject: Subject,
    needed: u64,
    validity: &Validity,
    is_asked: bool,
    now: u64,
) -> ((Looked, Option<Meter>, bool), Write) {
    let Some(meter) = current(meters, subject, now) else {
        let placeholder = Meter { asked_at: now, ..Meter::new(subject, 0, 0, validity.era) };
        meters.push(placeholder);
        return ((Looked::Short(Shortage::Unavailable), Some(placeholder), true), Write::Yes);
    };
    let before = *meter;
    meter.enter_era(validity.era.max(meter.era));
    let looked = if meter.state == State::Unmetered && validity.covers(now) {
        Looked::Unmetered
    } else if !validity.covers(now) || !meter.runs(now) || meter.era != validity.era {
        Looked::Short(Shortage::Unavailable)
    } else {
        match meter.take(needed.max(1), now) {
            0 => Looked::Short(shortage(meter, now)),
            taken => Looked::Taken(taken, *meter),
        }
    };
    let ask = !validity.drain && is_to_ask(&looked, meter, is_asked, now);
    if ask {
        meter.asked_at = now;
    }
    let write = if *meter == before { Write::No } else { Write::Yes };
    let is_short = matches!(looked, Looked::Short(_)) && matches!(meter.state, State::Unknown | State::Granted);
    let is_coming = is_short && now.checked_sub(meter.asked_at).is_some_and(|passed| passed <= MOST_WAIT_NANOS);
    ((looked, ask.then_some(*meter), is_coming), write)
}

/// The meter whose period runs, or else the one that stands for what is not known yet.
fn current(meters: &mut [Meter], subject: Subject, now: u64) -> Option<&mut Meter> {
    let of_subject = |it: &Meter| it.subject == subject && (it.runs(now) || it.period == 0);
    meters.iter_mut().filter(|it| of_subject(it)).max_by_key(|it| it.period)
}

fn shortage(meter: &Meter, now: u64) -> Shortage {
    // What is at hand may be too little for this request, and enough for another.
    let standing = standing(meter.limit, meter.period, meter.ends, meter.available(), now);
    match meter.state {
        State::Exhausted => Shortage::Exhausted(standing),
        State::Busy => Shortage::Busy(standing, meter.retry_after.clamp(1, 5)),
        State::Granted if meter.is_nearly_gone(now) => Shortage::Busy(standing, 1),
        State::Unknown | State::Granted | State::Unmetered => Shortage::Unavailable,
    }
}

/// `is_asked`: by this worker. What others asked for wakes nobody here.
fn is_to_ask(looked: &Looked, meter: &Meter, is_asked: bool, now: u64) -> bool {
    let passed = now.checked_sub(meter.asked_at).unwrap_or(u64::MAX);
    let is_time = passed >= if is_asked { ASK_NANOS } else { ASK_SOON_NANOS };
    match looked {
        Looked::Taken(..) if meter.state != State::Granted => meter.is_low() && passed >= ASK_AGAIN_NANOS,
        Looked::Taken(..) => meter.is_low() && passed >= ASK_NANOS,
        Looked::Unmetered => passed >= UNMETERED_NANOS,
        Looked::Short(Shortage::Unavailable) => is_time,
        Looked::Short(Shortage::Busy(..)) if meter.state == State::Granted => is_time,
        Looked::Short(Shortage::Busy(..) | Shortage::Exhausted(_)) => passed >= ASK_AGAIN_NANOS,
    }
}
