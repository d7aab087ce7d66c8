//! The control plane over real HTTP and a real SQLite file, one module for each area of the API.
//!
//! `tests/postgres` is all of this once more, on PostgreSQL. Each area has one table and one `check`. The clock is set by the tests; nothing sleeps.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod access;
mod account_pages;
mod apps;
mod arrival;
mod audit;
mod authorize;
mod backup;
mod browser;
mod conditions;
mod connections;
mod credential_pages;
mod denials;
mod edge;
mod exchange;
mod explain;
mod grant_bounds;
mod grants;
mod hangup;
mod heard;
mod idempotency;
mod import;
mod introspection;
mod issuers;
mod key_pages;
mod keys;
mod lifecycle;
mod members;
mod metadata;
mod metrics;
pub(crate) mod minting;
mod observations;
mod openapi;
mod organizations;
mod page_table;
mod payments;
pub(crate) mod people;
mod places;
mod policy;
mod policy_pages;
mod policy_text;
mod publishing;
mod quota;
mod quota_pages;
mod rates;
mod receipts;
mod refusals;
mod reports;
mod rotation;
mod sdk;
mod search;
mod secrecy;
mod sign_ins;
mod signing_keys;
pub(crate) mod stack;
mod startup;
pub(crate) mod stored;
mod table;
mod token_source;
mod tokens;
mod trial;
mod trouble;
mod unreadable;
mod usage;
mod usage_filters;
mod usage_pages;
mod webhook_pages;
mod webhooks;

#[path = "../support/database.rs"]
pub(crate) mod support;
