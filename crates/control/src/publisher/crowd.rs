//! Which keys are left out of a bucket that has more than the bundle's format counts.
//!
//! Digests are spread evenly, so it takes somebody who chose digests, and what keeps such imports small did not: a database may be
//! older than that, many organisations may have conspired, or buckets became fewer since, as other keys left the bundle.
//! Invariants: how many keys a bucket holds never keeps a version from being published, and whoever has the most in it loses
//! first; the same keys lose the same ones, whoever builds them when.

use std::collections::BTreeMap;

/// Sixteen times as many as may be imported into one; each may have scopes and restrictions of its own.
const MOST: usize = 16 * 1024;

/// Those of a bucket's keys that are published. The others are refused at the edge like keys that nobody was given.
pub(super) fn fitting<T: Copy, O: Copy + Ord>(bucket: usize, keys: Vec<T>, owner: impl Fn(&T) -> O) -> Vec<T> {
    if keys.len() <= MOST {
        return keys;
    }
    let fitting = shared(&keys, owner, MOST);
    let left_out = keys.len() - fitting.len();
    tracing::error!(bucket, left_out, "keys whose digests begin alike are left out of the bundle: revoke some of them");
    fitting
}

/// The first keys of everybody who has more than a fair share of the places, and all keys of everybody else.
fn shared<T: Copy, O: Copy + Ord>(keys: &[T], owner: impl Fn(&T) -> O, places: usize) -> Vec<T> {
    let mut counts = BTreeMap::<O, usize>::new();
    keys.iter().for_each(|key| *counts.entry(owner(key)).or_default() += 1);
    let share = share(counts.into_values().collect(), places);
    let mut taken = BTreeMap::<O, usize>::new();
    let mut fits = |key: &&T| {
        let taken = taken.entry(owner(key)).or_default();
        *taken += 1;
        *taken <= share
    };
    keys.iter().filter(|key| fits(key)).take(places).copied().collect()
}

/// How many of the places each may have at most, so that those are used who want fewer.
fn share(mut counts: Vec<usize>, places: usize) -> usize {
    counts.sort_unstable();
    let (mut left, mut owners) = (places, counts.len());
    for count in counts {
        let share = left.checked_div(owners).unwrap_or(0);
        if count > share {
            return share.max(1);
        }
        (left, owners) = (left - count, owners - 1);
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use portcullis_bundle::{Blob, KeyShard};
    use portcullis_engine::{KeyDigest, KeyId, KeyStatus, OrganizationId};

    use super::super::bundle::Builder;
    use super::*;
    use crate::store::BundleKey;

    /// A key whose digest begins like that of any other.
    fn key(number: u32, organization: u8) -> BundleKey {
        let mut bytes = [7; 32];
        bytes[28..].copy_from_slice(&number.to_be_bytes());
        BundleKey {
            digest: KeyDigest::from_bytes(bytes),
            id: KeyId::from_bytes([1; 10]),
            organization: OrganizationId::from_bytes([organization; 10]),
            status: KeyStatus::Active,
            expires_at: None,
            revoked_at: None,
            scopes: String::new(),
            restrictions: None,
        }
    }

    #[test]
    fn a_bucket_of_more_keys_than_the_format_counts_is_published_with_what_others_have_in_it() {
        let (many, others) = (0..70_000, 70_000..70_010);
        let keys = many.map(|number| key(number, 1)).chain(others.clone().map(|number| key(number, 2))).collect();
        let mut builder = Builder::new(Blob::new([]));
        builder.apply(keys, &[], 0);
        let published = builder.build(1).unwrap();
        let layout = published.layout();
        let found = |key: &BundleKey| {
            let shard = published.manifest_as_of(1).keys[layout.key_shard_of(&key.digest)].digest;
            let shard = KeyShard::open(published.blob(&shard).unwrap().bytes(), &layout).unwrap();
            shard.find(&layout, &key.digest).unwrap().is_some()
        };
        assert!(others.map(|number| key(number, 2)).all(|key| found(&key)));
        assert!(found(&key(0, 1)) && !found(&key(69_999, 1)));
    }

    #[test]
    fn whoever_has_the_most_loses_first() {
        for (counts, places, expected) in [
            (&[5, 3][..], 8, [5, 3].to_vec()),
            (&[100, 3, 2], 10, [5, 3, 2].to_vec()),
            (&[2, 100, 100], 10, [2, 4, 4].to_vec()),
            (&[1; 5], 3, [1, 1, 1, 0, 0].to_vec()),
        ] {
            let keys: Vec<_> =
                (0..).zip(counts).flat_map(|(owner, count)| (0..*count).map(move |n| (owner, n))).collect();
            let kept = shared(&keys, |(owner, _)| *owner, places);
            let of = |owner: usize| kept.iter().filter(|(it, _)| *it == owner).count();
            assert_eq!((0..counts.len()).map(of).collect::<Vec<_>>(), expected, "{counts:?}");
            assert!(kept.is_sorted(), "they stay in their order");
        }
        assert_eq!(fitting(0, vec![7; MOST], |_| 1).len(), MOST);
        assert_eq!(fitting(0, vec![7; MOST + 1], |_| 1).len(), MOST);
    }
}
