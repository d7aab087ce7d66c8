//! `bench bundle`: what the bundle of a million keys and of ten million weighs, and how long it takes to build and to
//! verify, natively and on one thread.
//!
//! Built and verified with what control plane and edge use, without either. Invariant: a bundle in which a blob or a key
//! is not as it should be is not measured: the bench fails.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use portcullis_bundle::{
    Blob, KeyEntry, KeyShard, Layout, MANIFEST_FORMAT, Manifest, OrganizationEntry, SignedManifest, build_key_shard,
    build_organization_shard, build_policy, verify,
};
use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId, OrganizationLimits, OrganizationState};
use portcullis_testkit::Corpus;
use portcullis_testkit::bundle::{public_key, signing_key};

use crate::process::memory_of;
use crate::report::{Report, rounded};
use crate::tools;

/// How many keys, unless it is said otherwise.
const COUNTS: [usize; 2] = [1_000_000, 10_000_000];
const ORGANIZATION: OrganizationId = OrganizationId::from_bytes(*b"everybody.");
/// Keys that are looked up at the end.
const LOOKUPS: usize = 10_000;

pub(super) fn run(counts: &[usize], json: bool) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    for &count in if counts.is_empty() { &COUNTS } else { counts } {
        measure(count, &mut report)?;
    }
    Ok(report.finish("bundle", json))
}

struct Built {
    signed: SignedManifest,
    blobs: Vec<Blob>,
}

fn measure(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let digests = digests(count)?;
    let layout = Layout::for_counts(count, 1);
    let since = Instant::now();
    let built = build(&digests, layout)?;
    let building = since.elapsed().as_secs_f64();
    let bytes = built.signed.as_bytes().len() + built.blobs.iter().map(|blob| blob.bytes().len()).sum::<usize>();
    let since = Instant::now();
    let shards = verified(&built)?;
    let verifying = since.elapsed().as_secs_f64();
    let found = found(&digests, layout, &shards)?;
    let named = |what: &str| format!("{what}_{count}_keys");
    report.figure(&named("shards"), layout.key_shards());
    report.figure(&named("manifest_kb"), rounded(built.signed.as_bytes().len() as f64 / 1e3));
    report.figure(&named("mb"), rounded(bytes as f64 / 1e6));
    report.figure(&named("bytes_per_key"), rounded(bytes as f64 / count as f64));
    report.figure(&named("seconds_to_build"), rounded(building));
    report.figure(&named("seconds_to_verify"), rounded(verifying));
    report.figure(&named("peak_mb"), rounded(memory_of(std::process::id())?.peak_mb));
    report.equal(format!("of {LOOKUPS} keys among {count}, found"), found, LOOKUPS);
    Ok(())
}

/// So many keys, as the control plane keeps them: in order.
fn digests(count: usize) -> anyhow::Result<Vec<KeyDigest>> {
    let numbers = 0..u64::try_from(count)?;
    let mut digests: Vec<KeyDigest> = numbers.map(|number| KeyDigest::of(&number.to_le_bytes())).collect();
    digests.sort_unstable();
    Ok(digests)
}

fn build(digests: &[KeyDigest], layout: Layout) -> anyhow::Result<Built> {
    let corpus = Corpus::load(&tools::root()?.join("policies/systemprompt"))?;
    let policy = build_policy(&corpus.spec)?;
    let organization =
        OrganizationEntry { id: ORGANIZATION, state: OrganizationState::Active, limits: OrganizationLimits::default() };
    let organizations =
        build_organization_shard(&layout, layout.organization_shard_of(&ORGANIZATION), &[organization])?;
    let shards = digests.chunk_by(|a, b| layout.key_shard_of(a) == layout.key_shard_of(b)).map(|keys| {
        let shard = keys.first().map_or(0, |first| layout.key_shard_of(first));
        build_key_shard(&layout, shard, &keys.iter().map(entry).collect::<Vec<_>>())
    });
    let shards = shards.collect::<Result<Vec<_>, _>>()?;
    let manifest = Manifest {
        format: MANIFEST_FORMAT,
        version: 1,
        issued_at: 1,
        layout,
        key_count: digests.len() as u64,
        policy: policy.to_ref(),
        tokens: None,
        skills: Vec::new(),
        organizations: vec![organizations.to_ref()],
        keys: shards.iter().map(Blob::to_ref).collect(),
    };
    let signed = signing_key().sign(&manifest)?;
    Ok(Built { signed, blobs: [policy, organizations].into_iter().chain(shards).collect() })
}

/// A plain key: one scope and no restrictions.
fn entry(digest: &KeyDigest) -> KeyEntry {
    let id = digest.as_bytes().first_chunk::<10>().copied().unwrap_or_default();
    KeyEntry {
        digest: *digest,
        id: KeyId::from_bytes(id),
        organization: ORGANIZATION,
        status: KeyStatus::Active,
        expires_at: None,
        scopes: vec!["skills:read".to_owned()],
        restrictions: Default::default(),
    }
}

/// The key shards, once the signature and every blob are verified, as an edge does it.
fn verified(built: &Built) -> anyhow::Result<Vec<KeyShard<'_>>> {
    let manifest = verify(built.signed.as_bytes(), &[public_key()])?;
    for (named, blob) in manifest.blobs().zip(&built.blobs) {
        anyhow::ensure!(named.matches(blob.bytes()), "blob {} is another", named.digest);
    }
    let shards = built.blobs.iter().skip(1 + manifest.organizations.len());
    shards.map(|blob| Ok(KeyShard::open(blob.bytes(), &manifest.layout)?)).collect()
}

fn found(digests: &[KeyDigest], layout: Layout, shards: &[KeyShard<'_>]) -> anyhow::Result<usize> {
    let mut found = 0;
    for digest in digests.iter().step_by((digests.len() / LOOKUPS).max(1)).take(LOOKUPS) {
        let shard = shards.get(layout.key_shard_of(digest)).context("a shard is missing")?;
        found += usize::from(shard.find(&layout, digest)?.is_some());
    }
    Ok(found)
}
