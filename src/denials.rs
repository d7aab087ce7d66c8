//! Requests that were refused, as whoever has the request's id may look them up.
//!
//! Invariant: never more than [`MOST`] between two reports; once there are, a refusal costs nothing here and asks nothing
//! of the proxy, so that a flood of bad requests stays cheap.

use portcullis_engine::{Denial, Policy, Request};
use serde::Serialize;

use crate::host::Host;
use crate::told;

/// Refusals told with one report.
pub const MOST: usize = 64;

/// One refusal.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    at: u64,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl Refused {
    /// A refusal at that time, in Unix seconds. Without a policy nobody knows what keys look like: then only what cannot
    /// hold one is told.
    pub fn new(host: &impl Host, policy: Option<&Policy>, denial: &Denial<'_>, request: &Request<'_>, at: u64) -> Self {
        let formats = policy.map(Policy::key_formats);
        Self {
            request_id: told::request_id(formats, request),
            at,
            reason: denial.reason.as_str(),
            key: denial.identity.map(|identity| identity.key.to_string()),
            organization: denial.identity.map(|identity| identity.organization.to_string()),
            method: told::method(formats, request),
            path: formats.and_then(|formats| told::path(formats, request)),
            address: told::address(host),
        }
    }
}
