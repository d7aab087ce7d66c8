//! The host against its rules, then the filter in the host. One binary, so that the module is compiled once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests: a panic is a failed test"
)]

mod filter;
mod host;
