//! Requests that wait for something to happen: each caller has only so many of them at once.
//!
//! A person counts once, by whichever of their tokens they ask. Edges are not counted. In memory, for each replica.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;

use super::failure::Failure;
use crate::caller::Caller;

const AT_ONCE: usize = 8;
const BACK_IN_SECONDS: u64 = 1;

/// Who waits, and how often at once.
#[derive(Debug, Default)]
pub(crate) struct Polls(Mutex<HashMap<String, usize>>);

/// One that waits, until it is dropped.
#[derive(Debug)]
pub(super) struct Poll(Arc<Polls>, String);

impl Polls {
    /// Counts one; fails if it is one too many.
    pub(super) fn begin(self: &Arc<Self>, by: &Caller) -> Result<Poll, Failure> {
        let name = by.maker().unwrap_or_default();
        let mut waiting = self.waiting();
        let count = waiting.entry(name.clone()).or_default();
        if *count >= AT_ONCE {
            let detail =
                format!("you wait for {AT_ONCE} answers already: wait for one of them, or ask without waiting");
            let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
            return Err(Failure { retry_after: Some(BACK_IN_SECONDS), ..failure });
        }
        *count += 1;
        Ok(Poll(self.clone(), name))
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        let Self(polls, name) = self;
        let mut waiting = polls.waiting();
        if let Some(count) = waiting.get_mut(name) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                waiting.remove(name);
            }
        }
    }
}
