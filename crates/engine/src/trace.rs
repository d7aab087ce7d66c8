//! Telling a decision's checks as they are made, for `explain`.
//!
//! It observes; it cannot change a decision. The unit type observes nothing and costs nothing at the edge.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::reason::Reason;

/// The checks, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Which rule is for the request.
    Route,
    /// The one credential.
    Credential,
    /// The key's format.
    Format,
    /// The access token: its form, issuer, audience, time and signature.
    Token,
    /// The record of the key, or of what the access token was minted for.
    Lookup,
    /// Revoked, disabled, expired, organisation suspended.
    Status,
    /// The rule's environments.
    Environment,
    /// The key's networks.
    Ip,
    /// The key's pages.
    Referrer,
    /// The key's endpoints.
    Endpoint,
    /// The rule's scopes.
    Scopes,
    /// The service, and the secrets that it wants.
    Service,
    /// Rate limits and quotas: the key's, the organisation's, the rule's.
    Quota,
}

impl Step {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Credential => "credential",
            Self::Format => "format",
            Self::Token => "token",
            Self::Lookup => "lookup",
            Self::Status => "status",
            Self::Environment => "environment",
            Self::Ip => "ip",
            Self::Referrer => "referrer",
            Self::Endpoint => "endpoint",
            Self::Scopes => "scopes",
            Self::Service => "service",
            Self::Quota => "quota",
        }
    }
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It would have denied; observe mode only counts.
    Observed(Reason),
    /// It denied: the last check of its decision.
    Denied(Reason),
}

/// One check of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub step: Step,
    /// How it went.
    pub outcome: Outcome,
    /// What it looked at; never holds a credential.
    pub detail: String,
}

/// Something that is told the checks.
pub trait Trace {
    /// One check was made.
    fn check(&mut self, step: Step, outcome: Outcome, detail: fmt::Arguments<'_>);

    /// One check was made that has nothing to say beyond its result.
    fn result<T>(&mut self, step: Step, result: Result<T, Reason>) -> Result<T, Reason> {
        let outcome = match &result {
            Ok(_) => Outcome::Passed,
            Err(reason) => Outcome::Denied(*reason),
        };
        self.check(step, outcome, format_args!(""));
        result
    }
}

impl Trace for () {
    fn check(&mut self, _: Step, _: Outcome, _: fmt::Arguments<'_>) {}
}

impl Trace for Vec<Check> {
    fn check(&mut self, step: Step, outcome: Outcome, detail: fmt::Arguments<'_>) {
        self.push(Check { step, outcome, detail: detail.to_string() });
    }
}
