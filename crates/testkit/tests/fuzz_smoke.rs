//! Every fuzz body on real input and on input that is a little broken: alive without a nightly compiler.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use portcullis_bundle::{Layout, OrganizationEntry, build_organization_shard};
use portcullis_engine::spec::{LimitsSpec, RateSpec, TrialSpec};
use portcullis_engine::{OrganizationId, OrganizationLimits, OrganizationState, Rate};
use portcullis_testkit::{Corpus, fuzz};

const ROUNDS: usize = 2000;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Real input of every kind: requests, paths, headers, policies, bundles.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new(), b"/a?api_key=x&b=1".to_vec(), b"a=b%20c; api_key=x; d=\"x=y\"".to_vec()];
    for corpus in Corpus::all(&workspace()).expect("the presets load") {
        let ring = corpus.ring().expect("its tokens can be minted");
        for case in &corpus.cases {
            let request = case.request(&ring).expect("the keys exist");
            let mut whole = [request.method.as_bytes(), b"\n"].concat();
            whole.extend(request.path.iter().flatten());
            for (name, value) in &request.headers {
                whole.extend([b"\n", name.as_bytes(), b":", value].concat());
                seeds.push(value.clone());
            }
            seeds.push(whole);
            seeds.extend(request.path);
        }
        for key in corpus.keys.values() {
            let (mut spec, scopes) = (key.restrictions.clone(), Some(key.scopes.clone()));
            let (ip, referrer, endpoint) = (spec.ip.clone(), spec.referrer.clone(), spec.endpoint.clone());
            spec.trial = Some(TrialSpec { ip, referrer, endpoint, scopes, retiring: true });
            let rate = Some(RateSpec { requests: 10, seconds: 1, burst: 20 });
            spec.limits = Some(LimitsSpec { meter: Some(key.id.to_string()), quota: true, rate });
            seeds.push(serde_json::to_vec(&spec).expect("specs are JSON"));
        }
        let bundle = corpus.bundle(1).expect("the corpus builds");
        seeds.push(bundle.archive());
        seeds.push(bundle.signed.as_bytes().to_vec());
        seeds.extend(bundle.blobs.iter().map(|blob| blob.bytes().to_vec()));
        seeds.push(std::fs::read(corpus.policy_file()).expect("readable"));
    }
    seeds.push(organizations());
    seeds
}

/// An organisation shard with limits of every kind.
fn organizations() -> Vec<u8> {
    let entry = |number: u8| OrganizationEntry {
        id: OrganizationId::from_bytes([number; 10]),
        state: if number < 4 { OrganizationState::Active } else { OrganizationState::Suspended },
        limits: OrganizationLimits { metered: number.is_multiple_of(2), rate: Rate::new(10, 60, number.into()).ok() },
    };
    let entries: Vec<_> = (0..8).map(entry).collect();
    build_organization_shard(&Layout::default(), 0, &entries).expect("it builds").bytes().to_vec()
}

/// Numbers that look random and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit.max(1)
    }
}

fn mutate(seed: &[u8], other: &[u8], draw: &mut Draw) -> Vec<u8> {
    const NASTY: [&[u8]; 12] =
        [b"%2f", b"%", b"..", b"//", b"\\", b";", b",", b"\0", b"\xff", b"\"", b"\xff\xff\xff\xff", b"Bearer "];
    let mut bytes = seed.to_vec();
    for _ in 0..=draw.below(3) {
        let at = draw.below(bytes.len() + 1);
        match draw.below(5) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.splice(at..at, other.iter().copied().take(draw.below(64))).for_each(drop),
            _ => bytes.splice(at..at, NASTY[draw.below(NASTY.len())].iter().copied()).for_each(drop),
        }
    }
    bytes
}

#[test]
fn every_target_survives_its_seeds_and_what_becomes_of_them() {
    let seeds = seeds();
    let mut draw = Draw(20_260_115);
    for (_, target) in fuzz::TARGETS {
        seeds.iter().for_each(|seed| target(seed));
        for _ in 0..ROUNDS {
            let (one, other) = (&seeds[draw.below(seeds.len())], &seeds[draw.below(seeds.len())]);
            target(&mutate(one, other, &mut draw));
        }
    }
}

#[test]
fn every_body_has_a_target_of_three_lines() {
    let folder = workspace().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).expect("the targets are there");
    let mut found = BTreeSet::new();
    for entry in entries {
        let path = entry.expect("readable").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let code = text.lines().filter(|line| !line.is_empty() && !line.starts_with("//"));
        assert_eq!(code.count(), 3, "{} is more than three lines", path.display());
        found.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    // The filter's own configuration: its body is beside its parser, which this crate may not depend on.
    found.remove("config");
    assert_eq!(found, fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect());
}
