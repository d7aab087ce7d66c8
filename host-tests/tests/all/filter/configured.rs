//! What a plugin's configuration means: what an update keeps, whom it trusts, how old a bundle may be.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_bundle::SigningKey;
use portcullis_engine::record::KeyStatus;
use portcullis_engine::spec::ErrorFormat;
use portcullis_host_tests::{Module, Process};
use portcullis_testkit::bundle::public_key;

use super::edge::{Edge, READER, TOKEN, configuration, corpus};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const OTHER_TOKEN: &str = "pce_zyxwvtsrqpnmkjhgfedcba9876";

fn changed(from: &str, to: &str) -> Vec<u8> {
    String::from_utf8(configuration("")).unwrap().replace(from, to).into_bytes()
}

fn stranger() -> String {
    SigningKey::from_seed([7; 32]).public_key().to_string()
}

fn limited() -> Edge {
    Edge::of(corpus("systemprompt"), Module::built().unwrap(), &configuration(r#""max_bundle_age_seconds":60"#))
}

#[test]
fn a_rotated_token_or_a_new_name_keeps_the_bundle() {
    for (why, from, to) in [("token", TOKEN, OTHER_TOKEN), ("name", "edge-1", "edge-2")] {
        let mut edge = Edge::synced();
        // What each plugin tells of itself apart.
        let own = |name: &[u8]| [&b".alive."[..], b".usage."].iter().any(|it| name.windows(7).any(|part| part == *it));
        let stored = |edge: &Edge| edge.process.shared_data().into_keys().filter(|name| !own(name)).count();
        edge.run(SECOND);
        let before = stored(&edge);
        edge.process.update(changed(from, to)).unwrap();
        assert_eq!(edge.statuses(), [Some(200), Some(200)], "{why}");
        edge.run(SECOND);
        assert_eq!(stored(&edge), before, "{why}: nothing is stored twice");
    }
}

#[test]
fn a_leader_whose_token_no_longer_counts_leaves_the_lead_to_one_whose_does() {
    let mut edge = Edge::synced();
    edge.process.update(changed(TOKEN, OTHER_TOKEN)).unwrap();
    edge.plane.rotate_token(OTHER_TOKEN);
    edge.publish(2, |corpus| corpus.keys.get_mut(READER).unwrap().status = KeyStatus::Revoked);
    // The old listener drains for minutes yet; the poll it began with the old token is refused.
    edge.run(8 * SECOND);
    assert_eq!(edge.statuses(), [Some(401), Some(401)]);
}

#[test]
fn other_public_keys_never_meet_in_shared_memory() {
    let mut edge = Edge::synced();
    let trusted = public_key().to_string();
    edge.process.update(changed(&trusted, &stranger())).unwrap();
    assert_eq!(edge.statuses(), [Some(503), Some(503)], "the bundle that is there is not signed by its key");
    edge.run(3 * SECOND);
    assert_eq!(edge.statuses(), [Some(503), Some(503)]);
    let both = format!("{trusted}\",\"{}", stranger());
    edge.process.update(changed(&trusted, &both)).unwrap();
    edge.run(3 * SECOND);
    assert_eq!(edge.statuses(), [Some(200), Some(200)], "an added key costs one download");
    let turned = format!("{}\",\"{trusted}", stranger());
    edge.process.update(changed(&trusted, &turned)).unwrap();
    assert_eq!(edge.statuses(), [Some(200), Some(200)], "their order means nothing");
}

#[test]
fn a_fresh_edge_believes_no_signed_bundle_older_than_its_limit() {
    type Row = (&'static str, fn() -> Edge, u64, u32);
    // (why, edge, seconds since the bundle was signed, status)
    let rows: [Row; 4] = [
        ("no limit: whatever was ever signed", Edge::new, 1_000_000, 200),
        ("a limit", limited, 61, 503),
        ("just within it", limited, 50, 200),
        ("signed at the beginning of time", limited, 1_768_478_400, 503),
    ];
    for (why, edge, age, status) in rows {
        let mut edge = edge();
        let now = edge.corpus.now;
        edge.corpus.now = now - age;
        edge.publish(1, |_| ());
        edge.run(3 * SECOND);
        assert_eq!(edge.statuses(), [Some(status); 2], "{why}");
        assert_eq!(edge.metric("bundle.version"), u64::from(status == 200), "{why}: not even kept");
        assert_eq!(edge.metric("sync.errors") > 0, status != 200, "{why}");
        edge.corpus.now = now;
        edge.publish(1, |_| ());
        edge.plane.end_waits(true);
        edge.run(2 * SECOND);
        assert_eq!(edge.statuses(), [Some(200), Some(200)], "{why}: recovers");
    }
}

#[test]
fn a_stale_policy_still_words_its_answers() {
    let mut edge = limited();
    edge.corpus.spec.error_format = ErrorFormat::Problem;
    edge.corpus.spec.messages.insert("policy_unavailable".into(), "Please hold the line".into());
    let mut edge = edge.with_bundle();
    edge.process.advance(HOUR);
    edge.process.tick_all();
    let request = edge.reading();
    match edge.process.request(0, request) {
        portcullis_host_tests::Outcome::Replied { details, headers, body, .. } => {
            assert_eq!(details, "portcullis.stale_policy");
            assert_eq!(headers.text("content-type").as_deref(), Some("application/problem+json"));
            assert!(String::from_utf8(body).unwrap().contains("Please hold the line"));
        }
        other => panic!("{other:?}"),
    }
}

fn fixed(issued: impl FnOnce(u64) -> u64, max_age: u64) -> Edge {
    let mut corpus = corpus("systemprompt");
    let now = corpus.now;
    corpus.now = issued(now);
    let bundle = STANDARD.encode(corpus.bundle(1).unwrap().archive());
    corpus.now = now;
    let configuration =
        format!(r#"{{"bundle":"{bundle}","public_keys":["{}"],"max_bundle_age_seconds":{max_age}}}"#, public_key());
    Edge::of(corpus, Module::built().unwrap(), configuration.as_bytes())
}

#[test]
fn a_bundle_in_the_configuration_grows_stale_too() {
    type Row = (&'static str, fn(u64) -> u64, u64, u32, u32);
    // (why, when it was signed, limit, status now, status an hour later); nothing ticks.
    let rows: [Row; 4] = [
        ("no limit", |now| now, 0, 200, 200),
        ("an hour's", |now| now - 10, 3600, 200, 503),
        ("over it", |now| now - 61, 60, 503, 503),
        ("signed at the beginning of time", |_| 0, 60, 503, 503),
    ];
    for (why, issued, limit, first, later) in rows {
        let mut edge = fixed(issued, limit);
        assert_eq!(edge.statuses(), [Some(first); 2], "{why}");
        edge.process.advance(HOUR);
        assert_eq!(edge.statuses(), [Some(later); 2], "{why}, an hour later");
    }
}

fn oldest(process: &mut Process, edge: &portcullis_host_tests::Request) -> Vec<Option<u32>> {
    (0..2).map(|worker| process.request_oldest(worker, edge.clone()).status()).collect()
}

#[test]
fn a_clock_that_jumps_costs_no_listener_its_plugin() {
    for (why, mut edge) in [("synced", Edge::synced()), ("static", fixed(|now| now, 0))] {
        let request = edge.reading();
        for jump in 0..3 {
            edge.process.advance(24 * HOUR);
            edge.process.update(configuration(&format!(r#""max_bundle_age_seconds":{jump}"#))).unwrap();
            assert_eq!(oldest(&mut edge.process, &request), [Some(200), Some(200)], "{why}, without a tick");
        }
    }
}

#[test]
fn plugins_of_listeners_that_are_gone_take_no_memory() {
    let mut edge = Edge::synced();
    let mut sizes = Vec::new();
    for round in 0..12 {
        edge.process.update(configuration(&format!(r#""cache_bytes":{}"#, 100_000 + round))).unwrap();
        edge.process.drain();
        edge.run(130 * SECOND);
        edge.statuses();
        sizes.push(edge.process.memory_bytes(portcullis_host_tests::VmId::Worker(0)));
    }
    assert_eq!(sizes.first(), sizes.last(), "{sizes:?}");
}
