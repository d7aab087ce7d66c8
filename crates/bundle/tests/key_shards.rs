//! Key shards: one of which only some buckets were built again is the one that is built of everything.

use std::collections::BTreeMap;

use portcullis_bundle::{Blob, BuildError, KeyEntry, Layout, build_key_shard, rebuild_key_shard};
use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId, RestrictionSet};

const SHARD: usize = 1;

fn layout() -> Layout {
    Layout { key_shard_bits: 1, key_bucket_bits: 4, organization_shard_bits: 0 }
}

fn entry(number: u32) -> KeyEntry {
    KeyEntry {
        digest: KeyDigest::of(&number.to_le_bytes()),
        id: KeyId::from_bytes([number.to_le_bytes()[0]; 10]),
        organization: OrganizationId::from_bytes([1; 10]),
        status: KeyStatus::Active,
        expires_at: None,
        scopes: vec![if number.is_multiple_of(2) { "skills:read" } else { "skills:write" }.into()],
        restrictions: RestrictionSet::default(),
    }
}

fn entries() -> Vec<KeyEntry> {
    let inside = |entry: &KeyEntry| layout().key_shard_of(&entry.digest) == SHARD;
    (0..200).map(entry).filter(inside).collect()
}

/// The entries of some buckets.
fn some(entries: &[KeyEntry], which: impl Fn(usize) -> bool) -> BTreeMap<usize, Vec<KeyEntry>> {
    let mut buckets: BTreeMap<_, _> = (0..8).filter(|it| which(*it)).map(|it| (it, Vec::new())).collect();
    for entry in entries.iter().rev() {
        let bucket = buckets.get_mut(&(layout().key_bucket_of(&entry.digest) % 8));
        bucket.into_iter().for_each(|it| it.push(entry.clone()));
    }
    buckets
}

#[test]
fn what_changed_is_built_again_and_the_rest_is_as_it_was() {
    let (layout, mut entries) = (layout(), entries());
    let before = build_key_shard(&layout, SHARD, &entries).unwrap();
    let changed = entries.remove(7);
    let bucket = layout.key_bucket_of(&changed.digest) % 8;
    entries.push(KeyEntry { status: KeyStatus::Revoked, ..changed });
    let expected = build_key_shard(&layout, SHARD, &entries).unwrap();
    assert_ne!(expected, before);
    let again = |before: &Blob, changed: BTreeMap<_, _>| rebuild_key_shard(&layout, SHARD, before, &changed);
    assert_eq!(again(&before, some(&entries, |it| it == bucket)), Ok(expected.clone()));
    assert_eq!(again(&before, some(&entries, |_| true)), Ok(expected.clone()));
    let nothing = Blob::new([]);
    assert_eq!(again(&nothing, some(&entries, |_| true)), Ok(expected), "everything is new");
    assert_eq!(again(&nothing, some(&entries, |it| it > 0)), Err(BuildError::NothingBefore(SHARD)));
    let elsewhere = BTreeMap::from([((bucket + 1) % 8, some(&entries, |_| true).remove(&bucket).unwrap())]);
    assert_eq!(again(&before, elsewhere), Err(BuildError::WrongShard(SHARD)));
}
