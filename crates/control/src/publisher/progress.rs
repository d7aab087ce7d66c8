//! How far publishing is behind storing, for those who watch the control plane.
//!
//! It publishes nothing. Invariant: who keeps publishing newer versions is not behind, however fast others write.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::PublishError;
use crate::store::StoreError;

/// What is stored, what is published, and since when they have differed.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    stored: u64,
    published: u64,
    /// Unix seconds.
    behind_since: Option<u64>,
    last_error: Option<String>,
    /// Whether the store could be asked lately.
    unreachable: bool,
}

/// How far publishing is behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    /// The stored version, if it is not published.
    pub pending_version: Option<u64>,
    /// For how long nothing newer was published although there is something.
    pub seconds: u64,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
    /// The store could not be reached when it was asked last: what is stored is not known.
    pub unreachable: bool,
}

impl Progress {
    /// A version is stored.
    pub(super) fn want(&self, version: u64, now: u64) {
        let mut state = self.state();
        state.unreachable = false;
        state.stored = state.stored.max(version);
        match state.stored > state.published {
            true => drop(state.behind_since.get_or_insert(now)),
            false => state.last_error = None,
        }
    }

    /// A version is published.
    pub(super) fn published(&self, version: u64, now: u64) {
        let mut state = self.state();
        state.published = version;
        state.behind_since = (state.stored > version).then_some(now);
        state.last_error = None;
    }

    /// An attempt failed.
    pub(super) fn failed(&self, error: &PublishError) {
        let mut state = self.state();
        state.last_error = Some(error.to_string());
        state.unreachable = matches!(error, PublishError::Store(StoreError::Unreachable(_)));
    }

    /// How far publishing is behind.
    pub(super) fn lag(&self, now: u64) -> Lag {
        let state = self.state();
        Lag {
            pending_version: Some(state.stored).filter(|stored| *stored > state.published),
            seconds: state.behind_since.map_or(0, |since| now.saturating_sub(since)),
            last_error: state.last_error.clone(),
            unreachable: state.unreachable,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
