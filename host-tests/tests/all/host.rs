//! The host itself: each rule of Envoy's that it emulates has a row that fails when the rule is broken.

mod buffers;
mod callouts;
mod contexts;
mod headers;
mod lifecycle;
mod reload;
mod replies;
mod script;
mod shared;
