//! Typed client of the control API, one method per route, errors as the API words them; and of its token endpoint:
//! [`TokenSource`] exchanges a key id and a secret for the access tokens that an API behind Portcullis wants.
//!
//! It keeps no state beyond connections and the current access token, and sends nothing twice but what makes something once
//! however often it is sent. Invariants: no secret and no token is in a `Debug`, an error or a URL; the value of a secret that
//! skills use is sent sealed or not at all.
#![forbid(unsafe_code)]

mod access;
mod accounts;
mod apps;
mod audit;
mod client;
mod edge;
mod edge_keys;
mod error;
mod fleet;
mod issuers;
mod keys;
mod organizations;
mod plans;
mod policy;
mod sealing;
mod secrets;
mod signing_keys;
mod skills;
mod status;
mod token;
mod usage;
mod value;
mod webhooks;

pub use access::{AccessToken, Credentials, SendError, TokenError, TokenSource, TokenSourceBuilder, refuses_token};
pub use audit::Pieces;
pub use client::{Client, Tagged, Written};
pub use error::Error;
pub use portcullis_api as api;
pub use portcullis_seal as seal;
pub use sealing::Pins;
pub use token::Token;
pub use value::{InvalidValue, SecretValue};
