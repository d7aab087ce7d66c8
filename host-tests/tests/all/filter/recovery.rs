//! What becomes of an edge when things between it and the control plane, its clock or its shared memory go wrong: it
//! keeps its answers, tries again at a bearable pace, and needs nobody's help.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use portcullis_bundle::Blob;
use portcullis_engine::OrganizationState;
use portcullis_engine::record::KeyStatus;
use portcullis_host_tests::{Answer, Callout, Cluster, Module, Request, VmId};
use portcullis_testkit::TestBundle;
use portcullis_testkit::bundle::signing_key;

use super::edge::{Edge, READER, configuration, corpus};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn set(edge: &mut Edge, version: u64, alias: &str, status: KeyStatus) -> TestBundle {
    edge.publish(version, |corpus| corpus.keys.get_mut(alias).unwrap().status = status)
}

fn revoke(edge: &mut Edge, version: u64) -> TestBundle {
    set(edge, version, READER, KeyStatus::Revoked)
}

fn asked(edge: &Edge, what: &str) -> usize {
    edge.plane.take_asked().iter().filter(|line| line.contains(what)).count()
}

/// Ends the waiting poll with whatever the control plane has.
fn end_wait(edge: &mut Edge) {
    edge.plane.end_waits(true);
    edge.process.deliver(&edge.plane);
    edge.plane.end_waits(false);
}

fn gone() -> Answer {
    Answer::Response { status: 404, headers: vec![], body: vec![] }
}

fn errors(edge: &Edge) -> String {
    let reports = edge.plane.take_reports();
    reports.iter().map(|report| report["errors"].to_string()).collect()
}

#[test]
fn a_good_manifest_with_a_bad_blob_is_retried_ever_more_slowly() {
    let mut edge = Edge::synced();
    revoke(&mut edge, 2);
    edge.plane.lie(|call, answer| if call.line().contains("/blobs/") { gone() } else { answer });
    edge.run(2 * SECOND);
    edge.plane.take_asked();
    edge.run(10 * SECOND);
    let polls = asked(&edge, "/manifest");
    assert!((5..=20).contains(&polls), "{polls} polls in 10 s; each waits between half a second and a second");
}

/// The bundle as a control plane of a later version would write it: restrictions that this filter cannot read.
fn from_the_future(bundle: &TestBundle) -> TestBundle {
    let mut bundle = bundle.clone();
    let shard = bundle.blobs.last().unwrap();
    let mut bytes = shard.bytes().to_vec();
    let (mut at, mut spoilt) = (0, 0);
    while let Some(found) = bytes[at..].windows(2).position(|pair| pair == b"{\"") {
        bytes[at + found] = b'!';
        (at, spoilt) = (at + found + 1, spoilt + 1);
    }
    assert!(spoilt > 0, "no restrictions in the last shard");
    let shard = Blob::new(bytes);
    *bundle.manifest.keys.last_mut().unwrap() = shard.to_ref();
    *bundle.blobs.last_mut().unwrap() = shard;
    bundle.signed = signing_key().sign(&bundle.manifest).unwrap();
    bundle
}

#[test]
fn a_record_that_cannot_be_read_is_refused_and_nothing_is_fetched_again() {
    let mut edge = Edge::of(corpus("payments"), Module::built().unwrap(), &configuration(""));
    let bundle = from_the_future(&edge.corpus.bundle(1).unwrap());
    edge.plane.publish(&bundle);
    edge.process.settle(&edge.plane);
    edge.plane.take_asked();
    let office = Request::get("/v1/products").bearer(&edge.key("office")).from("127.0.1.5".parse().unwrap());
    for _ in 0..20 {
        let outcome = edge.process.request(0, office.clone());
        assert_eq!((outcome.status(), outcome.details()), (Some(503), "portcullis.store_unavailable"));
        edge.run(SECOND);
        end_wait(&mut edge);
    }
    assert_eq!(asked(&edge, "/blobs/"), 0);
}

fn lose_keys(edge: &mut Edge) {
    let names: Vec<_> = edge.process.shared_data().into_keys().collect();
    for name in names.iter().filter(|name| name.windows(5).any(|part| part == b".key.")) {
        edge.process.set_shared_data(name, b"");
    }
}

#[test]
fn a_missing_part_is_fetched_again_at_once_and_not_for_ever() {
    let mut edge = Edge::synced();
    edge.plane.take_asked();
    lose_keys(&mut edge);
    assert_eq!(edge.statuses(), [Some(503), Some(503)], "unavailable, never unknown");
    edge.run(Duration::from_millis(300));
    assert_eq!(edge.statuses(), [Some(200), Some(200)], "the poll that waits is not waited for");
    let blobs = edge.corpus.bundle(1).unwrap().blobs.len();
    assert_eq!(asked(&edge, "/blobs/"), blobs, "each once");
    set(&mut edge, 2, "writer", KeyStatus::Disabled);
    edge.run(SECOND);
    edge.plane.take_asked();
    for _ in 0..60 {
        // Whatever loses parts goes on doing so, before anybody has read them.
        lose_keys(&mut edge);
        assert_eq!(edge.statuses(), [Some(503), Some(503)]);
        end_wait(&mut edge);
        edge.run(SECOND);
    }
    let forced = asked(&edge, "/blobs/") / blobs;
    assert!((2..=4).contains(&forced), "{forced} times in a minute");
    set(&mut edge, 3, "writer", KeyStatus::Active);
    edge.run(SECOND);
    lose_keys(&mut edge);
    edge.statuses();
    edge.run(11 * SECOND);
    assert_eq!(edge.statuses(), [Some(200), Some(200)], "a new version starts afresh");
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let mut edge = Edge::synced();
    edge.run(SECOND);
    edge.process.set_cluster("portcullis_control", Cluster::Empty);
    for callout in edge.process.callouts() {
        edge.process.answer(&callout, Answer::Reset);
    }
    edge.run(SECOND);
    edge.process.set_cluster("portcullis_control", Cluster::Healthy);
    edge.process.rewind(HOUR);
    edge.plane.take_reports();
    revoke(&mut edge, 2);
    edge.run(3 * SECOND);
    assert_eq!(edge.statuses(), [Some(401), Some(401)]);
    assert_eq!(edge.metric("bundle.version"), 2, "gauges");
    assert!(edge.metric("heartbeat") * 1_000_000_000 <= edge.process.now(), "gauges");
    edge.run(3 * SECOND);
    assert!(!edge.plane.take_reports().is_empty(), "reports");
}

#[test]
fn other_content_under_the_same_version_is_taken_only_if_it_is_newer() {
    // (why, seconds by which the new manifest is newer, statuses)
    for (why, newer, expected) in [("newer", 1, 401), ("as old", 0, 200), ("older", -1, 200)] {
        let mut edge = Edge::synced();
        edge.corpus.now = edge.corpus.now.saturating_add_signed(newer);
        revoke(&mut edge, 1);
        end_wait(&mut edge);
        edge.run(SECOND);
        assert_eq!(edge.statuses(), [Some(expected), Some(expected)], "{why}");
        edge.run(5 * SECOND);
        let errors = errors(&edge);
        assert!(errors.contains("version 1") && errors.contains("other content"), "{why}: {errors}");
    }
}

#[test]
fn a_suspended_organization_under_the_same_version_is_noticed() {
    let mut edge = Edge::synced();
    assert_eq!(edge.statuses(), [Some(200), Some(200)]);
    edge.corpus.now += 1;
    edge.publish(1, suspend);
    end_wait(&mut edge);
    edge.run(SECOND);
    assert_eq!(edge.statuses(), [Some(403), Some(403)]);
}

fn suspend(corpus: &mut portcullis_testkit::Corpus) {
    corpus.organizations.values_mut().for_each(|it| it.state = OrganizationState::Suspended);
}

#[test]
fn an_answer_that_never_comes_is_given_up() {
    let mut edge = Edge::new();
    edge.process.tick_all();
    edge.process.lose_callouts();
    edge.publish(1, |_| ());
    edge.run(45 * SECOND);
    assert_eq!(edge.statuses(), [Some(200), Some(200)], "a poll's");
    revoke(&mut edge, 2);
    edge.process.deliver(&edge.plane);
    edge.process.lose_callouts();
    edge.run(20 * SECOND);
    assert_eq!(edge.statuses(), [Some(401), Some(401)], "a blob's");
}

/// A control plane that is written to all the time: each manifest's key shard is gone by the time it is asked for.
#[test]
fn parts_that_arrived_are_kept_when_the_version_they_came_with_is_gone() {
    let mut edge = Edge::new();
    let lines = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&lines);
    let old = edge.publish(1, |_| ());
    let shard = old.manifest.keys.last().unwrap().digest.to_string();
    edge.plane.lie(move |call: &Callout, answer| {
        seen.borrow_mut().push(call.line());
        if call.line().ends_with(&shard) { gone() } else { answer }
    });
    edge.process.tick(VmId::Main);
    edge.process.deliver(&edge.plane);
    edge.process.deliver(&edge.plane);
    revoke(&mut edge, 2);
    edge.run(SECOND);
    assert_eq!(edge.statuses(), [Some(401), Some(401)]);
    let fetches = |digest: String| lines.borrow().iter().filter(|line| line.ends_with(&digest)).count();
    assert_eq!(fetches(old.manifest.policy.digest.to_string()), 1, "the policy");
    assert_eq!(fetches(old.manifest.organizations.last().unwrap().digest.to_string()), 1, "the organisations");
}

/// Both slots of a part are rewritten while a worker still goes by the header of the version before.
#[test]
fn a_good_key_passes_when_two_versions_go_live_within_one_tick() {
    for versions in [2, 3, 4] {
        let mut edge = Edge::synced();
        for version in 2..2 + versions {
            let others = edge.corpus.keys.keys().filter(|alias| alias.as_str() != READER).cloned();
            let other = others.collect::<Vec<_>>()[usize::try_from(version).unwrap() % 2].clone();
            set(&mut edge, version, &other, KeyStatus::Disabled);
            while edge.process.deliver(&edge.plane) {}
        }
        assert_eq!(edge.statuses(), [Some(200), Some(200)], "{versions} versions");
    }
}

/// The same for what stands beside the keys.
#[test]
fn a_suspension_two_versions_ago_is_a_denial_and_not_an_outage() {
    let mut edge = Edge::synced();
    for version in 2..4 {
        let all = edge.corpus.organizations.len();
        edge.publish(version, |corpus| {
            corpus.organizations.values_mut().take(all).for_each(|it| {
                it.state = match version {
                    2 => OrganizationState::QuotaExhausted { until: u64::from(u32::MAX) },
                    _ => OrganizationState::Suspended,
                };
            });
        });
        while edge.process.deliver(&edge.plane) {}
    }
    assert_eq!(edge.statuses(), [Some(403), Some(403)]);
}
