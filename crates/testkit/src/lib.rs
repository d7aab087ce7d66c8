//! Development only: the case corpus, keys whose text is known, and a store, clock and address to decide with.
//!
//! Holds the cases and what is expected of them; how a request is sent and an answer read is the business of the four
//! runners (engine, wasm host, real Envoy, `explain`). Invariant: a corpus that loads names no key, code or reason that
//! does not exist, and no two cases have the same name.
#![forbid(unsafe_code)]

pub mod bundle;
pub mod corpus;
pub mod engine;
mod escape;
pub mod expectation;
pub mod fuzz;
mod http;
pub mod key;
pub mod mint;
#[cfg(unix)]
pub mod postgres;
mod services;
pub mod sized;
pub mod skill;
pub mod store;

pub use bundle::TestBundle;
pub use corpus::{Case, Corpus, Runner, WireRequest};
pub use expectation::{Expectation, Mismatch, Outcome, Seen};
pub use key::{KeyKind, KeyRing, KnownKey, RingKey};
pub use mint::{KnownIssuer, KnownToken, Mint};
pub use portcullis_engine::record::{KeyStatus, OrganizationState};
pub use services::service_clusters;
pub use sized::Size;
pub use skill::{KnownSecret, KnownSkill, edge_key, elsewhere_key};
pub use store::{FixedAmbient, MemoryStore};
