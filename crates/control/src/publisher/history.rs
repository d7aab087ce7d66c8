//! The blobs of the last versions: an edge that just read a manifest must find what it names.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_bundle::{Blob, BlobDigest};

use super::Published;

/// These many versions are always kept.
const VERSIONS: usize = 8;
/// Under a storm of writes as many as were published within this time are kept, up to a number and a size.
const RECENT: Duration = Duration::from_secs(30);
const RECENT_VERSIONS: usize = 64;
const RECENT_BYTES: usize = 64 * 1024 * 1024;

/// The last versions, newest last.
#[derive(Default)]
pub(super) struct History {
    versions: VecDeque<Kept>,
}

struct Kept {
    since: Instant,
    published: Arc<Published>,
    /// What it holds beyond the version before it.
    bytes: usize,
}

impl History {
    pub(super) fn push(&mut self, published: Arc<Published>) {
        let before = self.versions.back();
        let is_new = |blob: &&Blob| before.is_none_or(|it| it.published.blob(&blob.digest()).is_none());
        let bytes = published.blobs().filter(is_new).map(|blob| blob.bytes().len()).sum();
        self.versions.push_back(Kept { since: Instant::now(), published, bytes });
        while self.versions.len() > VERSIONS && self.is_enough() {
            self.versions.pop_front();
        }
    }

    fn is_enough(&self) -> bool {
        self.versions.len() > RECENT_VERSIONS
            || self.versions.iter().map(|it| it.bytes).sum::<usize>() > RECENT_BYTES
            || self.versions.front().is_some_and(|it| it.since.elapsed() > RECENT)
    }

    pub(super) fn find(&self, digest: &BlobDigest) -> Option<Blob> {
        self.versions.iter().rev().find_map(|it| it.published.blob(digest)).cloned()
    }
}
