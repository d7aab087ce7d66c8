//! What one VM of the process does for all meters: looks at each once a second, and tells the control plane.
//!
//! It gives back what nobody uses, what a period left over, and everything before the process is stopped; it asks for the
//! next period's tokens shortly before that begins. Invariant: it takes no tokens itself.

use portcullis_engine::Subject;
use portcullis_engine::limit::floor;

use super::Limits;
use super::calls::state;
use super::meter::Meter;
use super::quotas::LISTS;
use super::slots::{Record, Write, read, update};
use super::wire::MeterState;
use crate::host::Host;
use crate::live::Names;
use crate::timer::{SECOND, Timer};

/// Ticks in which every list was looked at once.
const ROUND: u64 = 10;
/// The time between two calls while anything is held.
const HEARTBEAT_NANOS: u64 = 1_000_000_000;
/// A meter that nobody took of for that long returns what is above its floor.
const IDLE_NANOS: u64 = 5_000_000_000;
/// How long before a period ends the next one's tokens are asked for.
const AHEAD_SECONDS: u64 = 60;
/// Between two attempts at that.
const AHEAD_AGAIN_NANOS: u64 = 5_000_000_000;
/// Meters told of with one call; the others wait for the next.
const MOST_METERS: usize = 2_000;

/// One leader's round.
#[derive(Debug, Default)]
pub(super) struct Round {
    tick: u64,
    heartbeat: Timer,
    to_tell: Vec<(Subject, MeterState)>,
    /// Whether there was any meter in this round, and in the one before.
    any: [bool; 2],
}

/// Which lists are in use, one bit each.
struct InUse(u8);

impl Record for InUse {
    fn decode(bytes: &[u8]) -> Vec<Self> {
        bytes.iter().map(|byte| Self(*byte)).collect()
    }

    fn encode(records: &[Self]) -> Vec<u8> {
        records.iter().map(|it| it.0).collect()
    }
}

/// The lists that are in use.
fn lists(in_use: &[InUse]) -> impl Iterator<Item = u64> {
    let bits = |(byte, bits): (usize, &InUse)| {
        let bits = bits.0;
        (0..8).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| byte as u64 * 8 + bit)
    };
    in_use.iter().enumerate().filter(|(_, bits)| bits.0 != 0).flat_map(bits)
}

/// Says that a list is in use.
pub(super) fn mark_in_use(host: &impl Host, names: &Names, list: u64) {
    let (byte, bit) = ((list / 8) as usize, 1_u8 << (list % 8));
    // Should it fail, the next grant says so again.
    let _ = update(host, &names.meters_in_use(), |bits: &mut Vec<InUse>| {
        bits.resize_with((LISTS / 8) as usize, || InUse(0));
        match bits.get_mut(byte) {
            Some(it) if it.0 & bit == 0 => {
                it.0 |= bit;
                ((), Write::Yes)
            }
            _ => ((), Write::No),
        }
    });
}

impl Limits {
    /// Looks at a part of the meters, and calls if it is time to.
    pub(super) fn lead(&mut self, host: &impl Host, version: u64, now: u64) {
        let Some(names) = self.names.clone() else { return };
        self.retry_floors(host, version, now);
        self.round.tick = (self.round.tick + 1) % ROUND;
        if self.round.tick == 0 {
            self.round.any = [false, self.round.any[0]];
        }
        let in_use: Vec<InUse> = read(host, &names.meters_in_use());
        for list in lists(&in_use).filter(|list| list % ROUND == self.round.tick).collect::<Vec<_>>() {
            self.look_at(host, &names, list, now);
        }
        self.tell(host, &names, now);
    }

    /// Another VM leads.
    pub(super) fn follow_leader(&mut self) {
        self.round = Round::default();
    }

    fn look_at(&mut self, host: &impl Host, names: &Names, list: u64, now: u64) {
        let validity = self.validity;
        let meters = update(host, &names.meters(list), |meters: &mut Vec<Meter>| {
            let before = meters.clone();
            meters.retain(|meter| !meter.is_forgotten(now));
            meters.iter_mut().for_each(|meter| tidy(meter, validity.era, validity.drain, now));
            let write = if *meters == before { Write::No } else { Write::Yes };
            (meters.clone(), write)
        });
        let Some(meters) = meters else { return };
        self.round.any[0] |= !meters.is_empty();
        for meter in meters.iter().filter(|it| it.period != 0) {
            if meter.is_untold() && self.round.to_tell.len() < MOST_METERS {
                let want = if validity.drain { 0 } else { wanted(meter, now) };
                self.round.to_tell.push((meter.subject, state(meter, want)));
            }
            let next_is_there = || meters.iter().any(|it| it.subject == meter.subject && it.period == meter.ends);
            if is_ending(meter, now) && !validity.drain && !next_is_there() {
                self.look_ahead(meter, now);
            }
        }
    }

    /// Asks for a floor of the next period.
    fn look_ahead(&mut self, meter: &Meter, now: u64) {
        // Each five seconds, and not all meters at once.
        let is_turn = now / SECOND % (AHEAD_AGAIN_NANOS / HEARTBEAT_NANOS) == meter.ends % 5 || is_busy(meter, now);
        if is_turn && self.round.to_tell.len() < MOST_METERS {
            let next = Meter::new(meter.subject, meter.ends, 0, 0);
            self.round.to_tell.push((meter.subject, state(&next, meter.floor.max(1))));
        }
    }

    fn tell(&mut self, host: &impl Host, names: &Names, now: u64) {
        let is_held = self.round.any.iter().any(|any| *any);
        if !self.round.heartbeat.is_due(now) || !is_held && self.round.to_tell.is_empty() {
            return;
        }
        self.round.heartbeat = Timer::start(now, HEARTBEAT_NANOS);
        let to_tell = core::mem::take(&mut self.round.to_tell);
        self.call(host, names, &to_tell, None, now);
    }
}

fn tidy(meter: &mut Meter, era: u64, drain: bool, now: u64) {
    meter.enter_era(era.max(meter.era));
    if meter.is_over(now) || drain {
        meter.give_up(0);
    } else if meter.runs(now) && !is_busy(meter, now) {
        meter.give_up(if meter.floor == 0 { floor(meter.limit) } else { meter.floor });
    }
}

/// How many tokens to hold of one meter; 0 = as many as there are.
fn wanted(meter: &Meter, now: u64) -> u64 {
    if !meter.runs(now) || !is_busy(meter, now) {
        return 0;
    }
    if meter.is_low() { meter.want(now) } else { meter.top_up(now) }
}

fn is_busy(meter: &Meter, now: u64) -> bool {
    now.saturating_sub(meter.used_at.max(meter.answered_at)) < IDLE_NANOS
}

fn is_ending(meter: &Meter, now: u64) -> bool {
    meter.runs(now) && meter.ends.saturating_sub(now / SECOND) <= AHEAD_SECONDS
}
