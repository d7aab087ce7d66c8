//! The control plane over real HTTP and a real SQLite file, one module for each area of the API.
//!
//! Each area has one table and one `check`. The clock is set by the tests; nothing sleeps.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod access;
mod connections;
mod edge;
mod hangup;
mod keys;
mod lifecycle;
mod openapi;
mod organizations;
mod payments;
mod policy;
mod publishing;
mod reports;
mod rotation;
mod sdk;
mod secrecy;
mod stack;
mod startup;
mod trouble;
mod unreadable;
