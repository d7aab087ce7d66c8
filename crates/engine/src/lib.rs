//! The decision: one pure function from policy, key record and request to allow or deny.
//!
//! It does no I/O, reads no clock, writes no log and cannot panic: whatever bytes a request holds, the answer is
//! a [`Decision`]. Invariant: `allow` is the only early return; every error on the way is a deny with a [`Reason`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod spec;

pub mod ascii;
pub mod credential;
pub mod decide;
pub mod decision;
pub mod id;
pub mod ip;
pub mod key_format;
pub mod limit;
pub mod path;
pub mod policy;
pub mod reason;
pub mod record;
pub mod referrer;
pub mod request;
pub mod restriction;
pub mod scope;
pub mod service;
pub mod skill;
pub mod template;
pub mod trace;

pub use decide::{Ambient, KeyStore, StoreUnavailable, decide, decide_traced};
pub use decision::{Decision, Denial, Grant, Identity, Observed};
pub use id::{KeyDigest, KeyId, OrganizationId, SecretId, SkillId};
pub use limit::{Admission, Bucket, Demand, Limiter, OnUnavailable, Rate, Refusal, Standing, Subject, Unlimited};
pub use policy::{Policy, PolicyError};
pub use reason::{Code, Reason};
pub use record::{KeyRecord, KeyStatus, OrganizationLimits, OrganizationState, TokenRecord};
pub use request::Request;
pub use restriction::{KeyLimits, Mode, RestrictionError, RestrictionSet, Trial};
pub use service::{Outgoing, Service, ServiceUse};
pub use skill::{SecretState, SecretValue, ServiceLink, Skill, SkillSecret};
pub use spec::PolicySpec;
pub use trace::{Check, Outcome, Step};
