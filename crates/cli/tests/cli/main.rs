//! The `portcullis` command as people and scripts use it: the binary, its output, its exit codes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must stop")]

mod accounts;
mod apps;
mod backup;
mod corpus;
mod fleet;
mod keys;
mod offline;
mod plans;
mod policy;
mod run;
mod serve;
mod tokens;
