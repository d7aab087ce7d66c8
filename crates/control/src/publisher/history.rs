//! The blobs of the last versions: an edge that just read a manifest must find what it names.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_bundle::{Blob, BlobDigest};

use super::Published;

/// These many versions are always kept.
const VERSIONS: usize = 8;
/// Under a storm of writes as many as were published within this time, up to a limit, are kept.
const RECENT: Duration = Duration::from_secs(30);
const RECENT_VERSIONS: usize = 64;

/// The last versions, newest last.
#[derive(Default)]
pub(super) struct History {
    versions: VecDeque<(Instant, Arc<Published>)>,
}

impl History {
    pub(super) fn push(&mut self, published: Arc<Published>) {
        self.versions.push_back((Instant::now(), published));
        while self.versions.len() > RECENT_VERSIONS || self.versions.len() > VERSIONS && self.oldest_is_stale() {
            self.versions.pop_front();
        }
    }

    fn oldest_is_stale(&self) -> bool {
        self.versions.front().is_some_and(|(at, _)| at.elapsed() > RECENT)
    }

    pub(super) fn find(&self, digest: &BlobDigest) -> Option<Blob> {
        self.versions.iter().rev().find_map(|(_, published)| published.blob(digest)).cloned()
    }
}
