//! Life in a process of several VMs: who syncs, what survives a trap, how a change arrives everywhere.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_engine::record::KeyStatus;
use portcullis_host_tests::{Cluster, Module, Outcome, Request, VmId};
use portcullis_testkit::bundle::public_key;

use super::edge::{Edge, READER, configuration, corpus};

const SECOND: Duration = Duration::from_secs(1);

/// The VMs that poll for a manifest right now.
fn pollers(edge: &Edge) -> Vec<VmId> {
    let polls = edge.process.callouts().into_iter().filter(|call| call.line().starts_with("GET /edge/v1/manifest"));
    polls.map(|call| call.vm).collect()
}

fn revoke(edge: &mut Edge, version: u64) {
    edge.publish(version, |corpus| corpus.keys.get_mut(READER).unwrap().status = KeyStatus::Revoked);
}

fn trapping() -> Edge {
    Edge::of(corpus("systemprompt"), Module::trapping().unwrap(), &configuration("")).with_bundle()
}

fn trap(edge: &mut Edge, worker: usize) {
    let request = edge.reading().header("x-portcullis-trap", "1");
    assert_eq!(edge.process.request(worker, request), Outcome::Failed503);
    assert!(edge.process.is_dead(VmId::Worker(worker)));
}

#[test]
fn configuring_takes_no_lease_and_calls_nobody() {
    let edge = Edge::new();
    assert!(edge.process.shared_data().is_empty(), "the canary would have died holding it");
    assert!(edge.process.callouts().is_empty());
}

#[test]
fn one_vm_leads_and_the_others_wait() {
    let mut edge = Edge::new();
    for _ in 0..30 {
        edge.process.tick_all();
        edge.process.advance(Duration::from_millis(100));
        assert_eq!(pollers(&edge).len(), 1);
    }
    edge.with_bundle();
}

#[test]
fn a_bundle_reaches_every_worker() {
    let mut edge = Edge::new();
    assert_eq!(edge.statuses(), [Some(503), Some(503)], "no bundle, no entry");
    edge.publish(1, |_| ());
    edge.process.settle(&edge.plane);
    assert_eq!(edge.statuses(), [Some(200), Some(200)]);
    assert_eq!(edge.metric("bundle.version"), 0, "gauges follow within a second");
    edge.run(SECOND);
    assert_eq!((edge.metric("bundle.version"), edge.metric("sync.errors")), (1, 0));
    let reports = edge.plane.take_reports();
    let mut vms: Vec<_> =
        reports.iter().filter(|report| report["applied_version"] == 1).map(|r| r["vm"].to_string()).collect();
    vms.sort();
    vms.dedup();
    assert_eq!(vms.len(), 3, "each VM says that it enforces the version: {reports:?}");
}

#[test]
fn a_revocation_is_enforced_within_one_tick_of_arriving() {
    let mut edge = Edge::synced();
    assert_eq!(edge.statuses(), [Some(200), Some(200)], "the record is cached now");
    revoke(&mut edge, 2);
    while edge.process.deliver(&edge.plane) {}
    for worker in 0..2 {
        edge.process.tick(VmId::Worker(worker));
    }
    assert_eq!(edge.statuses(), [Some(401), Some(401)]);
}

#[test]
fn only_what_changed_is_fetched() {
    let mut edge = Edge::synced();
    edge.plane.take_asked();
    revoke(&mut edge, 2);
    edge.process.settle(&edge.plane);
    let asked = edge.plane.take_asked();
    let blobs = asked.iter().filter(|line| line.contains("/blobs/")).count();
    assert_eq!(blobs, 1, "one key shard: {asked:?}");
}

#[test]
fn a_dead_leaders_lease_is_taken_over() {
    let mut edge = Edge::of(corpus("systemprompt"), Module::trapping().unwrap(), &configuration(""));
    edge.process.tick(VmId::Worker(0));
    edge.process.tick_all();
    assert_eq!(pollers(&edge), [VmId::Worker(0)]);
    trap(&mut edge, 0);
    edge.process.tick_all();
    assert_eq!(pollers(&edge), [], "its lease has not run out yet");
    edge.process.advance(2 * SECOND);
    edge.process.tick_all();
    assert_eq!(pollers(&edge), [VmId::Main]);
    edge.publish(1, |_| ());
    edge.process.settle(&edge.plane);
    assert_eq!(edge.statuses(), [Some(200), Some(200)]);
}

#[test]
fn a_vm_that_serves_requests_leaves_the_lead_to_one_that_does_not() {
    let mut edge = Edge::new();
    edge.process.tick(VmId::Worker(0));
    edge.publish(1, |_| ());
    edge.process.settle(&edge.plane);
    assert_eq!(pollers(&edge), [VmId::Worker(0)]);
    edge.run(SECOND);
    assert_eq!(pollers(&edge), [VmId::Worker(0)], "nothing waits for it");
    edge.statuses();
    edge.run(Duration::from_millis(300));
    assert_eq!(pollers(&edge).last(), Some(&VmId::Main));
    revoke(&mut edge, 2);
    edge.run(Duration::from_millis(200));
    assert_eq!(edge.statuses(), [Some(401), Some(401)]);
}

#[test]
fn vms_that_all_serve_requests_agree_on_one_that_leads() {
    let mut edge = Edge::new();
    edge.publish(1, |_| ());
    let mut enforced = 0;
    for _ in 0..100 {
        edge.process.advance(Duration::from_millis(100));
        // The main thread's VM is dead.
        (0..2).for_each(|worker| edge.process.tick(VmId::Worker(worker)));
        while edge.process.deliver(&edge.plane) {}
        enforced += usize::from(edge.statuses() == [Some(200), Some(200)]);
    }
    assert!(enforced > 95, "{enforced}");
    edge.process.lose_callouts();
    revoke(&mut edge, 2);
    edge.process.advance(2 * SECOND);
    for _ in 0..400 {
        edge.process.advance(Duration::from_millis(100));
        (0..2).for_each(|worker| edge.process.tick(VmId::Worker(worker)));
        while edge.process.deliver(&edge.plane) {}
    }
    assert_eq!(edge.statuses(), [Some(401), Some(401)]);
}

#[test]
fn a_reloaded_vm_serves_at_once() {
    let mut edge = trapping();
    for cluster in [Cluster::Healthy, Cluster::Empty] {
        edge.process.set_cluster("portcullis_control", cluster);
        edge.process.advance(SECOND);
        trap(&mut edge, 1);
        edge.process.advance(SECOND);
        assert_eq!(edge.statuses(), [Some(200), Some(200)], "from shared memory, without a tick: {cluster:?}");
    }
    assert_eq!(edge.process.reloads().failure, 0);
}

#[test]
fn without_the_control_plane_the_last_bundle_serves_on() {
    let mut edge = Edge::synced();
    for cluster in [None, Some(Cluster::Empty)] {
        match cluster {
            None => edge.process.remove_cluster("portcullis_control"),
            Some(cluster) => edge.process.set_cluster("portcullis_control", cluster),
        }
        for callout in edge.process.callouts() {
            edge.process.answer(&callout, portcullis_host_tests::Answer::Reset);
        }
        edge.run(3 * SECOND);
        assert_eq!(edge.statuses(), [Some(200), Some(200)]);
    }
    assert!(edge.metric("sync.errors") > 0);
    edge.process.set_cluster("portcullis_control", Cluster::Healthy);
    revoke(&mut edge, 2);
    edge.run(3 * SECOND);
    assert_eq!(edge.statuses(), [Some(401), Some(401)], "and the first answer brings it up to date");
}

#[test]
fn a_bundle_that_nobody_vouches_for_grows_stale_and_a_fresh_signature_revives_it() {
    let fresh = |edge: &mut Edge, issued_at: u64| {
        edge.corpus.now = issued_at;
        edge.publish(1, |_| ());
    };
    let configuration = configuration(r#""max_bundle_age_seconds":60"#);
    let mut edge = Edge::of(corpus("systemprompt"), Module::built().unwrap(), &configuration).with_bundle();
    let start = edge.corpus.now;
    edge.run(59 * SECOND);
    assert_eq!(edge.statuses(), [Some(200), Some(200)]);
    edge.run(3 * SECOND);
    assert_eq!(edge.statuses(), [Some(503), Some(503)]);
    fresh(&mut edge, start + 61);
    edge.plane.end_waits(true);
    edge.process.deliver(&edge.plane);
    edge.plane.end_waits(false);
    edge.run(Duration::from_millis(200));
    assert_eq!(edge.statuses(), [Some(200), Some(200)]);
}

#[test]
fn a_listener_update_serves_without_a_gap_and_a_bad_one_is_refused() {
    let mut edge = Edge::synced();
    for bad in [&b""[..], b"{}", b"not JSON", &configuration(r#""surprise":1"#)] {
        assert!(edge.process.update(bad.to_vec()).is_err(), "{}", String::from_utf8_lossy(bad));
    }
    assert_eq!(edge.statuses(), [Some(200), Some(200)], "the old configuration serves");
    edge.process.update(configuration(r#""cache_bytes":65536"#)).unwrap();
    assert_eq!(edge.statuses(), [Some(200), Some(200)], "the new one finds the bundle in shared memory");
    edge.process.drain();
    edge.run(3 * SECOND);
    revoke(&mut edge, 2);
    edge.run(3 * SECOND);
    assert_eq!(edge.statuses(), [Some(401), Some(401)]);
    assert_eq!(pollers(&edge).len(), 1);
}

#[test]
fn a_bundle_in_the_configuration_needs_no_control_plane() {
    let corpus = corpus("systemprompt");
    let bundle = STANDARD.encode(corpus.bundle(1).unwrap().archive());
    let configuration = format!(r#"{{"bundle":"{bundle}","public_keys":["{}"]}}"#, public_key());
    let mut edge = Edge::of(corpus, Module::built().unwrap(), configuration.as_bytes());
    assert_eq!(edge.statuses(), [Some(200), Some(200)], "before any tick");
    edge.run(SECOND);
    assert!(edge.process.shared_data().is_empty() && edge.process.callouts().is_empty());
    assert_eq!(edge.process.request(0, Request::get("/api/v1/skills")).status(), Some(401));
}

#[test]
fn memory_does_not_grow_with_requests() {
    let mut edge = Edge::synced();
    let serve = |edge: &mut Edge| {
        for number in 0..2000 {
            let stranger = format!("sp_live_{number:032}");
            edge.process.request(0, Request::get("/api/v1/skills").bearer(&stranger));
            edge.process.request(0, edge.reading());
        }
        edge.process.memory_bytes(VmId::Worker(0))
    };
    let warm = serve(&mut edge);
    assert_eq!(serve(&mut edge), warm);
    assert!(warm < 16 << 20, "{warm} bytes");
}
