//! Typed client of the control API: one method per route, errors as the API words them.
//!
//! It keeps no state beyond connections, and sends nothing twice but what makes something once however often it is sent. Invariant: the token is in no `Debug`, no error and no
//! URL.
#![forbid(unsafe_code)]

mod accounts;
mod audit;
mod client;
mod edge;
mod error;
mod fleet;
mod issuers;
mod keys;
mod organizations;
mod plans;
mod policy;
mod signing_keys;
mod status;
mod token;
mod usage;
mod webhooks;

pub use audit::Pieces;
pub use client::{Client, Tagged, Written};
pub use error::Error;
pub use portcullis_api as api;
pub use token::Token;
