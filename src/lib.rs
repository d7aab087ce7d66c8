//! The filter that Envoy loads: API keys decided at the edge, in process, without a network hop.
//!
//! It is thin: the decision is `portcullis-engine`'s, the data `portcullis-bundle`'s. `abi` alone knows the proxy;
//! everything else is generic over [`host::Host`] and is tested natively with a fake one. Invariant: it never panics;
//! what it cannot decide it refuses, and a request waits only while tokens of its quota are on their way.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

pub mod config;
pub mod host;
pub mod pairs;
pub mod plugin;

pub mod filter;
pub mod forgeries;
pub mod reply;

pub mod boot;
pub mod cache;
pub mod codec;
pub mod denials;
pub mod egress;
pub mod guard;
pub mod hash;
pub mod journal;
pub mod lease;
pub mod limits;
pub mod live;
pub mod metrics;
pub mod outbox;
pub mod ratelimit;
pub mod recent;
pub mod report;
pub mod reporter;
pub mod roots;
pub mod samples;
pub mod siphash;
pub mod store;
pub mod strip;
pub mod sync;
pub mod timer;
pub mod tokens;
pub mod told;
pub mod usage;
pub mod vault;
pub mod waiting;

#[cfg(target_arch = "wasm32")]
mod abi;
#[cfg(test)]
mod fake_host;
