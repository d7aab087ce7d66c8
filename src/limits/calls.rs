//! Calls of `/edge/v1/leases`: what is said, and what an answer changes.
//!
//! Invariant: an answer adds nothing but what the control plane says it granted, never more than the limit, and once; one
//! that cannot be read changes nothing.

use portcullis_engine::Subject;
use portcullis_engine::limit::floor;

use super::Limits;
use super::floors::Floors;
use super::meter::{Meter, State};
use super::quotas::{list, list_number};
use super::slots::{Write, update};
use super::validity::Validity;
use super::wire::{FloorsAfter, Grant, GrantState, LeaseAnswer, LeaseRequest, MeterState};
use crate::boot;
use crate::host::{Host, LogLevel};
use crate::live::Names;
use crate::metrics::Metrics;
use crate::report;
use crate::timer::Timer;
use crate::waiting::MOST_WAIT_NANOS;

/// Calls of one VM that may be on their way.
const MOST_CALLS: usize = 8;
/// When an answer will not come any more.
const LOST_NANOS: u64 = 10_000_000_000;
/// The pause after a failure.
const RETRY_NANOS: u64 = 1_000_000_000;
/// The pause after an answer that says that the control plane knows no leases.
const UNKNOWN_NANOS: u64 = 60_000_000_000;
/// Requests that wait for whose sake more is asked for, beside the one that asks.
const MOST_ASKED_FOR: usize = 15;
/// How long a recalled meter keeps nothing.
const RECALL_NANOS: u64 = 2_000_000_000;

/// A call on its way.
#[derive(Debug)]
pub(super) struct Call {
    token: u32,
    pub(super) seq: u64,
    pub(super) sent: u64,
    lost: Timer,
    told: Vec<(Subject, MeterState)>,
    pub(super) floors: bool,
}

/// What an answer about leases meant for requests that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// There are tokens, or none will come.
    News,
    /// Nothing.
    Nothing,
}

/// What a VM says of a meter.
pub(super) fn state(meter: &Meter, want: u64) -> MeterState {
    MeterState {
        subject: meter.subject.to_string(),
        period: meter.period,
        granted: meter.granted,
        spent: meter.spent,
        returned: meter.returned,
        want,
        least: 0,
        revision: meter.changes,
    }
}

impl Limits {
    /// Asks for more of one meter, enough for a request of that cost and for those that wait, unless it is not the time to ask
    /// anything. Tells whether it did.
    pub(super) fn ask_for(&mut self, host: &impl Host, names: &Names, meter: &Meter, cost: u64, now: u64) -> bool {
        let want = meter.want(now).max(cost.saturating_mul(2));
        // Whoever waits may have come for the same, and spends it at once.
        let least = cost.saturating_mul(1 + self.waiting.min(MOST_ASKED_FOR) as u64);
        let state = MeterState { least, ..state(meter, want.max(least)) };
        self.call(host, names, &[(meter.subject, state)], None, now)
    }

    /// Whether the control plane answers: it did last, or was not asked yet, and keeps no call waiting.
    pub(super) fn is_heard(&self, now: u64) -> bool {
        let is_late = |call: &Call| now.checked_sub(call.sent).is_none_or(|passed| passed > MOST_WAIT_NANOS);
        self.control.is_some() && self.boot.is_some() && self.pause.is_due(now) && !self.calls.iter().any(is_late)
    }

    /// Whether a call about a meter is on its way.
    pub(super) fn is_asked(&self, subject: Subject) -> bool {
        self.calls.iter().any(|call| call.told.iter().any(|(told, state)| *told == subject && state.want > 0))
    }

    /// Says where these meters stand. Tells whether it could be said.
    pub(super) fn call(
        &mut self,
        host: &impl Host,
        names: &Names,
        meters: &[(Subject, MeterState)],
        floors: Option<FloorsAfter>,
        now: u64,
    ) -> bool {
        self.calls.retain(|call| !call.lost.is_due(now));
        let (Some(control), Some(boot)) = (&self.control, &self.boot) else { return false };
        if self.calls.len() >= MOST_CALLS || !self.pause.is_due(now) {
            return false;
        }
        let Some(seq) = boot::next(host, &names.calls()) else { return false };
        let states: Vec<_> = meters.iter().map(|(_, state)| state).collect();
        let is_for_floors = floors.is_some();
        let request = LeaseRequest { edge: &control.edge_id, boot, meters: &states, floors };
        let body = serde_json::to_vec(&request).unwrap_or_default();
        let Some(token) = report::post(host, control, "/edge/v1/leases", &body) else {
            self.errors += 1;
            self.pause = Timer::start(now, RETRY_NANOS);
            return false;
        };
        let (lost, told) = (Timer::start(now, LOST_NANOS), meters.to_vec());
        self.calls.push(Call { token, seq, sent: now, lost, told, floors: is_for_floors });
        true
    }

    /// An answer arrived. Tells what it meant, if it was about leases.
    pub fn answered(
        &mut self,
        host: &impl Host,
        metrics: &mut Metrics,
        token: u32,
        headers: usize,
        body: usize,
        now: u64,
    ) -> Option<Heard> {
        let position = self.calls.iter().position(|call| call.token == token)?;
        let call = self.calls.swap_remove(position);
        let Some(names) = self.names.clone() else { return Some(Heard::Nothing) };
        match answer(host, headers, body) {
            Ok(answer) => {
                let is_empty = answer.grants.is_empty() && answer.unmetered.is_empty();
                self.follow(host, &names, &call, answer, now);
                Some(if is_empty { Heard::Nothing } else { Heard::News })
            }
            Err(failure) => {
                let unknown = failure == Failure::Unknown;
                self.pause = Timer::start(now, if unknown { UNKNOWN_NANOS } else { RETRY_NANOS });
                self.fail_floors(&call);
                metrics.lease_error();
                host.log(LogLevel::Debug, format_args!("no answer about leases: {failure:?}"));
                Some(Heard::News)
            }
        }
    }

    fn follow(&mut self, host: &impl Host, names: &Names, call: &Call, answer: LeaseAnswer, now: u64) {
        self.validity = Validity::follow(host, names, call.seq, call.sent, answer.valid_seconds, answer.drain);
        for grant in &answer.grants {
            if let Some(subject) = Subject::parse(&grant.subject).filter(|_| grant.period < grant.ends) {
                self.grant(host, names, call, subject, grant, now);
            }
        }
        for (subject, state) in &call.told {
            let is_unmetered = answer.unmetered.contains(&state.subject);
            mark_told(host, names, *subject, state, is_unmetered.then_some((call.seq, now)));
        }
        self.recall(host, names, &answer.recall, now);
        self.follow_floors(host, names, call, answer.floors, now);
    }

    fn grant(&self, host: &impl Host, names: &Names, call: &Call, subject: Subject, grant: &Grant, now: u64) {
        let era = self.validity.era;
        let taken = update(host, &list(names, &subject), |meters: &mut Vec<Meter>| {
            let is_it = |it: &Meter| it.subject == subject && it.period == grant.period;
            if !meters.iter().any(is_it) {
                let new = Meter::resumed(subject, grant, era);
                if new.is_forgotten(now) {
                    return (false, Write::No);
                }
                meters.retain(|it| it.subject != subject || it.period != 0);
                meters.push(new);
            }
            if let Some(meter) = meters.iter_mut().find(|it| is_it(it)) {
                meter.enter_era(era.max(meter.era));
                apply(meter, call, grant, now);
            }
            (true, Write::Yes)
        });
        if taken == Some(true) {
            super::leader::mark_in_use(host, names, list_number(&subject));
        }
    }

    fn recall(&mut self, host: &impl Host, names: &Names, subjects: &[String], now: u64) {
        let mut given_up = Vec::new();
        for subject in subjects.iter().filter_map(|it| Subject::parse(it)) {
            self.hand_back(host, names, subject, now);
            let _ = update(host, &list(names, &subject), |meters: &mut Vec<Meter>| {
                let Some(meter) = meters.iter_mut().find(|it| it.subject == subject && it.runs(now)) else {
                    return ((), Write::No);
                };
                meter.recalled_until = now.saturating_add(RECALL_NANOS);
                // Others are short, so the limit is near.
                meter.state = if meter.state == State::Exhausted { State::Exhausted } else { State::Busy };
                if meter.give_up(0) > 0 {
                    given_up.retain(|(it, _)| *it != subject);
                    given_up.push((subject, state(meter, 0)));
                }
                ((), Write::Yes)
            });
        }
        if !given_up.is_empty() {
            self.call(host, names, &given_up, None, now);
        }
    }
}

fn apply(meter: &mut Meter, call: &Call, grant: &Grant, now: u64) {
    // What was given back may have been granted again, but nobody holds more than there is.
    let most = meter.granted.max(grant.limit.saturating_add(meter.returned));
    meter.granted = meter.granted.max(grant.granted.min(most));
    if call.seq <= meter.answer {
        return;
    }
    meter.answer = call.seq;
    meter.state = match grant.state {
        GrantState::Granted => State::Granted,
        GrantState::Busy => State::Busy,
        GrantState::Exhausted => State::Exhausted,
    };
    (meter.limit, meter.remaining, meter.retry_after) = (grant.limit, grant.remaining, grant.retry_after);
    (meter.answered_at, meter.held_then, meter.spent_then) = (now, meter.available(), meter.spent);
    if meter.floor == 0 {
        meter.floor = if call.floors { meter.granted.min(super::MOST_FLOOR) } else { floor(grant.limit) };
    }
}

/// What was said of a meter arrived; and nobody counts it any more if it was `unmetered`, by the answer to a call of that
/// number at that time.
fn mark_told(host: &impl Host, names: &Names, subject: Subject, state: &MeterState, unmetered: Option<(u64, u64)>) {
    // Should it fail, it is said again.
    let _ = update(host, &list(names, &subject), |meters: &mut Vec<Meter>| {
        let is_it = |it: &&mut Meter| it.subject == subject && it.period == state.period;
        let Some(meter) = meters.iter_mut().find(is_it) else { return ((), Write::No) };
        let before = *meter;
        meter.told = meter.told.max(state.revision);
        if let Some((seq, now)) = unmetered.filter(|(seq, _)| *seq > meter.answer) {
            (meter.state, meter.answer, meter.answered_at) = (State::Unmetered, seq, now);
        }
        ((), if *meter == before { Write::No } else { Write::Yes })
    });
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// The control plane knows no leases.
    Unknown,
    /// No connection, refused, broken off, or not to be read.
    Failed,
}

fn answer(host: &impl Host, headers: usize, body: usize) -> Result<LeaseAnswer, Failure> {
    if headers == 0 {
        return Err(Failure::Failed);
    }
    match host.callout_header(":status").as_deref() {
        Some(b"200") => {
            let body = host.callout_body(body).unwrap_or_default();
            serde_json::from_slice(&body).map_err(|_| Failure::Failed)
        }
        Some(b"404") => Err(Failure::Unknown),
        _ => Err(Failure::Failed),
    }
}

impl Floors {
    /// Whether calls for floors are on their way.
    pub(super) fn is_under_way(calls: &[Call]) -> bool {
        calls.iter().any(|call| call.floors)
    }
}
