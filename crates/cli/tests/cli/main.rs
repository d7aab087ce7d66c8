//! The `portcullis` command as people and scripts use it: the binary, its output, its exit codes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot go on must stop"
)]

mod accounts;
mod apps;
mod backup;
mod corpus;
mod edge_keys;
mod fleet;
mod keys;
mod offline;
mod person;
mod plans;
mod policy;
mod prompt;
mod run;
mod secrets;
mod serve;
mod skills;
mod tokens;
