//! What a policy says of limits: the rates of keys and organisations that have none of their own, and each rule's cost and rate.
//!
//! It counts nothing. Invariant: a public rule takes no limits, since it asks nobody who they are.

use core::fmt::{self, Write as _};

use super::compile::{at, refuse};
use super::{Conflict, Location, PolicyError, PolicyProblem, Rule};
use crate::limit::{InvalidRate, Rate};
use crate::spec::{
    Access, CountedBy, OnUnavailable, Period, PolicyRateSpec, PolicySpec, RateLimitHeaders, RuleRateSpec, RuleSpec,
};

/// The most that a request can cost.
pub(super) const MAX_COST: u32 = 1_000_000;

/// What holds for every request that a key makes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) key: Option<Rate>,
    pub(crate) organization: Option<Rate>,
    pub(crate) on_unavailable: OnUnavailable,
    pub(crate) headers: RateLimitHeaders,
}

/// What a rule asks of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleLimits {
    pub(crate) cost: u32,
    pub(crate) rate: Option<RuleRate>,
}

/// A rule's own rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleRate {
    pub(crate) rate: Rate,
    pub(crate) by: CountedBy,
    /// Names the rule among buckets, whatever stands around it in the policy.
    pub(crate) hash: u32,
}

impl Default for RuleLimits {
    fn default() -> Self {
        Self { cost: 1, rate: None }
    }
}

pub(super) fn defaults(spec: &PolicySpec) -> Result<Defaults, PolicyError> {
    let rate = |member, spec: &Option<PolicyRateSpec>| {
        let compile = |it: &PolicyRateSpec| rate(it.requests, it.per, it.burst);
        spec.as_ref().map(compile).transpose().map_err(at(Location::part("rate_limits", member)))
    };
    Ok(Defaults {
        key: rate("key", &spec.rate_limits.key)?,
        organization: rate("organization", &spec.rate_limits.organization)?,
        on_unavailable: spec.quota.on_unavailable,
        headers: spec.rate_limit_headers,
    })
}

/// A rule's limits but for the hash, which needs the whole rule.
pub(super) fn of_rule(index: usize, spec: &RuleSpec) -> Result<RuleLimits, PolicyError> {
    let member = |member| Location::member("rules", index, member);
    if spec.access == Access::Public {
        let limited = [(spec.cost.is_some(), "cost"), (spec.rate_limit.is_some(), "rate_limit")];
        return match limited.into_iter().find(|(is_there, _)| *is_there) {
            Some((_, name)) => refuse(member(name), Conflict::PublicWithLimits),
            None => Ok(RuleLimits::default()),
        };
    }
    let cost = match spec.cost.unwrap_or(1) {
        cost if cost > MAX_COST => return refuse(member("cost"), PolicyProblem::Cost(cost)),
        cost => cost,
    };
    let compile =
        |it: &RuleRateSpec| rate(it.requests, it.per, it.burst).map(|rate| RuleRate { rate, by: it.by, hash: 0 });
    Ok(RuleLimits { cost, rate: spec.rate_limit.as_ref().map(compile).transpose().map_err(at(member("rate_limit")))? })
}

fn rate(requests: u32, per: Period, burst: Option<u32>) -> Result<Rate, InvalidRate> {
    // A burst that nobody wrote is nothing to refuse a rate for.
    Rate::new(requests, per.seconds(), burst.unwrap_or(requests.min(Rate::MAX_BURST)))
}

impl Rule {
    pub(super) fn with_hash(mut self) -> Self {
        let mut hash = Fnv::default();
        // Hashing refuses nothing.
        let _ = write!(hash, "{self}");
        if let Some(rate) = &mut self.limits.rate {
            rate.hash = hash.0;
        }
        self
    }
}

/// FNV-1a of a text: the same in every build, which buckets outlive.
struct Fnv(u32);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let step = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        self.0 = text.bytes().fold(self.0, step);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vectors of draft-eastlake-fnv.
    #[test]
    fn hashes_are_fnv_1a() {
        for (text, expected) in [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
            let mut hash = Fnv::default();
            assert!(hash.write_str(text).is_ok());
            assert_eq!(hash.0, expected, "{text}");
        }
    }
}
