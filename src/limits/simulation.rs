//! Processes of several VMs each, a ledger, and a network that loses, doubles and delays: whatever happens, no more is let
//! through than the limit, and if nothing died, exactly that.

use core::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use portcullis_engine::limit::RateClaim;
use portcullis_engine::{Bucket, Demand, KeyId, OnUnavailable, OrganizationId, Rate, Reason, Subject};
use serde_json::{Value, json};

use super::{Limits, Place};
use crate::config::{Config, Control, Source};
use crate::fake_host::{FakeHost, Memory};
use crate::live::Names;
use crate::metrics::Metrics;
use crate::timer::SECOND;

pub(super) const START: u64 = 1_768_478_400;
pub(super) const PERIOD: u64 = 86_400;

pub(super) fn control() -> Control {
    let json = r#"{"cluster":"c","edge_token":"t","public_keys":["3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"]}"#;
    match Config::parse(json.as_bytes(), |_| None).unwrap().source {
        Source::Control(control) => control,
        Source::Static(_) => panic!("no control plane"),
    }
}

pub(super) fn organization() -> Subject {
    Subject::Organization(OrganizationId::from_bytes([7; 10]))
}

pub(super) fn demand(quotas: [Option<Subject>; 2], cost: u32) -> Demand {
    Demand { quotas, cost, on_unavailable: OnUnavailable::Deny, ..Demand::default() }
}

/// Numbers that look random and are the same each time.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[derive(Debug, Default)]
struct Lease {
    granted: u64,
    spent: u64,
    returned: u64,
    revision: u64,
    called: u64,
}

impl Lease {
    /// What was said last may be of two moments, so it need not add up.
    fn held(&self) -> u64 {
        self.granted.saturating_sub(self.spent + self.returned)
    }
}

/// The control plane's side, as it was agreed.
#[derive(Debug)]
struct Ledger {
    limit: u64,
    /// Who got nothing, by subject.
    short: BTreeMap<String, String>,
    leases: BTreeMap<(String, String), Lease>,
}

impl Ledger {
    fn charged(&self, subject: &str) -> u64 {
        let of = self.leases.iter().filter(|((_, it), _)| it == subject);
        of.map(|(_, it)| it.granted - it.returned).sum()
    }

    fn answer(&mut self, body: &[u8], now: u64) -> Vec<u8> {
        let request: Value = serde_json::from_slice(body).unwrap();
        let boot = request["boot"].as_str().unwrap().to_owned();
        let mut grants = Vec::new();
        let mut recall = Vec::new();
        let known: Vec<_> = self.leases.keys().filter(|(it, _)| *it == boot).cloned().collect();
        known.iter().for_each(|it| self.leases.get_mut(it).unwrap().called = now);
        for meter in request["meters"].as_array().unwrap() {
            let number = |name: &str| meter[name].as_u64().unwrap();
            let subject = meter["subject"].as_str().unwrap().to_owned();
            let lease = self.leases.entry((boot.clone(), subject.clone())).or_default();
            lease.called = now;
            if number("period") == START {
                lease.returned = lease.returned.max(number("returned"));
                if number("revision") > lease.revision {
                    (lease.revision, lease.spent) = (number("revision"), number("spent"));
                }
                assert!(number("granted") <= lease.granted && lease.returned <= lease.granted, "{meter}");
            }
            let held = lease.held();
            let (want, least) = (number("want"), number("least"));
            let wanted = want.saturating_sub(held);
            let is_short = wanted > 0 && (held < least || held * 2 <= want.min((self.limit / 100).max(least)));
            let boots = self.leases.values().filter(|it| it.called + 60 * SECOND > now).count().max(1) as u64;
            let free = self.limit.saturating_sub(self.charged(&subject));
            let size = wanted.min((self.limit / 100).max(1)).min((free / (2 * boots)).max(1)).min(free);
            let lease = self.leases.get_mut(&(boot.clone(), subject.clone())).unwrap();
            lease.granted += size;
            let (granted, revision) = (lease.granted, lease.revision);
            let others = self.leases.iter().filter(|((b, s), _)| *b != boot && *s == subject);
            let others = others.map(|(_, it)| it.held()).sum::<u64>();
            if size == 0 && is_short && others > 0 {
                self.short.insert(subject.clone(), boot.clone());
            } else if self.short.get(&subject).is_some_and(|it| *it == boot) {
                self.short.remove(&subject);
            }
            let state = if size > 0 || !is_short {
                "granted"
            } else if others > 0 {
                "busy"
            } else {
                "exhausted"
            };
            // Who wants nothing is told nothing, unless an answer was lost.
            if want == 0 && number("granted") >= granted {
                continue;
            }
            grants.push(json!({ "subject": subject, "period": START, "ends": START + PERIOD, "granted": granted,
                "revision": revision,
                "limit": self.limit, "remaining": free, "state": state, "retry_after": 1 }));
        }
        recall.extend(self.short.iter().filter(|(_, short)| **short != boot).map(|(subject, _)| subject.clone()));
        serde_json::to_vec(&json!({ "valid_seconds": 60, "grants": grants, "recall": recall })).unwrap()
    }
}

pub(super) struct Process {
    boot: String,
    memory: Memory,
    pub(super) vms: Vec<(FakeHost, Limits)>,
}

pub(super) struct World {
    random: Random,
    pub(super) clock: Rc<Cell<u64>>,
    ledger: Ledger,
    pub(super) processes: Vec<Process>,
    boots: u64,
    /// Answers on their way: process name, VM, token, body.
    late: Vec<(String, usize, u32, Vec<u8>)>,
    allowed: BTreeMap<Subject, u64>,
}

impl World {
    pub(super) fn new(seed: u64, limit: u64, processes: usize, vms: usize) -> Self {
        let clock = Rc::new(Cell::new((START + 100) * SECOND));
        let ledger = Ledger { limit, short: BTreeMap::new(), leases: BTreeMap::new() };
        let random = Random::new(seed);
        let mut world =
            Self { random, clock, ledger, processes: vec![], boots: 0, late: vec![], allowed: BTreeMap::new() };
        for _ in 0..processes {
            let process = world.process(vms);
            world.processes.push(process);
        }
        world
    }

    fn process(&mut self, vms: usize) -> Process {
        self.boots += 1;
        let memory = Memory::default();
        let boot = format!("{:016x}", self.boots);
        let vms = (0..vms).map(|_| self.vm(&memory)).collect();
        Process { boot, memory, vms }
    }

    fn vm(&self, memory: &Memory) -> (FakeHost, Limits) {
        let control = control();
        let names = Names::new(&control.identity(&[]));
        (FakeHost::new(memory, &self.clock), Limits::shared(names, control))
    }

    pub(super) fn request(&mut self, process: usize, vm: usize, demand: &Demand) -> Result<(), Reason> {
        let (host, limits) = &mut self.processes[process].vms[vm];
        let admitted = limits.admit(host, demand, false);
        if admitted.is_ok() {
            for subject in demand.quotas.iter().flatten() {
                let allowed = self.allowed.entry(*subject).or_default();
                *allowed += u64::from(demand.cost);
                assert!(*allowed <= self.ledger.limit, "{} of {}", allowed, self.ledger.limit);
            }
        }
        admitted.map(|_| ()).map_err(|refusal| refusal.reason)
    }

    pub(super) fn tick(&mut self) {
        self.clock.set(self.clock.get() + SECOND / 10);
        for process in &mut self.processes {
            for (index, (host, limits)) in process.vms.iter_mut().enumerate() {
                let place = Place { boot: Some(&process.boot), leads: index == 0, version: 0 };
                limits.tick(host, &mut Metrics::default(), place, host.clock.get());
            }
        }
    }

    /// Lets every call reach the ledger, and its answers come back, some of them late, twice or never if `trouble`.
    pub(super) fn deliver(&mut self, trouble: bool) {
        for process in 0..self.processes.len() {
            for vm in 0..self.processes[process].vms.len() {
                let calls = std::mem::take(&mut *self.processes[process].vms[vm].0.calls.borrow_mut());
                for (token, _, body) in calls {
                    let fate = if trouble { self.random.below(10) } else { 9 };
                    if fate == 0 {
                        continue; // The call is lost.
                    }
                    let answer = self.ledger.answer(&body, self.clock.get());
                    if fate == 1 {
                        self.ledger.answer(&body, self.clock.get()); // It arrives twice, and this answer is lost.
                    }
                    if fate != 2 {
                        let boot = self.processes[process].boot.clone();
                        self.late.push((boot, vm, token, answer));
                    }
                }
            }
        }
        let keep = if trouble { self.random.below(4) as usize } else { 0 };
        while self.late.len() > keep {
            let index = self.random.below(self.late.len() as u64) as usize;
            let (boot, vm, token, body) = self.late.swap_remove(index);
            let Some(process) = self.processes.iter_mut().find(|it| it.boot == boot) else { continue };
            let (host, limits) = &mut process.vms[vm];
            *host.answer.borrow_mut() = (200, body);
            limits.answered(host, &mut Metrics::default(), token, 1, 1, host.clock.get());
        }
    }

    fn kill(&mut self) {
        let process = self.random.below(self.processes.len() as u64) as usize;
        if self.random.below(2) == 0 {
            let vms = self.processes[process].vms.len();
            self.processes[process] = self.process(vms);
        } else {
            let vm = self.random.below(self.processes[process].vms.len() as u64) as usize;
            let fresh = self.vm(&self.processes[process].memory.clone());
            let boot = self.processes[process].boot.clone();
            self.late.retain(|(it, other, ..)| *it != boot || *other != vm);
            self.processes[process].vms[vm] = fresh;
        }
    }

    /// Demand everywhere until nobody gets anything for a while.
    pub(super) fn exhaust(&mut self, demand: &Demand) -> Vec<Reason> {
        let mut last = Vec::new();
        let mut idle = 0;
        while idle < 300 {
            last.clear();
            idle += 1;
            for process in 0..self.processes.len() {
                for vm in 0..self.processes[process].vms.len() {
                    match self.request(process, vm, demand) {
                        Ok(()) => idle = 0,
                        Err(reason) => last.push(reason),
                    }
                }
            }
            self.tick();
            self.deliver(false);
        }
        last
    }
}

fn check(seed: u64, limit: u64, demand: &Demand, kills: bool) {
    let mut world = World::new(seed, limit, 3, 3);
    for _ in 0..600 {
        for _ in 0..world.random.below(40) {
            let (process, vm) = (world.random.below(3) as usize, world.random.below(3) as usize);
            let _ = world.request(process, vm, demand);
        }
        world.tick();
        world.deliver(true);
        if kills && world.random.below(60) == 0 {
            world.kill();
        }
        if world.random.below(200) == 0 {
            // Nobody hears of anybody for longer than leases last.
            (0..650).for_each(|_| world.tick());
        }
    }
    let reasons = world.exhaust(demand);
    for (subject, allowed) in &world.allowed {
        assert!(kills || *allowed + u64::from(demand.cost) > limit, "seed {seed}: {subject}: {allowed} of {limit}");
    }
    if !kills {
        assert!(reasons.iter().all(|it| *it == Reason::QuotaExhausted), "seed {seed}: {reasons:?}");
    }
}

#[test]
fn exactly_the_limit_passes_whatever_happens_to_messages() {
    let both = [Some(organization()), Some(Subject::Key(KeyId::from_bytes([9; 10])))];
    for seed in 0..6 {
        let limit = [50, 1000, 20_000][seed as usize % 3];
        check(seed, limit, &demand([Some(organization()), None], 1), false);
        check(seed, limit, &demand(both, 3), false);
    }
}

#[test]
fn never_more_than_the_limit_passes_whatever_dies() {
    let both = [Some(organization()), Some(Subject::Key(KeyId::from_bytes([9; 10])))];
    for seed in 100..109 {
        let limit = [50, 1000, 20_000][seed as usize % 3];
        check(seed, limit, &demand([Some(organization()), None], 1), true);
        check(seed, limit, &demand(both, 1 + seed as u32 % 5), true);
    }
}

#[test]
fn rates_are_exact_across_vms_and_never_exceeded() {
    for (seed, requests, burst) in [(1, 10, 5), (2, 100, 40), (3, 1000, 1000), (4, 50, 1)] {
        let rate = Rate::new(requests, 1, burst).unwrap();
        let claim = Some(RateClaim { bucket: Bucket::new(Some(organization()), None), rate });
        let demand = Demand { rates: [claim, None, None], ..Demand::default() };
        let mut world = World::new(seed, 1, 1, 4);
        let (mut passed, start) = (Vec::new(), world.clock.get());
        for step in 0..40_000_u64 {
            world.clock.set(start + step * 250_000);
            let vm = world.random.below(4) as usize;
            let (host, limits) = &mut world.processes[0].vms[vm];
            if limits.admit(host, &demand, false).is_ok() {
                passed.push(world.clock.get());
            }
            if step % 400 == 0 {
                for (host, limits) in &mut world.processes[0].vms {
                    let place = Place { boot: None, leads: false, version: 0 };
                    limits.tick(host, &mut Metrics::default(), place, host.clock.get());
                }
            }
        }
        let window = |from: usize, to: usize| passed[to] - passed[from];
        for from in 0..passed.len() {
            for to in [from + burst as usize, from + 2 * burst as usize].into_iter().filter(|to| *to < passed.len()) {
                let most = u64::from(burst) + window(from, to) / rate.interval();
                assert!((to - from) as u64 <= most, "{} in {} ns", to - from + 1, window(from, to));
            }
        }
        let expected = u64::from(burst) + 10 * u64::from(requests);
        let least = expected - u64::from(burst) - expected / 20;
        assert!((least..=expected + 1).contains(&(passed.len() as u64)), "{} of {expected}", passed.len());
    }
}
