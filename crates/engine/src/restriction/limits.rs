//! A key's own limits: under whose name it is counted, whether it has a quota, and its rate.
//!
//! It counts nothing. Invariant: limits that cannot be read are an error, and limits that say nothing are none.

use alloc::string::ToString;

use super::{RestrictionError, RestrictionProblem};
use crate::id::KeyId;
use crate::limit::{InvalidRate, Rate};
use crate::spec::{LimitsSpec, RateSpec};

/// A key's own limits, compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLimits {
    meter: Option<KeyId>,
    has_quota: bool,
    rate: Option<Rate>,
}

impl KeyLimits {
    pub(super) fn compile(spec: &LimitsSpec) -> Result<Self, RestrictionError> {
        let meter = spec.meter.as_deref().map(str::parse).transpose();
        let rate = spec.rate.as_ref().map(compile_rate).transpose();
        Ok(Self {
            meter: meter.map_err(|error| refused("limits.meter", error))?,
            has_quota: spec.quota,
            rate: rate.map_err(|error| refused("limits.rate", error))?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn to_spec(&self) -> LimitsSpec {
        let rate = |it: Rate| RateSpec { requests: it.requests(), seconds: it.seconds(), burst: it.burst() };
        LimitsSpec { meter: self.meter.map(|it| it.to_string()), quota: self.has_quota, rate: self.rate.map(rate) }
    }

    /// The first key of its rotation chain; `None` = the key itself.
    pub fn meter(&self) -> Option<KeyId> {
        self.meter
    }

    /// Whether it has a quota of its own.
    pub fn has_quota(&self) -> bool {
        self.has_quota
    }

    /// Its rate, in place of the policy's for keys.
    pub fn rate(&self) -> Option<Rate> {
        self.rate
    }
}

fn compile_rate(spec: &RateSpec) -> Result<Rate, InvalidRate> {
    Rate::new(spec.requests, spec.seconds, spec.burst)
}

fn refused(field: &str, problem: impl Into<RestrictionProblem>) -> RestrictionError {
    RestrictionError { field: field.into(), problem: problem.into() }
}
