//! The decision: one pure function from policy, key record and request to allow or deny.
//!
//! It does no I/O, reads no clock, writes no log and cannot panic: whatever bytes a request holds, the answer is
//! a `Decision`. Invariant: `allow` is the only early return; every error on the way is a deny with a `Reason`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod credential;
pub mod ip;
pub mod path;
pub mod referrer;
pub mod spec;
pub mod template;

pub use spec::PolicySpec;
