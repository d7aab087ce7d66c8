//! What it costs to ask limits, and to refuse by one.

use portcullis_engine::spec::{LimitsSpec, RateSpec};
use portcullis_host_tests::Request;

use super::super::edge::{Edge, READER};
use super::super::limits::{metered, rated, serve};
use super::fuel::Meter;

/// Some of them ask shared memory.
const REQUESTS: u64 = 320;

#[test]
fn what_a_limited_request_costs() {
    let mut meter = Meter::of("limits");
    let mut quota = metered(1_000_000, |_| ());
    serve(&mut quota, 400);
    meter.read("a quota", mean("a quota", &mut quota, 200));
    let mut both = metered(1_000_000, |edge| {
        let rate = Some(RateSpec { requests: 100_000, seconds: 1, burst: 100_000 });
        let limits = LimitsSpec { rate, ..LimitsSpec::default() };
        edge.corpus.keys.get_mut(READER).unwrap().restrictions.limits = Some(limits);
    });
    serve(&mut both, 400);
    meter.read("a quota and a rate", mean("a quota and a rate", &mut both, 200));
    let mut spent = rated(1, 1);
    while spent.process.request(0, spent.reading()).status() != Some(429) {}
    meter.read("a rate that is used up", mean("a rate that is used up", &mut spent, 429));
    meter.hold();
}

/// Instructions of a request that gets this answer, in the mean; at most one call for shared memory each.
#[track_caller]
fn mean(what: &str, edge: &mut Edge, status: u32) -> u64 {
    let (mut fuel, mut calls) = (0, 0);
    for _ in 0..REQUESTS {
        let request: Request = edge.reading();
        assert_eq!(edge.process.request(0, request).status(), Some(status), "{what}");
        let exchange = edge.process.exchange(0);
        fuel += exchange.fuel;
        calls += exchange.host_calls.iter().filter(|(name, _)| name.contains("shared")).map(|(_, n)| n).sum::<u64>();
    }
    println!(
        "{what}: {} instructions, {} shared memory calls in 100 requests",
        fuel / REQUESTS,
        calls * 100 / REQUESTS
    );
    assert!(calls <= REQUESTS, "{what}: {calls} calls");
    fuel / REQUESTS
}
