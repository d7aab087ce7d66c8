//! Access tokens: JWTs (RFC 7519, RFC 9068) in compact JWS form (RFC 7515), verified at the edge and signed by the
//! control plane.
//!
//! It reads no clock, fetches no keys and knows no key records: it says what a token claims and whether one of the
//! configured issuers signed that. Strictness follows RFC 8725. Invariant: [`Issuers::verify`] returns claims only of
//! bytes whose signature fits a configured key, under the algorithm of that key.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod base64url;
mod claims;
mod header;
mod issuers;
mod json;
mod jwk;
mod jwks;
mod modular;
mod public_key;
mod rsa;
#[cfg(feature = "sign")]
mod sign;
mod spec;
mod succession;
#[cfg(test)]
mod vectors;
mod verify;

pub use issuers::{InvalidIssuers, Issuers};
pub use jwk::{Algorithm, Curve, Jwk, KeyType};
pub use jwks::{InvalidJwks, JwksReading, read_jwks};
pub use public_key::InvalidKey;
#[cfg(feature = "sign")]
pub use sign::{Claims, TokenKey};
pub use spec::{IssuerSpec, IssuersSpec, MAX_TOKEN_BYTES, Mapping, Subjects};
pub use succession::{Succession, VerifiedBy};
pub use verify::{Refusal, Verified};
