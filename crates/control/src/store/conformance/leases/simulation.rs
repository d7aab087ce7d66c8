//! Processes that spend, lose messages, die and come back, on a database and a clock of the test's.
//!
//! Invariant under test: what was truly spent in a period never exceeds the highest limit it had.

use std::sync::Arc;

use portcullis_api::edge::{GrantState, MeterState};

use super::super::{Fixture, Place};
use super::{NOW, PlanRow, at, organization_id, plan, put, subject, with_plan};
use crate::quota::Period;
use crate::store::{LeaseCall, PostgresStore, SqliteStore, Store, TopUpRow, Write};

const VALID_MS: u64 = 60_000;
const STEPS: usize = 300;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}

/// A process of an edge that keeps to the rules.
#[derive(Clone, Debug, Default)]
struct Process {
    boot: String,
    seq: u64,
    granted: u64,
    spent: u64,
    returned: u64,
    valid_until_ms: u64,
    draining: bool,
}

impl Process {
    fn held(&self) -> u64 {
        self.granted - self.spent - self.returned
    }

    fn spend(&mut self, most: u64, now_ms: u64) -> u64 {
        let spent = if now_ms < self.valid_until_ms { most.min(self.held()) } else { 0 };
        self.spent += spent;
        spent
    }

    fn give_back(&mut self) {
        self.returned += self.held();
    }

    fn call(&mut self, want: u64, now_ms: u64) -> LeaseCall {
        self.seq += 1;
        let subject = subject().to_string();
        let Self { granted, spent, returned, .. } = *self;
        at(
            &self.boot,
            self.seq,
            now_ms,
            MeterState { subject, period: NOW, granted, spent, returned, want, least: 0, revision: 0 },
        )
    }
}

struct World {
    it: Fixture,
    stores: Vec<Arc<dyn Store>>,
    random: Random,
    now_ms: u64,
    alive: Vec<Process>,
    born: u64,
    late: Vec<LeaseCall>,
    truth: u64,
    highest: u64,
    may_die: bool,
}

async fn stores(it: &Fixture) -> Vec<Arc<dyn Store>> {
    match &it.place {
        Place::Sqlite(folder) => {
            vec![Arc::new(SqliteStore::open(&folder.path().join("portcullis.sqlite")).await.unwrap())]
        }
        Place::Postgres(url) => {
            let mut stores: Vec<Arc<dyn Store>> = Vec::new();
            for _ in 0..2 {
                stores.push(Arc::new(PostgresStore::open(url.parse().unwrap()).await.unwrap()));
            }
            stores
        }
    }
}

impl World {
    async fn new(it: Fixture, seed: u64, may_die: bool) -> Self {
        let limit = [7, 100, 3000][usize::try_from(seed % 3).unwrap()];
        with_plan(&*it.store, plan(limit)).await;
        let stores = stores(&it).await;
        let random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (now_ms, alive, late) = (NOW * 1000, Vec::new(), Vec::new());
        let mut world = Self { it, stores, random, now_ms, alive, born: 0, late, truth: 0, highest: limit, may_die };
        (0..3).for_each(|_| world.start());
        world
    }

    fn start(&mut self) {
        self.born += 1;
        self.alive.push(Process { boot: format!("{:016x}", self.born), ..Process::default() });
    }

    /// Delivers a call to some replica.
    async fn deliver(&mut self, call: &LeaseCall) -> crate::store::LeaseOutcome {
        let replica = usize::try_from(self.random.below(self.stores.len() as u64)).unwrap();
        let call = LeaseCall { now_ms: self.now_ms, ..call.clone() };
        self.stores[replica].close_boots(self.now_ms).await.unwrap();
        self.stores[replica].lease(&call).await.unwrap()
    }

    /// One call of one process; messages get lost, doubled or late on either way.
    async fn exchange(&mut self, index: usize, want: u64, road: u64) -> Option<GrantState> {
        let call = self.alive[index].call(want, self.now_ms);
        let sent_ms = self.now_ms;
        if road < 2 {
            self.late.push(call.clone());
        }
        if road == 0 {
            return None;
        }
        let outcome = self.deliver(&call).await;
        if road == 3 {
            return None;
        }
        let process = &mut self.alive[index];
        process.valid_until_ms = sent_ms + VALID_MS;
        process.draining = outcome.drain;
        let grant = outcome.grants.first();
        process.granted = grant.map_or(process.granted, |it| it.granted.max(process.granted));
        if outcome.drain || outcome.recall.contains(&subject().to_string()) {
            process.give_back();
        }
        grant.map(|it| it.state)
    }

    async fn step(&mut self) {
        self.now_ms += self.random.below(1500);
        let index = usize::try_from(self.random.below(self.alive.len() as u64)).unwrap();
        match self.random.below(100) {
            0..45 => {
                let most = self.random.below(40);
                self.truth += self.alive[index].spend(most, self.now_ms);
            }
            45..80 => {
                let (want, road) = (self.random.below(80), self.random.below(12));
                self.exchange(index, want, road).await;
            }
            80..85 => self.alive[index].give_back(),
            85..90 if !self.late.is_empty() => {
                let late = usize::try_from(self.random.below(self.late.len() as u64)).unwrap();
                let call = self.late.swap_remove(late);
                self.deliver(&call).await;
            }
            90..92 if self.may_die => {
                self.alive.swap_remove(index);
                self.start();
            }
            92 => self.now_ms += self.random.below(100_000),
            93..95 if self.alive.len() < 6 => self.start(),
            95 => self.stores = stores(&self.it).await,
            96 => self.top_up().await,
            97 => self.edit().await,
            98 => drop(self.it.store.drain("e", self.now_ms, self.now_ms + 5_000).await.unwrap()),
            _ => {}
        }
        assert!(self.truth <= self.highest, "spent {} of {}", self.truth, self.highest);
    }

    async fn top_up(&mut self) {
        let (period, tokens) = (Period { start: NOW, end: NOW + 30 * 86_400 }, 1 + self.random.below(20));
        let row = TopUpRow { organization: organization_id(1), period, tokens, note: String::new(), created_at: NOW };
        put(&*self.it.store, Write::TopUp(row)).await;
        self.highest = self.highest.max(self.limit().await);
    }

    async fn edit(&mut self) {
        let row = self.it.store.plan("plan").await.unwrap().unwrap();
        let limit = row.limit.unwrap_or(0) / 2 + self.random.below(100);
        put(&*self.it.store, Write::ReplacePlan(PlanRow { limit: Some(limit), ..row })).await;
        self.highest = self.highest.max(self.limit().await);
    }

    async fn limit(&self) -> u64 {
        let (metered, meter) = self.it.store.meter(subject(), NOW).await.unwrap();
        metered.unwrap().limit + meter.map_or(0, |it| it.topped_up)
    }

    /// Everybody gives back what they hold, and one goes on until nothing is left.
    async fn finish(&mut self) {
        self.now_ms += 700_000;
        // Twice: some learn only now what they were granted.
        for index in (0..self.alive.len()).chain(0..self.alive.len()) {
            self.alive[index].give_back();
            self.exchange(index, 0, 9).await;
        }
        self.start();
        let last = self.alive.len() - 1;
        for _ in 0..100_000 {
            let state = self.exchange(last, 50, 9).await;
            self.truth += self.alive[last].spend(u64::MAX, self.now_ms);
            if state == Some(GrantState::Exhausted) {
                break;
            }
            self.now_ms += 50;
        }
        self.exchange(last, 0, 9).await;
        self.it.check_sums().await;
        let sums = self.it.store.meter(subject(), NOW).await.unwrap().1.unwrap().sums;
        let limit = self.limit().await;
        assert!(self.truth <= sums.used() && sums.charged <= self.highest, "{} of {sums:?}", self.truth);
        assert!(sums.charged >= limit, "all of {limit} was given out: {sums:?}");
        if !self.may_die {
            assert_eq!((sums.spent, sums.in_doubt), (self.truth, 0), "to the last one");
        }
    }
}

async fn check(it: Fixture, may_die: bool) {
    for seed in 0..6 {
        let mut world = World::new(it.again().await, seed, may_die).await;
        for _ in 0..STEPS {
            world.step().await;
        }
        world.it.check_sums().await;
        world.finish().await;
    }
}

pub(in super::super) async fn limits_hold_whatever_happens(it: Fixture) {
    check(it, false).await;
}

pub(in super::super) async fn limits_hold_whoever_dies(it: Fixture) {
    check(it, true).await;
}
