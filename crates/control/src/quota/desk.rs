//! One call of one process, worked out: what it says goes into its leases, what it wants is granted or not.
//!
//! Pure: rows are put in before, locked, and the changed ones taken out after. Invariant: a meter's sums are those of its leases, before
//! and after.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_api::LostLeases;
use portcullis_api::edge::{Grant, GrantState, MeterState};
use portcullis_engine::{OrganizationId, Subject};

use super::ledger::{Lease, PERCENTS, Sums, Wish};
use super::period::{Period, Rule};

/// For so long others give back what they hold, so that whoever ran short gets it.
const WANTED_MS: u64 = 3_000;
/// So long before a period ends the next one's tokens can be asked for, in seconds.
const EARLY: u64 = 60;

/// Whose tokens are counted, and how many there are.
#[derive(Clone, Debug)]
pub(crate) struct Metered {
    /// The organisation, or that of the key.
    pub organization: OrganizationId,
    /// So many in each period, without top-ups.
    pub limit: u64,
    /// By what its periods are told.
    pub rule: Rule,
    /// What becomes of what a process held when it died.
    pub lost: LostLeases,
}

/// A subject in one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MeterRow {
    /// Whose.
    pub subject: Subject,
    /// From when to when.
    pub period: Period,
    /// Tokens beside the plan's.
    pub topped_up: u64,
    /// What became of them.
    pub sums: Sums,
    /// The limit that was last looked at.
    pub told_limit: u64,
    /// The part of it that was reached.
    pub told_percent: u64,
    /// For which process others give back what they hold.
    pub wanted_by: String,
    /// Until when, in Unix milliseconds.
    pub wanted_until_ms: u64,
}

/// A part of a limit that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuotaEvent {
    /// Whose limit.
    pub subject: Subject,
    /// The organisation, or that of the key.
    pub organization: OrganizationId,
    /// In which period.
    pub period: Period,
    /// Which part.
    pub percent: u64,
    /// Of how much, top-ups included.
    pub limit: u64,
    /// What is used, what is in doubt included.
    pub used: u64,
}

/// A meter's name: whose, and when its period began.
pub(crate) type MeterKey = (Subject, u64);

/// What one call is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desk {
    /// The process.
    pub boot: String,
    /// Now, in Unix milliseconds.
    pub now_ms: u64,
    /// Processes that are alive.
    pub boots: u64,
    /// Whether it is about to be stopped.
    pub draining: bool,
    /// Of whom tokens are counted.
    pub metered: BTreeMap<Subject, Metered>,
    /// Their meters.
    pub meters: BTreeMap<MeterKey, MeterRow>,
    /// The process' leases of them.
    pub leases: BTreeMap<MeterKey, Lease>,
    /// Which meters are to be written.
    pub changed_meters: BTreeSet<MeterKey>,
    /// Which leases are to be written.
    pub changed_leases: BTreeSet<MeterKey>,
    /// What was reached.
    pub events: Vec<QuotaEvent>,
    before: BTreeMap<MeterKey, Sums>,
}

impl Desk {
    /// Nothing on it yet.
    pub(crate) fn new(boot: &str, now_ms: u64) -> Self {
        Self { boot: boot.to_owned(), now_ms, ..Self::default() }
    }

    fn now(&self) -> u64 {
        self.now_ms / 1000
    }

    /// The period of a subject that runs; `None` if none is there.
    pub(crate) fn running(&self, subject: Subject) -> Option<Period> {
        let mut rows = self.meters.range((subject, 0)..=(subject, u64::MAX));
        rows.find(|(_, row)| row.period.holds(self.now())).map(|(_, row)| row.period)
    }

    /// Whether a period that begins then may be asked for. Until then it has no bounds: the rule may change.
    pub(crate) fn is_near(&self, start: u64) -> bool {
        self.now() + EARLY >= start
    }

    /// The meter that a wish is about: the period named, if it runs or is about to, or else the one that runs.
    fn wanted(&self, subject: Subject, period: u64) -> Option<MeterKey> {
        let running = self.running(subject)?;
        let is_next = period == running.end && self.is_near(period);
        let key = (subject, if is_next { period } else { running.start });
        self.meters.contains_key(&key).then_some(key)
    }

    /// Takes in what the process says of a lease. Of meters that are not there nothing is known or of interest any more.
    pub(crate) fn hear(&mut self, subject: Subject, told: &MeterState) {
        let key = (subject, told.period);
        if told.granted == 0 && !self.leases.contains_key(&key) {
            return;
        }
        self.change(key, |lease| lease.hear(told));
    }

    /// The process is gone, and what it holds of a meter is in doubt.
    pub(crate) fn close(&mut self, key: MeterKey) {
        let lost = self.metered.get(&key.0).map_or(LostLeases::Spent, |it| it.lost);
        self.change(key, |lease| lease.close(lost));
    }

    /// Grants what is wanted, or says why not.
    pub(crate) fn want(&mut self, subject: Subject, told: &MeterState) -> Option<Grant> {
        let key = self.wanted(subject, told.period)?;
        let (lease, row) = (self.leases.get(&key).copied().unwrap_or_default(), self.meters.get(&key)?.clone());
        let wish = Wish { want: told.want, least: told.least, limit: self.limit(&row)?, boots: self.boots };
        // Told before what is known by now: whoever said so has asked again since.
        let is_late = told.revision < lease.revision;
        let tokens = if is_late || !self.may_have(&row, &lease) { 0 } else { wish.grant(&lease, &row.sums) };
        let is_short = !is_late && wish.is_short(&lease);
        let others = row.sums.held().saturating_sub(if lease.in_doubt { 0 } else { lease.held() });
        let state = match (tokens, is_short) {
            (0, true) if others > 0 || row.sums.free(wish.limit) > 0 => GrantState::Busy,
            (0, true) => GrantState::Exhausted,
            _ => GrantState::Granted,
        };
        if tokens > 0 {
            self.change(key, |lease| lease.grant(tokens));
        }
        self.call_in(key, state);
        self.standing(key, state)
    }

    /// Grants the little that a process has before the first request.
    pub(crate) fn floor(&mut self, subject: Subject) -> Option<Grant> {
        let key = self.wanted(subject, 0)?;
        let (lease, row) = (self.leases.get(&key).copied().unwrap_or_default(), self.meters.get(&key)?.clone());
        let wish = Wish { want: 0, least: 0, limit: self.limit(&row)?, boots: self.boots };
        let tokens = if self.may_have(&row, &lease) { wish.grant_floor(&lease, &row.sums) } else { 0 };
        if tokens > 0 {
            self.change(key, |lease| lease.grant(tokens));
        }
        self.standing(key, GrantState::Granted)
    }

    /// Where a meter stands, for its process.
    pub(crate) fn standing(&self, key: MeterKey, state: GrantState) -> Option<Grant> {
        let row = self.meters.get(&key)?;
        let limit = self.limit(row)?;
        let retry_after = match state {
            GrantState::Granted => 0,
            GrantState::Busy => 1,
            GrantState::Exhausted => row.period.end.saturating_sub(self.now()).max(1),
        };
        let lease = self.leases.get(&key).copied().unwrap_or_default();
        Some(Grant {
            subject: key.0.to_string(),
            period: row.period.start,
            ends: row.period.end,
            granted: lease.granted,
            limit,
            remaining: limit.saturating_sub(row.sums.used()),
            state,
            retry_after,
            revision: lease.revision,
        })
    }

    /// Notes which parts of limits were reached by all of this. Call it once, at the end.
    pub(crate) fn notice(&mut self) {
        for key in self.before.keys().copied().collect::<Vec<_>>() {
            let noticed = self.noticed(key);
            self.events.extend(noticed);
        }
    }

    fn noticed(&mut self, key: MeterKey) -> Vec<QuotaEvent> {
        let (Some(metered), Some(before)) = (self.metered.get(&key.0), self.before.get(&key)) else {
            return Vec::new();
        };
        let Some(row) = self.meters.get_mut(&key) else { return Vec::new() };
        let limit = metered.limit.saturating_add(row.topped_up);
        let told = match row.told_limit == limit {
            true => row.told_percent,
            false => row.told_percent.min(before.percent(limit)),
        };
        let reached = row.sums.percent(limit);
        (row.told_limit, row.told_percent) = (limit, told.max(reached));
        let (organization, used) = (metered.organization, row.sums.used());
        let event = |percent| QuotaEvent { subject: key.0, organization, period: row.period, percent, limit, used };
        PERCENTS.into_iter().filter(|it| told < *it && *it <= reached).map(event).collect()
    }

    fn limit(&self, row: &MeterRow) -> Option<u64> {
        self.metered.get(&row.subject).map(|it| it.limit.saturating_add(row.topped_up))
    }

    /// Whether a process may be given anything: not if it is to stop, has to give something back first, or somebody else waits.
    fn may_have(&self, row: &MeterRow, lease: &Lease) -> bool {
        !self.draining && lease.forgiven == 0 && !self.is_others_turn(row)
    }

    fn is_others_turn(&self, row: &MeterRow) -> bool {
        row.wanted_until_ms > self.now_ms && row.wanted_by != self.boot
    }

    /// Lets others give back what they hold for this process, or no longer.
    fn call_in(&mut self, key: MeterKey, state: GrantState) {
        let (now_ms, boot, draining) = (self.now_ms, self.boot.clone(), self.draining);
        let Some(row) = self.meters.get_mut(&key) else { return };
        let is_theirs = row.wanted_until_ms > now_ms && row.wanted_by != boot;
        let until_ms = if state == GrantState::Busy && !draining { now_ms.saturating_add(WANTED_MS) } else { 0 };
        let is_news = until_ms > 0 || (row.wanted_by == boot && row.wanted_until_ms > 0);
        if is_news && !is_theirs {
            (row.wanted_by, row.wanted_until_ms) = (boot, until_ms);
            self.changed_meters.insert(key);
        }
    }

    fn change(&mut self, key: MeterKey, change: impl FnOnce(&mut Lease)) {
        let Some(row) = self.meters.get_mut(&key) else { return };
        let before = self.leases.get(&key).copied().unwrap_or_default();
        let mut after = before;
        change(&mut after);
        if after == before {
            return;
        }
        self.before.entry(key).or_insert(row.sums);
        row.sums = row.sums.moved(&before, &after);
        self.leases.insert(key, after);
        self.changed_leases.insert(key);
        self.changed_meters.insert(key);
    }
}
