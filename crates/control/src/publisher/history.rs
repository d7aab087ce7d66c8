//! The blobs of the last versions: an edge that just read a manifest must find what it names.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_bundle::{Blob, BlobDigest};

use super::Published;

/// These many versions are kept, unless they are too large: then the last ones, two at least.
const VERSIONS: usize = 8;
const FEWEST: usize = 2;
/// What versions hold beyond the first that is kept. While keys are created by the thousand each is nearly all new.
/// Versions that are paced by what is new in them are so kept for some seconds.
const MOST_BYTES: usize = 128 * 1024 * 1024;
/// Under a storm of small writes as many as were published within this time are kept, up to a number.
const RECENT: Duration = Duration::from_secs(30);
const RECENT_VERSIONS: usize = 64;

/// The last versions, newest last.
pub(super) struct History {
    versions: VecDeque<Kept>,
    most_bytes: usize,
}

struct Kept {
    since: Instant,
    published: Arc<Published>,
    /// What it holds beyond the version before it; 0 if it was the first.
    bytes: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { versions: VecDeque::new(), most_bytes: MOST_BYTES }
    }
}

impl History {
    /// Takes in a version; tells how many bytes of it an edge has to fetch that has the one before, if there was one.
    pub(super) fn push(&mut self, published: Arc<Published>) -> usize {
        let bytes = self.versions.back().map_or(0, |before| {
            let is_new = |blob: &&Blob| before.published.blob(&blob.digest()).is_none();
            published.blobs().filter(is_new).map(|blob| blob.bytes().len()).sum()
        });
        self.versions.push_back(Kept { since: Instant::now(), published, bytes });
        while self.versions.len() > FEWEST && self.is_enough() {
            self.versions.pop_front();
        }
        bytes
    }

    fn is_enough(&self) -> bool {
        let bytes = self.versions.iter().skip(1).map(|it| it.bytes).sum::<usize>();
        let is_old = self.versions.front().is_some_and(|it| it.since.elapsed() > RECENT);
        let count = self.versions.len();
        bytes > self.most_bytes || count > RECENT_VERSIONS || (count > VERSIONS && is_old)
    }

    pub(super) fn find(&self, digest: &BlobDigest) -> Option<Blob> {
        self.versions.iter().rev().find_map(|it| it.published.blob(digest)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::bundle::Builder;
    use super::*;

    /// A policy of a thousand bytes, another one for each version.
    fn policy(version: u8) -> Blob {
        Blob::new(vec![version; 1000])
    }

    fn kept(most_bytes: usize, versions: u8) -> Vec<u8> {
        let mut history = History { most_bytes, ..History::default() };
        for version in 1..=versions {
            let published = Builder::new(policy(version)).build(version.into()).unwrap();
            history.push(Arc::new(published));
        }
        (1..=versions).filter(|version| history.find(&policy(*version).digest()).is_some()).collect()
    }

    #[test]
    fn versions_that_are_too_much_for_memory_go_and_two_stay() {
        assert_eq!(kept(MOST_BYTES, 10), (1..=10).collect::<Vec<_>>());
        assert_eq!(kept(3500, 8), [5, 6, 7, 8]);
        assert_eq!(kept(0, 8), [7, 8]);
    }
}
