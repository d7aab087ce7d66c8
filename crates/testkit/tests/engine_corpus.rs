//! Every case of every preset through the engine: from memory and from a bundle, duplicates of `authorization` apart
//! and joined as Envoy joins them.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::path::Path;

use portcullis_engine::{Code, KeyStore, Policy, Reason};
use portcullis_testkit::{Case, Corpus, FixedAmbient, Runner, WireRequest, corpus, engine, skill};

fn corpora() -> Vec<Corpus> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Corpus::all(&workspace).unwrap_or_else(|error| panic!("{error:#}"))
}

/// Runs every case against a store; `shape` is how the request arrives.
fn run(
    corpus: &Corpus,
    policy: &Policy,
    store: &mut impl KeyStore,
    shape: fn(&WireRequest) -> WireRequest,
) -> Vec<String> {
    let ring = corpus.ring().expect("its tokens can be minted");
    let mut failures = Vec::new();
    for case in &corpus.cases {
        let request = shape(&case.request(&ring).expect("the keys of the case exist"));
        let ambient = FixedAmbient { now: corpus.now, address: Some(request.from) };
        let policy = (!case.without_policy).then_some(policy);
        let outcome = engine::run(policy, store, &request, &ambient);
        if let Err(mismatch) = case.check(Runner::Engine, &ring, &outcome) {
            failures.push(format!("{}: {}: {mismatch}", corpus.preset, case.name));
        }
    }
    failures
}

#[track_caller]
fn assert_none(failures: &[String]) {
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_case_from_memory() {
    let mut failures = Vec::new();
    for corpus in corpora() {
        let policy = Policy::compile(&corpus.spec).expect("presets compile");
        let mut store = corpus.store().expect("the keys of the corpus are good");
        failures.extend(run(&corpus, &policy, &mut store, WireRequest::clone));
        failures.extend(run(&corpus, &policy, &mut store, WireRequest::joined));
        println!("{}: {} cases", corpus.preset, corpus.cases.len());
    }
    assert_none(&failures);
}

#[test]
fn every_case_from_a_bundle() {
    let mut failures = Vec::new();
    for corpus in corpora() {
        let bundle = corpus.bundle(1).expect("the corpus builds");
        let mut archive = bundle.open().expect("the archive opens");
        archive.open_secrets(skill::open).expect("its skills can be read");
        let (policy, mut keys) = archive.parts_mut();
        failures.extend(run(&corpus, policy, &mut keys, WireRequest::joined));
    }
    assert_none(&failures);
}

#[test]
fn the_presets_are_covered() {
    let corpora = corpora();
    for corpus in &corpora {
        assert!(corpus.cases.len() >= 60, "{} has only {} cases", corpus.preset, corpus.cases.len());
    }
    let seen = |all: fn(&Case) -> Option<&'static str>| -> BTreeSet<&str> {
        corpora.iter().flat_map(|corpus| &corpus.cases).filter_map(all).collect()
    };
    let codes = seen(|case| case.expect.code.map(Code::as_str));
    let reasons = seen(|case| case.expect.reason.map(Reason::as_str));
    // What takes more than one request.
    let limits = [Code::RateLimited, Code::QuotaUnavailable];
    let wanted = Code::ALL.iter().filter(|code| !limits.contains(code));
    let missing: Vec<_> = wanted.filter(|code| !codes.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    // What no request can bring about on its own, or no preset's key format allows.
    let elsewhere = [
        Reason::BadChecksum,
        Reason::AddressUnknown,
        Reason::StalePolicy,
        Reason::StoreUnavailable,
        // No control plane makes such a key.
        Reason::ForeignSkill,
        // Of a policy that the control plane's operator would write against themselves.
        Reason::ServiceIsControl,
        // Of a module that looks at no answers.
        Reason::AnswersUnguarded,
    ];
    let wanted = Reason::ALL.iter().filter(|reason| !elsewhere.contains(reason) && !limits.contains(&reason.code()));
    let missing: Vec<_> = wanted.filter(|reason| !reasons.contains(reason.as_str())).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn every_preset_has_a_corpus() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let folders = std::fs::read_dir(policies).expect("the policies are there");
    let names = folders.map(|folder| folder.expect("readable").file_name().to_string_lossy().into_owned());
    let found: BTreeSet<String> = names.filter(|name| name != "invalid").collect();
    assert_eq!(found, corpus::PRESETS.iter().map(|name| (*name).to_owned()).collect());
}
