//! The control plane: REST API, store, bundle publisher.
//!
//! It decides about no request to an upstream; edges do, with what is published here. Invariants: a key's text and
//! the tokens are in no log, no error and no database column; a write is answered once edges can fetch it.
#![forbid(unsafe_code)]
#![expect(clippy::duplicate_mod, reason = "SQL is compiled once for each database, see `store`")]

mod access;
mod access_tokens;
mod accounts;
mod app;
mod apps;
mod audit;
pub mod backup;
mod caller;
mod clock;
mod config;
mod database;
mod denials;
mod edge_keys;
mod error;
mod explain;
mod fleet;
mod hmac;
mod http;
mod id;
mod issuers;
mod keys;
mod limits;
mod listings;
mod metrics;
mod observations;
mod organizations;
mod owned;
mod pages;
mod policy;
mod public_url;
mod publisher;
mod quota;
mod random;
mod receipts;
mod sealing;
mod secret;
mod secret_file;
mod secrets;
mod server;
mod shares;
mod shutdown;
mod signing_keys;
mod skills;
mod spreadsheet;
mod store;
mod tag;
mod token;
mod traffic;
mod usage;
mod webhooks;

pub use clock::Clock;
pub use config::{Config, PolicyFile};
pub use database::{Database, DatabaseUrlError, PostgresUrl};
pub use http::{Route, routes};
pub use limits::{Limits, Rate};
pub use policy::NoPolicy;
pub use public_url::{InvalidPublicUrl, PublicUrl};
pub use server::{ServeError, Server};
pub use webhooks::WebhookRules;
