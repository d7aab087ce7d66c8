//! A stand-in for Envoy's proxy-wasm host: loads the built module and drives it as Envoy 1.40 would.
//!
//! The filter is never linked, only loaded, so what is tested is what ships. It is not a proxy: no sockets, no bodies,
//! no other filters, no threads; time stands still until a test moves it. What it emulates, and every rule that
//! `tests/` holds it to, was measured on Envoy 1.40.

#![forbid(unsafe_code)]
#![expect(clippy::unreachable, reason = "a development tool: naming a worker that does not exist is the test's bug")]

mod abi;
mod answer;
mod config;
mod fake_control;
mod fake_ledger;
mod guest;
mod headers;
mod imports;
mod metrics;
mod module;
mod pairs;
mod process;
mod property;
mod request;
mod serve;
mod shared_data;
mod sized;
mod vm;
mod world;

pub use answer::Answer;
pub use config::{Config, EDGE_TOKEN, START_OF_TIME_NS, plugin_configuration};
pub use fake_control::ControlPlane;
pub use guest::VmId;
pub use headers::Headers;
pub use module::{Module, workspace};
pub use process::{Process, Reloads};
pub use request::{Outcome, Request, Sent, Upstream};
pub use sized::Instructions;
pub use vm::Exchange;
pub use world::{Callout, Cluster, LogLine};
