//! The control plane on PostgreSQL: the whole API once more, and what only several control planes can show.
//!
//! The cluster is provided by `portcullis_testkit::postgres`; where there is none, all of this fails.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must stop")]

#[path = "../api/main.rs"]
mod api;
mod replicas;
mod road;

// What `crate::` means in there.
use api::{stack, stored, support};
