//! Whom the filter believes: only a manifest that a configured key signed, and only blobs that it names.
//!
//! Each lie is told to an edge that has the version before and to one that has nothing. Neither may trap, neither may take any
//! of it, and both must recover as soon as the truth is told.

use std::time::Duration;

use portcullis_bundle::SigningKey;
use portcullis_engine::record::KeyStatus;
use portcullis_host_tests::{Answer, Callout, Request};
use portcullis_testkit::TestBundle;

use super::edge::{Edge, READER, TOKEN, assert_alive};

/// Long enough to try again after any failure.
const PATIENCE: Duration = Duration::from_secs(3);
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

enum Lie {
    /// Instead of the manifest.
    Manifest(fn(&TestBundle, &TestBundle) -> Answer),
    /// Instead of every blob.
    Blob(fn(Vec<u8>) -> Answer),
}

fn ok(body: Vec<u8>) -> Answer {
    Answer::Response { status: 200, headers: vec![], body }
}

fn status(status: u16) -> Answer {
    Answer::Response { status, headers: vec![], body: b"not what you asked for".to_vec() }
}

fn signed(bundle: &TestBundle) -> Vec<u8> {
    bundle.signed.as_bytes().to_vec()
}

fn flipped(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes[at] ^= 1;
    bytes
}

fn half(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

const LIES: [(&str, Lie); 24] = [
    (
        "one bit of the manifest",
        Lie::Manifest(|_, new| {
            let b = signed(new);
            let at = b.len() - 9;
            ok(flipped(b, at))
        }),
    ),
    ("one bit of the signature", Lie::Manifest(|_, new| ok(flipped(signed(new), 60)))),
    ("half a manifest", Lie::Manifest(|_, new| ok(half(&signed(new))))),
    ("something after the manifest", Lie::Manifest(|_, new| ok([signed(new), b" ".to_vec()].concat()))),
    ("nothing at all", Lie::Manifest(|_, _| ok(vec![]))),
    ("not text", Lie::Manifest(|_, _| ok(vec![0xff; 4096]))),
    ("a web page", Lie::Manifest(|_, _| ok(b"<html>sign in to the hotel's network</html>".to_vec()))),
    ("signed by a stranger", Lie::Manifest(|_, new| ok(stranger(new)))),
    ("signed by a stranger who says to be us", Lie::Manifest(|_, new| ok(impostor(new)))),
    ("an older version", Lie::Manifest(|old, _| ok(older(old)))),
    (
        "a shard too few",
        Lie::Manifest(|_, new| {
            ok(resigned(new, |manifest| {
                manifest.keys.pop();
            }))
        }),
    ),
    (
        "an unreadable layout",
        Lie::Manifest(|_, new| ok(resigned(new, |manifest| manifest.layout.key_bucket_bits = 63))),
    ),
    (
        "a blob that does not exist",
        Lie::Manifest(|_, new| {
            ok(resigned(new, |manifest| manifest.policy = portcullis_bundle::Blob::new(b"x".to_vec()).to_ref()))
        }),
    ),
    ("a redirect", Lie::Manifest(|_, _| status(302))),
    ("an error", Lie::Manifest(|_, _| status(500))),
    ("a broken connection: no headers", Lie::Manifest(|_, _| Answer::Reset)),
    ("Envoy's own 503", Lie::Manifest(|_, _| Answer::Synthetic(503))),
    ("Envoy's own 504", Lie::Manifest(|_, _| Answer::Synthetic(504))),
    (
        "one bit of a blob",
        Lie::Blob(|bytes| {
            let at = bytes.len() - 1;
            ok(flipped(bytes, at))
        }),
    ),
    ("half a blob", Lie::Blob(|bytes| ok(half(&bytes)))),
    ("no blob", Lie::Blob(|_| ok(vec![]))),
    ("a blob that is gone", Lie::Blob(|_| status(404))),
    ("a blob broken off: no headers", Lie::Blob(|_| Answer::Reset)),
    ("Envoy's own 504 for a blob", Lie::Blob(|_| Answer::Synthetic(504))),
];

fn stranger(bundle: &TestBundle) -> Vec<u8> {
    SigningKey::from_seed([7; 32]).sign(&bundle.manifest).unwrap().as_bytes().to_vec()
}

/// The stranger's signature under our key's name.
fn impostor(bundle: &TestBundle) -> Vec<u8> {
    let (name, theirs) = (23..39, stranger(bundle));
    let mut bytes = theirs;
    bytes[name.clone()].copy_from_slice(&signed(bundle)[name]);
    bytes
}

fn resigned(bundle: &TestBundle, change: impl FnOnce(&mut portcullis_bundle::Manifest)) -> Vec<u8> {
    let mut manifest = bundle.manifest.clone();
    change(&mut manifest);
    portcullis_testkit::bundle::signing_key().sign(&manifest).unwrap().as_bytes().to_vec()
}

fn older(bundle: &TestBundle) -> Vec<u8> {
    resigned(bundle, |manifest| manifest.version -= 1)
}

/// Publishes version 6, which revokes the reader; version 5 is what the edge may already have.
fn tell(edge: &mut Edge, old: &TestBundle, lie: &Lie) {
    let new = edge.publish(6, |corpus| corpus.keys.get_mut(READER).unwrap().status = KeyStatus::Revoked);
    let is = |call: &Callout, path: &str| call.line().starts_with(&format!("GET /edge/v1/{path}"));
    match *lie {
        Lie::Manifest(lie) => {
            let old = old.clone();
            edge.plane.lie(move |call, answer| if is(call, "manifest") { lie(&old, &new) } else { answer });
        }
        Lie::Blob(lie) => edge.plane.lie(move |call, answer| match answer {
            Answer::Response { body, .. } if is(call, "blobs/") => lie(body),
            answer => answer,
        }),
    }
}

#[test]
fn lies_change_nothing_and_the_last_good_bundle_serves_on() {
    for (why, lie) in &LIES {
        let mut edge = Edge::new();
        let old = edge.publish(5, |_| ());
        edge.process.settle(&edge.plane);
        let before = edge.process.shared_data().len();
        tell(&mut edge, &old, lie);
        edge.run(PATIENCE);
        assert_eq!(edge.statuses(), [Some(200), Some(200)], "{why}");
        assert!(edge.metric("sync.errors") > 0, "{why}: counted");
        edge.run(REPORT_INTERVAL);
        let told = |report: &serde_json::Value| report["errors"].as_array().is_some_and(|errors| !errors.is_empty());
        assert!(edge.plane.take_reports().iter().any(told), "{why}: reported");
        assert_eq!(edge.metric("bundle.version"), 5, "{why}");
        assert!(edge.process.shared_data().len() <= before + 8, "{why}: shared memory does not fill up");

        edge.plane.repent();
        edge.run(PATIENCE);
        assert_eq!(edge.statuses(), [Some(401), Some(401)], "{why}: recovers");
        edge.assert_nothing_leaked();
    }
}

#[test]
fn lies_open_no_door_when_there_is_no_bundle_yet() {
    for (why, lie) in &LIES {
        let mut edge = Edge::new();
        let old = edge.corpus.bundle(5).unwrap();
        tell(&mut edge, &old, lie);
        edge.run(PATIENCE);
        // With nothing to compare with, an old signed manifest is believed; its blobs were never published, though.
        assert_eq!(edge.statuses(), [Some(503), Some(503)], "{why}");
        let public = edge.process.request(0, Request::get("/healthz"));
        assert_alive(why, &public);
        edge.plane.repent();
        edge.run(PATIENCE);
        assert_eq!(edge.statuses(), [Some(401), Some(401)], "{why}: recovers");
    }
}

#[test]
fn the_edge_shows_its_token_and_nothing_else() {
    let mut edge = Edge::synced();
    edge.statuses();
    edge.run(Duration::from_secs(6));
    edge.process.tick_all();
    for callout in edge.process.callouts() {
        assert_eq!(callout.headers.text("authorization"), Some(format!("Bearer {TOKEN}")));
        assert_eq!(callout.headers.text(":authority").as_deref(), Some("portcullis-control"));
    }
    assert!(!edge.process.callouts().is_empty());
    edge.assert_nothing_leaked();
}
