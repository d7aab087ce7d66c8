//! Keys are found in the buckets that they were put into, however their digests are spread.
//!
//! A digest can be made up: keys are imported by theirs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use portcullis_bundle::{KeyEntry, KeyShard, Layout, build_key_shard};
use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId, RestrictionSet};

/// A key whose id says which it is.
fn entry(number: u32, digest: [u8; 32]) -> KeyEntry {
    let mut id = [0; 10];
    id[..4].copy_from_slice(&number.to_be_bytes());
    KeyEntry {
        digest: KeyDigest::from_bytes(digest),
        id: KeyId::from_bytes(id),
        organization: OrganizationId::from_bytes([7; 10]),
        status: KeyStatus::Active,
        expires_at: None,
        scopes: vec!["skills:read".to_owned()],
        restrictions: RestrictionSet::default(),
    }
}

/// All of them are found, in one shard of that layout, and nothing that lies beside them.
#[track_caller]
fn check(layout: &Layout, digests: &[[u8; 32]]) {
    let entries: Vec<_> = (0..).zip(digests).map(|(number, digest)| entry(number, *digest)).collect();
    let blob = build_key_shard(layout, 0, &entries).unwrap();
    let shard = KeyShard::open(blob.bytes(), layout).unwrap();
    for entry in &entries {
        let found = shard.find(layout, &entry.digest).unwrap().unwrap();
        assert_eq!((found.id, found.scopes), (entry.id, "skills:read"));
        for (byte, bit) in [(31, 1), (7, 1), (8, 128)] {
            let mut other = *entry.digest.as_bytes();
            other[byte] ^= bit;
            if !digests.contains(&other) {
                assert_eq!(shard.find(layout, &KeyDigest::from_bytes(other)), Ok(None), "{other:?}");
            }
        }
    }
    for nobody in [[0; 32], [255; 32]].iter().filter(|it| !digests.contains(it)) {
        assert_eq!(shard.find(layout, &KeyDigest::from_bytes(*nobody)), Ok(None));
    }
}

#[test]
fn every_key_is_found_and_no_other() {
    let spread = |count: u32| (0..count).map(|it| *KeyDigest::of(&it.to_be_bytes()).as_bytes()).collect::<Vec<_>>();
    for count in [0, 1, 2, 63, 64, 500] {
        check(&Layout::default(), &spread(count));
    }
    let layout = Layout::for_counts(2000, 1);
    assert_eq!((layout.key_shards(), layout.key_buckets()), (1, 32));
    check(&layout, &spread(2000));
}

#[test]
fn digests_that_were_made_up_are_found_too() {
    let made_up = |at: usize, from: [u8; 32]| {
        let digest = |number: u16| {
            let mut digest = from;
            digest[at..at + 2].copy_from_slice(&number.to_be_bytes());
            digest
        };
        (0..300).map(digest).collect::<Vec<_>>()
    };
    for from in [[0; 32], [127; 32], [255; 32]] {
        // All at the bucket's one end; all with the same leading bits.
        for at in [6, 8, 30] {
            check(&Layout::default(), &made_up(at, from));
        }
    }
    let both = [made_up(6, [0; 32]), made_up(6, [255; 32])].concat();
    check(&Layout::default(), &both);
}
