//! Rate limits divided among workers: whoever reserves how many slots and when, no window holds more than the limit.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use portcullis_engine::Rate;
use portcullis_engine::limit::{HEARD_NANOS, Hold, Level};

const RUNS: u64 = 4_000;
const STEPS: usize = 400;
const SECOND: u64 = 1_000_000_000;

/// Numbers that look random and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }

    fn rate(&mut self) -> Rate {
        let (requests, seconds) = (1 + self.below(20), 1 + self.below(5));
        let most = if self.below(2) == 0 { 4 } else { 60 };
        let burst = 1 + self.below(most);
        let narrow = |number: u64| u32::try_from(number).unwrap();
        Rate::new(narrow(requests), narrow(seconds), narrow(burst)).unwrap()
    }

    /// Nothing, less than a slot, some slots, or long enough for the bucket to fill.
    fn pause(&mut self, rate: &Rate) -> u64 {
        match self.below(8) {
            0..4 => 0,
            4 | 5 => self.below(rate.interval()),
            6 => self.below(rate.interval() * 5),
            _ => self.below(rate.interval() * 3 * u64::from(rate.burst())),
        }
    }
}

/// One bucket and what workers hold of it.
struct Shared {
    rate: Rate,
    level: Level,
    holds: Vec<Hold>,
    deaths: Vec<u64>,
}

impl Shared {
    fn new(rate: Rate, workers: usize) -> Self {
        Self { rate, level: Level::default(), holds: vec![Hold::default(); workers], deaths: Vec::new() }
    }

    /// Takes one that is held, or as many as are wanted first.
    fn take(&mut self, worker: usize, wanted: u16, now: u64) -> bool {
        let heard = self.deaths.iter().filter(|died| now - **died >= HEARD_NANOS).count();
        if !self.holds[worker].is_of(u32::try_from(heard).unwrap()) {
            self.holds[worker] = Hold::default();
        }
        if self.holds[worker].take(&self.rate, now) {
            return true;
        }
        self.settle(worker, now);
        let taken = self.level.take(&self.rate, wanted, now);
        self.holds[worker] = taken.unwrap_or_default();
        taken.is_ok()
    }

    fn settle(&mut self, worker: usize, now: u64) {
        self.level.enter(&self.rate, u32::try_from(self.deaths.len()).unwrap(), now);
        let hold = std::mem::take(&mut self.holds[worker]);
        self.level.settle(&self.rate, &hold);
    }

    /// How many pass at once when everybody rested.
    fn rested(&mut self, now: u64) -> u32 {
        let rest = HEARD_NANOS + self.rate.interval() * u64::from(2 * self.rate.burst());
        for times in [1, 2] {
            (0..self.holds.len()).for_each(|worker| self.settle(worker, now + times * rest));
        }
        (0..2 * self.rate.burst()).filter(|_| self.take(0, 1, now + 3 * rest)).count().try_into().unwrap()
    }

    /// A worker dies, and what it held with it; those who live go on until they hear of it.
    fn die(&mut self, worker: usize, now: u64) {
        self.holds[worker] = Hold::default();
        self.deaths.push(now);
    }
}

/// In every window from one request to a later one there are at most the burst and what came in since.
#[track_caller]
fn check(rate: &Rate, passed: &[u64], run: u64) {
    for (index, from) in passed.iter().enumerate() {
        for (count, to) in passed[index..].iter().enumerate() {
            let most = u64::from(rate.burst()) + (to - from) / rate.interval();
            assert!((count as u64) < most, "run {run}: {} in {} ns of {rate:?}", count + 1, to - from);
        }
    }
}

#[test]
fn no_window_holds_more_than_the_limit() {
    let (mut all, mut longest) = (0, 0);
    for run in 0..RUNS {
        let mut draw = Draw(run);
        let rate = draw.rate();
        let workers = 1 + usize::try_from(draw.below(6)).unwrap();
        let (mut shared, mut now, mut passed) = (Shared::new(rate, workers), 1000 * SECOND, Vec::new());
        for _ in 0..STEPS {
            now += draw.pause(&rate);
            let worker = usize::try_from(draw.below(workers as u64)).unwrap();
            let wanted = 1 + u16::try_from(draw.below(8)).unwrap();
            match draw.below(40) {
                0 => shared.die(worker, now),
                1..4 => shared.settle(worker, now),
                // Another limit refused it.
                4..8 if shared.take(worker, wanted, now) => shared.holds[worker].put_back(&rate),
                _ if shared.take(worker, wanted, now) => passed.push(now),
                _ => {}
            }
        }
        check(&rate, &passed, run);
        assert_eq!(shared.rested(now), rate.burst(), "run {run}: nothing is kept back for ever");
        all += passed.len();
        longest = longest.max(passed.len());
    }
    assert!(all > 100_000 && longest > 300, "{all} requests passed in all: the test tries too little");
}

/// The leaky bucket of ITU-T I.371, which is equivalent to virtual scheduling: a level that drains at the rate.
struct LeakyBucket {
    rate: Rate,
    level: u64,
    last: u64,
}

impl LeakyBucket {
    fn take(&mut self, now: u64) -> bool {
        let level = self.level.saturating_sub(now - self.last);
        let passes = level <= self.rate.interval() * u64::from(self.rate.burst() - 1);
        if passes {
            (self.level, self.last) = (level + self.rate.interval(), now);
        }
        passes
    }
}

#[test]
fn slots_taken_one_by_one_are_plain_gcra() {
    let (mut passed, mut refused) = (0, 0);
    for run in 0..RUNS {
        let mut draw = Draw(run);
        let rate = draw.rate();
        let mut plain = LeakyBucket { rate, level: 0, last: 0 };
        let (mut shared, mut now) = (Shared::new(rate, 3), 1000 * SECOND);
        for step in 0..STEPS {
            now += draw.pause(&rate);
            let expected = plain.take(now);
            assert_eq!(shared.take(step % 3, 1, now), expected, "run {run}, step {step}");
            if expected { passed += 1 } else { refused += 1 }
        }
    }
    assert!(passed > 100_000 && refused > 100_000, "{passed} passed, {refused} did not: the test tries too little");
}
