//! How long one callback takes while a big bundle is applied, in instructions: nothing else of its thread goes on
//! meanwhile. On workers these are requests; on the main thread, where a version is verified and written, none.
//!
//! A million keys are 512 shards of 32 buckets. Here they are divided so, and there are fewer of them. Ceilings are some way
//! above what the current compiler needs; the tests print what they found.

use std::time::Duration;

use portcullis_engine::record::KeyStatus;
use portcullis_host_tests::VmId;
use portcullis_testkit::Corpus;

use super::edge::Edge;

const MILLION: usize = 1_000_000;
/// Most of it is the signature and SHA-256 of a whole shard, or reading a manifest that names 512.
const MAIN: u64 = 12_000_000;
/// Reading the header with the places of 512 shards: a millisecond or two.
const WORKER: u64 = 3_000_000;

fn publish(edge: &mut Edge, version: u64, keys: usize, change: impl FnOnce(&mut Corpus)) {
    change(&mut edge.corpus);
    let bundle = edge.corpus.bundle_as_of_many(version, keys).unwrap();
    edge.plane.publish(&bundle);
}

/// Instructions of the longest callback on the main thread, and on workers.
fn longest(edge: &mut Edge) -> (u64, u64) {
    let main = edge.process.take_longest(VmId::Main);
    let workers = [0, 1].map(|worker| edge.process.take_longest(VmId::Worker(worker)));
    (main, workers.into_iter().max().unwrap_or_default())
}

#[track_caller]
fn check(why: &str, edge: &mut Edge, times: u64) {
    let (main, worker) = longest(edge);
    println!("{why}: {main} instructions at most on the main thread, {worker} on a worker");
    assert!(main <= times * MAIN, "{why}: {main} instructions on the main thread");
    assert!(worker <= times * WORKER, "{why}: {worker} instructions on a worker");
}

#[test]
fn no_callback_takes_long_because_there_are_a_million_keys() {
    let mut edge = Edge::new().with_more_keys(6000);
    publish(&mut edge, 1, MILLION, |_| ());
    longest(&mut edge);
    edge.run(Duration::from_secs(1));
    assert_eq!(edge.statuses(), [Some(200), Some(200)]);
    check("the first version", &mut edge, 1);
    publish(&mut edge, 2, MILLION, |corpus| {
        corpus.keys.get_mut("other-1").unwrap().status = KeyStatus::Revoked;
    });
    edge.run(Duration::from_secs(3));
    check("a revocation", &mut edge, 1);
    edge.plane.take_asked();
    publish(&mut edge, 3, MILLION, |corpus| {
        corpus.keys.values_mut().for_each(|key| key.scopes = vec!["skills:read".to_owned(), "mcp:read".to_owned()]);
    });
    edge.run(Duration::from_secs(8));
    let fetched = edge.plane.take_asked().iter().filter(|line| line.contains("/blobs/")).count();
    assert!(fetched > 500, "{fetched} shards changed");
    check("everything replaced", &mut edge, 1);
    assert_eq!(standing_keys(&edge), 16_384, "and what was replaced is gone");
    publish(&mut edge, 4, 2 * MILLION, |_| ());
    edge.run(Duration::from_secs(8));
    check("divided anew", &mut edge, 2);
    assert_eq!(standing_keys(&edge), 32_768);
    assert_eq!(edge.statuses(), [Some(200), Some(200)]);
}

/// Buckets in shared memory that have something in them.
fn standing_keys(edge: &Edge) -> usize {
    let shared = edge.process.shared_data();
    shared.iter().filter(|(name, value)| !value.is_empty() && name.windows(5).any(|part| part == b".key.")).count()
}

#[test]
fn a_shard_of_many_keys_is_verified_and_written_in_moments() {
    let mut edge = Edge::new().with_more_keys(2000);
    edge.publish(1, |_| ());
    longest(&mut edge);
    edge.run(Duration::from_secs(1));
    assert_eq!(edge.statuses(), [Some(200), Some(200)]);
    check("a shard of 2,000 keys", &mut edge, 1);
}
