//! How long a whole decision takes natively, SHA-256 included, with 10,000 keys and with other numbers.
//!
//! Goal: at most 600 ns with 10,000 keys; flat from 1,000 to 1,000,000.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench")]

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use portcullis_engine::{Decision, KeyDigest, KeyStore as _, Policy, Request, Unlimited, decide};
use portcullis_testkit::Corpus;

#[path = "support.rs"]
mod support;
use support::{Buckets, Quiet, key, policy};

/// In a build of the tests, which only sees whether benches work, it would take a minute to make a million keys.
const SIZES: &[usize] = if cfg!(debug_assertions) { &[1_000] } else { &[1_000, 10_000, 100_000, 1_000_000] };

fn whole_decision(criterion: &mut Criterion) {
    let (policy, mut keys) = (policy(), Buckets::of(10_000));
    let credentials: Vec<String> = (0..10_000).map(|number| format!("Bearer {}", key(number))).collect();
    let mut next = 0;
    criterion.bench_function("decide/10000 keys", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % credentials.len();
            let headers: [(&[u8], &[u8]); 8] = [
                (b":authority", b"api.example.com"),
                (b":path", b"/api/v1/skills/42?page=2"),
                (b":method", b"GET"),
                (b":scheme", b"https"),
                (b"user-agent", b"curl/8.5.0"),
                (b"accept", b"*/*"),
                (b"authorization", credentials[next].as_bytes()),
                (b"x-request-id", b"7e1f2c9e-5e8e-4d2c-9a1b-7a5d2f7c1e11"),
            ];
            let request = Request { method: b"GET", path: Some(b"/api/v1/skills/42?page=2"), headers: &headers };
            let decision = decide(&policy, &mut keys, black_box(&request), &Quiet, &mut Unlimited);
            assert!(matches!(decision, Decision::Allow(_)));
        });
    });
}

fn digest(criterion: &mut Criterion) {
    let key = key(1);
    criterion.bench_function("key digest", |bencher| bencher.iter(|| KeyDigest::of(black_box(key.as_bytes()))));
}

fn lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lookup");
    for &count in SIZES {
        let mut keys = Buckets::of(count);
        let step = count / 1_000;
        let digests: Vec<_> = (0..1_000).map(|it| KeyDigest::of(key(it * step).as_bytes())).collect();
        let mut next = 0;
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                next = (next + 1) % digests.len();
                assert!(keys.find(black_box(&digests[next])).is_ok_and(|found| found.is_some()));
            });
        });
    }
    group.finish();
}

/// A decision that leads to a service, and what is sent there.
fn service(criterion: &mut Criterion) {
    let corpus = Corpus::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/skills")).expect("it loads");
    let (policy, mut store) = (Policy::compile(&corpus.spec).expect("it compiles"), corpus.store().expect("it builds"));
    let credential = format!("Bearer {}", corpus.keys["forecaster"].text);
    let path = b"/services/weather/data/2.5/weather?q=Oslo";
    criterion.bench_function("decide/to a service", |bencher| {
        bencher.iter(|| {
            let headers: [(&[u8], &[u8]); 5] = [
                (b":authority", b"api.example.com"),
                (b":path", path),
                (b":method", b"GET"),
                (b"accept", b"application/json"),
                (b"authorization", credential.as_bytes()),
            ];
            let request = Request { method: b"GET", path: Some(path), headers: &headers };
            let decision = decide(&policy, &mut store, black_box(&request), &Quiet, &mut Unlimited);
            let service = match &decision {
                Decision::Allow(grant) => grant.service,
                Decision::Deny(_) => None,
            };
            assert!(service.is_some_and(|using| using.outgoing(&request, path).is_some()));
        });
    });
}

criterion_group!(benches, whole_decision, digest, lookup, service);
criterion_main!(benches);
