//! Requests that wait for something to happen: each caller has only so many of them at once.
//!
//! A person counts once, by whichever of their tokens they ask. Edges are not counted. In memory, for each replica.

use std::sync::Arc;

use axum::http::StatusCode;

use super::failure::Failure;
use super::tally::{Held, Tally};
use crate::caller::Caller;

const AT_ONCE: usize = 8;
const BACK_IN_SECONDS: u64 = 1;

/// Who waits, and how often at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Polls(Arc<Tally<String>>);

impl Polls {
    /// Counts one that waits, until it is dropped; fails if it is one too many.
    pub(super) fn begin(&self, by: &Caller) -> Result<Held<String>, Failure> {
        self.0.take(vec![(by.maker().unwrap_or_default(), AT_ONCE)], 1).ok_or_else(|| {
            let detail =
                format!("you wait for {AT_ONCE} answers already: wait for one of them, or ask without waiting");
            let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
            Failure { retry_after: Some(BACK_IN_SECONDS), ..failure }
        })
    }
}
