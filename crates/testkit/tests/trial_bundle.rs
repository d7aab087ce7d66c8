//! Keys on trial in a bundle: what they cost, and that every reader understands them or refuses the key.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use portcullis_bundle::{KeyBucket, KeyShard};
use portcullis_engine::spec::{EndpointSpec, IpSpec, ReferrerSpec, TrialSpec};
use portcullis_engine::{Decision, Observed, Reason, Request, Unlimited, decide};
use portcullis_testkit::{Corpus, FixedAmbient, TestBundle};
use serde::Deserialize;

fn corpus(trial: Option<&TrialSpec>) -> Corpus {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut corpus = Corpus::load(&policies.join("systemprompt")).unwrap();
    corpus.keys.values_mut().for_each(|key| key.restrictions.trial = trial.cloned());
    corpus
}

fn scopeless() -> TrialSpec {
    TrialSpec { scopes: Some(Vec::new()), ..TrialSpec::default() }
}

/// The bytes of all buckets, and how many records are in them.
fn size(bundle: &TestBundle) -> (usize, usize) {
    let shards = bundle.blobs.iter().rev().take(bundle.manifest.keys.len());
    shards.fold((0, 0), |(bytes, records), blob| {
        let shard = KeyShard::open(blob.bytes(), &bundle.manifest.layout).unwrap();
        let buckets = (0..shard.len()).map(|index| KeyBucket::open(shard.bucket(index).unwrap()).unwrap().len());
        (bytes + blob.bytes().len(), records + buckets.sum::<usize>())
    })
}

#[test]
fn a_plain_key_pays_nothing_for_trials() {
    let plain = size(&corpus(None).bundle(1).unwrap());
    let empty = size(&corpus(Some(&TrialSpec::default())).bundle(1).unwrap());
    assert_eq!(plain, empty, "a trial of nothing is none");
    let (bytes, records) = size(&corpus(Some(&scopeless())).bundle(1).unwrap());
    assert_eq!(records, plain.1);
    assert!(bytes > plain.0 && bytes - plain.0 < 100, "equal trials are stored once: {} bytes more", bytes - plain.0);
}

#[test]
fn a_trial_in_a_bundle_is_looked_at() {
    let corpus = corpus(Some(&scopeless()));
    let mut archive = corpus.bundle(1).unwrap().open().unwrap();
    let (policy, mut keys) = archive.parts_mut();
    let authorization = format!("Bearer {}", corpus.keys.get("reader").unwrap().text);
    let headers: [(&[u8], &[u8]); 1] = [(b"authorization", authorization.as_bytes())];
    let request = Request { method: b"GET", path: Some(b"/api/v1/skills"), headers: &headers };
    let decision =
        decide(policy, &mut keys, &request, &FixedAmbient { now: corpus.now, address: None }, &mut Unlimited);
    let told = if let Decision::Allow(grant) = decision { grant.observed } else { Vec::new() };
    assert_eq!(told, [Observed::Trial(Reason::NoScopes)]);
}

/// Restrictions as filters from before trials read them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct Before {
    #[serde(default)]
    ip: Option<IpSpec>,
    #[serde(default)]
    referrer: Option<ReferrerSpec>,
    #[serde(default)]
    endpoint: Option<EndpointSpec>,
}

#[test]
fn a_filter_from_before_trials_refuses_such_a_key_and_reads_the_others() {
    let entries = |trial: Option<&TrialSpec>| {
        let bundle = corpus(trial).bundle(1).unwrap();
        let blob = bundle.blobs.last().unwrap().clone();
        let shard = KeyShard::open(blob.bytes(), &bundle.manifest.layout).unwrap();
        let bucket = KeyBucket::open(shard.bucket(0).unwrap()).unwrap();
        (0..bucket.len())
            .filter_map(|index| bucket.at(index).unwrap().restrictions.map(|(_, json)| json.to_vec()))
            .collect::<Vec<_>>()
    };
    let reads = |json: &Vec<u8>| serde_json::from_slice::<Before>(json).is_ok();
    assert!(entries(None).iter().all(reads));
    let tried = entries(Some(&scopeless()));
    assert!(!tried.is_empty() && !tried.iter().any(reads));
}
