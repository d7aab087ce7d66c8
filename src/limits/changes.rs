//! What limits do when the clock steps, a rate changes, or an answer is older than it looks.

use portcullis_engine::limit::RateClaim;
use portcullis_engine::{Bucket, Demand, Rate, Reason};
use serde_json::{Value, json};

use super::simulation::{PERIOD, START, World, demand, organization};
use crate::metrics::Metrics;
use crate::timer::SECOND;

fn one_quota() -> Demand {
    demand([Some(organization()), None], 1)
}

fn ticks(world: &mut World, count: usize) {
    for _ in 0..count {
        world.tick();
        world.deliver(false);
    }
}

#[test]
fn a_clock_that_steps_over_the_end_of_a_period_and_back_grants_nothing_twice() {
    for (ahead, spent) in [(PERIOD + 300, 400), (PERIOD + 300, 1000), (10 * PERIOD, 700), (200, 400)] {
        let mut world = World::new(1, 1000, 1, 2);
        ticks(&mut world, 30);
        let mut passed = 0;
        while passed < spent {
            passed += u64::from(world.request(0, (passed % 2) as usize, &one_quota()).is_ok());
            ticks(&mut world, 1);
        }
        ticks(&mut world, 20);
        let then = world.clock.get();
        world.clock.set(then + ahead * SECOND);
        // Nobody answers meanwhile: the ledger knows this period alone.
        (0..30).for_each(|_| world.tick());
        world.clock.set(then);
        ticks(&mut world, 100);
        // It asserts at each request that no more passes than the limit.
        world.exhaust(&one_quota());
    }
}

/// Asks for one slot of one bucket at a rate; for how long there is none.
fn ask(world: &mut World, rate: Rate) -> Result<(), u64> {
    let bucket = Bucket::new(Some(organization()), None);
    let demand = Demand { rates: [Some(RateClaim { bucket, rate }), None, None], ..Demand::default() };
    let (host, limits) = &mut world.processes[0].vms[0];
    limits.admit(host, &demand, false).map(|_| ()).map_err(|refusal| refusal.retry_after)
}

#[test]
fn another_rate_and_a_clock_set_back_count_from_an_empty_bucket() {
    let rate = |requests, seconds, burst| Rate::new(requests, seconds, burst).unwrap();
    let daily = rate(1000, 86_400, 1000);
    for (before, after, back, wait) in [
        (daily, rate(100, 1, 100), 0, 1),
        (daily, rate(1, 60, 1), 0, 60),
        (rate(100, 1, 100), rate(100, 1, 100), 3600, 1),
        (rate(1, 60, 5), rate(1, 60, 5), 86_400, 60),
    ] {
        let mut world = World::new(1, 1, 1, 1);
        while ask(&mut world, before).is_ok() {}
        world.clock.set(world.clock.get() - back * SECOND);
        let what = format!("{before:?}, then {after:?}, {back} s back");
        assert_eq!(ask(&mut world, after), Err(wait), "{what}");
        world.clock.set(world.clock.get() + wait * SECOND);
        assert_eq!(ask(&mut world, after), Ok(()), "{what}");
        let burst = (0..2 * after.burst()).filter(|_| ask(&mut world, after).is_ok()).count();
        assert!(burst <= after.requests() as usize, "{what}: {burst}");
    }
}

/// Answers the oldest call that waits.
fn answer(world: &mut World, token: u32, body: &Value) {
    let (host, limits) = &mut world.processes[0].vms[0];
    *host.answer.borrow_mut() = (200, serde_json::to_vec(body).unwrap());
    let now = host.clock.get();
    limits.answered(host, &mut Metrics::default(), token, 1, 1, now);
}

/// The tokens of the calls that wait, oldest first.
fn waiting(world: &mut World) -> Vec<u32> {
    let calls = world.processes[0].vms[0].0.calls.borrow_mut().split_off(0);
    calls.into_iter().map(|(token, ..)| token).collect()
}

#[test]
fn who_is_not_counted_is_so_for_as_long_as_that_is_known() {
    let nobody = json!({ "valid_seconds": 60, "unmetered": [organization().to_string()] });
    let granted = json!({ "valid_seconds": 60, "grants": [{ "subject": organization().to_string(), "period": START,
        "ends": START + PERIOD, "granted": 5, "limit": 5, "remaining": 5, "state": "granted" }] });
    let unavailable = Err(Reason::QuotaUnavailable);
    let mut world = World::new(1, 5, 1, 1);
    world.tick();
    assert_eq!(world.request(0, 0, &one_quota()), unavailable, "nothing is known");
    let first = waiting(&mut world);
    answer(&mut world, first[0], &nobody);
    for _ in 0..5 {
        assert_eq!(world.request(0, 0, &demand([Some(organization()), None], 0)), Ok(()), "nobody counts");
    }
    world.clock.set(world.clock.get() + 61 * SECOND);
    assert_eq!(world.request(0, 0, &one_quota()), unavailable, "that was long ago");
    let older = waiting(&mut world);
    world.clock.set(world.clock.get() + SECOND);
    assert_eq!(world.request(0, 0, &one_quota()), unavailable);
    let newer = waiting(&mut world);
    answer(&mut world, newer[0], &granted);
    answer(&mut world, older[0], &nobody);
    let passed = (0..10).filter(|_| world.request(0, 0, &one_quota()).is_ok()).count();
    assert_eq!(passed, 5, "the later call's answer counts");
}

#[test]
fn the_last_tokens_are_waited_for_and_not_a_control_plane_that_answers() {
    for (remaining, seconds, expected) in [
        (1000, 1, Reason::QuotaUnavailable),
        (101, 1, Reason::QuotaUnavailable),
        (100, 1, Reason::QuotaExhausted),
        (0, 2, Reason::QuotaExhausted),
        (0, 3, Reason::QuotaUnavailable),
    ] {
        let mut world = World::new(1, 1000, 1, 1);
        world.tick();
        let _ = world.request(0, 0, &one_quota());
        let call = waiting(&mut world);
        let granted = json!({ "valid_seconds": 60, "grants": [{ "subject": organization().to_string(),
            "period": START, "ends": START + PERIOD, "granted": 3, "limit": 1000, "remaining": remaining,
            "state": "granted" }] });
        answer(&mut world, call[0], &granted);
        let passed = (0..3).filter(|_| world.request(0, 0, &one_quota()).is_ok()).count();
        world.clock.set(world.clock.get() + seconds * SECOND);
        let refused = world.request(0, 0, &one_quota());
        assert_eq!((passed, refused), (3, Err(expected)), "{remaining} left, {seconds} s ago");
    }
}

/// A second in which a hundred ask; tells whether all passed.
fn second(world: &mut World, is_heard: bool) -> bool {
    let mut passed = 0;
    for _ in 0..10 {
        passed += (0..10).filter(|it| world.request(0, it % 2, &one_quota()).is_ok()).count();
        world.tick();
        if is_heard {
            world.deliver(false);
        }
    }
    passed == 100
}

#[test]
fn whenever_the_control_plane_falls_silent_demand_is_served_for_a_minute() {
    for before in (7..100).step_by(3) {
        let mut world = World::new(1, 10_000_000, 1, 2);
        for _ in 0..before {
            second(&mut world, true);
        }
        let served = (0..90).take_while(|_| second(&mut world, false)).count();
        assert!((57..=60).contains(&served), "after {before} s: {served} s");
    }
}
