//! How long a key shard takes to build, and what a key costs in bytes.
//!
//! Goal: at most 64 bytes a plain key.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench")]
#![expect(clippy::print_stdout, reason = "the bytes a key costs are a figure of this bench")]

use criterion::{Criterion, criterion_group, criterion_main};

#[path = "support.rs"]
mod support;
use support::Buckets;

fn build(criterion: &mut Criterion) {
    let count = if cfg!(debug_assertions) { 1_000 } else { 100_000 };
    println!("bytes per key at {count} keys: {:.1}", Buckets::of(count).bytes() as f64 / count as f64);
    criterion.bench_function("build 10,000 keys", |bencher| bencher.iter(|| Buckets::of(10_000)));
}

criterion_group!(benches, build);
criterion_main!(benches);
