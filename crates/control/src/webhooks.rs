//! Webhooks: telling an organisation's own servers what happened.
//!
//! Messages are as the Standard Webhooks specification (version 1.0.0) has them. Each is stored before it is sent, so
//! that it outlives a restart, and sent until it is answered with a 2xx status or given up: at least once, in no promised
//! order. Invariants: nothing is sent to an address that the operator does not allow, whatever a name resolves to; the
//! secret is in no log, no page and no column.

mod address;
mod events;
mod fields;
mod manage;
mod message;
mod metering;
mod post;
mod schedule;
mod sender;
mod signing;

pub(crate) use address::Refused;
pub use address::WebhookRules;
pub(crate) use events::{Event, Events};
pub(crate) use manage::{create, deliveries, list, remove, retry, show, test, update};
pub(crate) use post::Failed;
pub(crate) use sender::{Sender, run};
pub(crate) use signing::PREFIX as SECRET_PREFIX;
